// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which names of PvDs are names of hosts. A label may have any octets, and most of them mean something else in a URL.

use crate::PvdName;

/// The name as the host of a URL, without the closing dot; `None`: no host can be called so.
///
/// Letters, digits and hyphens make a host name (RFC 1123 section 2.1); an underscore is let pass. A name whose last label has
/// digits alone would be taken for an IPv4 address.
pub fn host(name: &PvdName) -> Option<String> {
    let is_good = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    let edge = |octet: Option<&u8>| octet.is_some_and(|octet| *octet != b'-');
    let good = |label: &[u8]| label.iter().all(is_good) && edge(label.first()) && edge(label.last());
    let number = |label: &[u8]| label.iter().all(u8::is_ascii_digit) || label.starts_with(b"0x");
    let last = name.labels().last().is_some_and(|label| !number(label));
    (last && name.labels().all(good)).then(|| name.to_string().trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_host_has_letters_digits_and_hyphens() {
        for (text, expected) in [
            ("Corp.Example", Some("corp.example")),
            ("a-1.b_c.example.", Some("a-1.b_c.example")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("7", None),
            ("127.0.0.1", None),
            ("127.0x7f", None),
            ("a/b.example", None),
            (r"a\.b.example", None),
            ("user@a.example", None),
            ("a b.example", None),
            ("a:1.example", None),
            ("-a.example", None),
            ("a-.example", None),
            ("b\u{fc}cher.example", None),
        ] {
            assert_eq!(host(&text.parse().unwrap()).as_deref(), expected, "{text}");
        }
    }
}
