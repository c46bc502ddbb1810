// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The domain names that identify explicit PvDs, in one canonical form.
//!
//! A router is free to put any octets into a label, so a name is kept as labels and shown in the presentation format
//! with everything but letters, digits, hyphen and underscore escaped (RFC 4343 section 2.1): it ends up in logs and on
//! terminals.

use std::fmt;
use std::str::FromStr;

/// The longest label, in octets (RFC 1035 section 2.3.4).
const LABEL_MAX: usize = 63;
/// The longest name on the wire, length octets and the closing zero included (RFC 1035 section 2.3.4).
const WIRE_MAX: usize = 255;

/// A fully qualified domain name as RFC 8801 section 3.1 carries it, ASCII letters in lower case: identifiers that
/// differ in case only are the same (RFC 8801 section 3.4, RFC 4343).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PvdName(Box<[u8]>);

/// Why something is not a name of a PvD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPvdName {
    /// It has no label: the root is nobody's identifier.
    Empty,
    /// A label has no octet, or more than 63.
    Label,
    /// The name has more than 255 octets on the wire.
    TooLong,
    /// An escape in a text is neither `\` with three digits up to 255 nor `\` with another character.
    Escape,
}

impl PvdName {
    /// The name that consists of these labels, the root not among them.
    ///
    /// # Errors
    /// [`BadPvdName`], of any kind but `Escape`.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Result<PvdName, BadPvdName> {
        let mut wire = Vec::new();
        for label in labels {
            let length = u8::try_from(label.len()).ok().filter(|n| (1..=LABEL_MAX).contains(&usize::from(*n)));
            wire.push(length.ok_or(BadPvdName::Label)?);
            wire.extend(label.iter().map(u8::to_ascii_lowercase));
            // With room for the closing zero, and checked here so that a hostile name is bounded.
            if wire.len() + 1 > WIRE_MAX {
                return Err(BadPvdName::TooLong);
            }
        }
        if wire.is_empty() {
            return Err(BadPvdName::Empty);
        }
        wire.push(0);
        Ok(PvdName(wire.into()))
    }

    /// The name on the wire: labels after their lengths, a zero at the end, no compression (RFC 8801 section 3.1).
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels, most specific first.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first().filter(|(length, _)| **length > 0)?;
            let (label, tail) = tail.split_at(usize::from(*length));
            rest = tail;
            Some(label)
        })
    }
}

impl FromStr for PvdName {
    type Err = BadPvdName;

    /// Reads the presentation format, with or without the closing dot.
    fn from_str(text: &str) -> Result<PvdName, BadPvdName> {
        let mut labels = vec![Vec::new()];
        let mut octets = text.bytes();
        while let Some(octet) = octets.next() {
            match octet {
                b'.' => labels.push(Vec::new()),
                b'\\' => push(&mut labels, escaped(&mut octets)?),
                other => push(&mut labels, other),
            }
        }
        if labels.last().is_some_and(Vec::is_empty) {
            labels.pop();
        }
        PvdName::from_labels(labels.iter().map(Vec::as_slice))
    }
}

fn push(labels: &mut [Vec<u8>], octet: u8) {
    if let Some(label) = labels.last_mut() {
        label.push(octet);
    }
}

/// The octet that an escape stands for; its backslash is read already.
fn escaped(octets: &mut std::str::Bytes<'_>) -> Result<u8, BadPvdName> {
    let first = octets.next().ok_or(BadPvdName::Escape)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        let digit = octets.next().filter(u8::is_ascii_digit).ok_or(BadPvdName::Escape)?;
        value = value * 10 + u32::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| BadPvdName::Escape)
}

impl fmt::Display for PvdName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in self.labels() {
            for octet in label {
                match octet {
                    b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => write!(f, "{}", char::from(*octet))?,
                    other => write!(f, "\\{other:03}")?,
                }
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Debug for PvdName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PvdName({self})")
    }
}

impl fmt::Display for BadPvdName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadPvdName::Empty => "the name has no label",
            BadPvdName::Label => "a label must have 1 to 63 octets",
            BadPvdName::TooLong => "the name must not have more than 255 octets",
            BadPvdName::Escape => "an escape must be \\DDD or a backslash before one character",
        })
    }
}

impl std::error::Error for BadPvdName {}

#[cfg(test)]
mod test {
    use super::*;

    fn name(text: &str) -> PvdName {
        text.parse().unwrap()
    }

    #[test]
    fn test_case_and_closing_dot_make_no_difference() {
        assert_eq!(name("Example.ORG"), name("example.org."));
        assert_eq!(name("example.org").to_string(), "example.org.");
        assert_eq!(name("example.org").as_wire(), b"\x07example\x03org\x00");
        assert_eq!(name("example.org").labels().collect::<Vec<_>>(), [&b"example"[..], b"org"]);
    }

    #[test]
    fn test_only_ascii_letters_have_a_case() {
        let upper = PvdName::from_labels([&[0xc4][..]]).unwrap();
        let lower = PvdName::from_labels([&[0xe4][..]]).unwrap();
        assert_ne!(upper, lower);
    }

    #[test]
    fn test_any_octet_survives_the_text_and_none_reaches_a_terminal() {
        let all: Vec<u8> = (0..=255).collect();
        for octets in all.chunks(32) {
            let label = PvdName::from_labels([octets]).unwrap();
            let text = label.to_string();
            assert!(text.bytes().all(|b| b.is_ascii_graphic()), "{text:?}");
            assert_eq!(name(&text), label);
        }
        assert_eq!(name(r"a\.b.c"), PvdName::from_labels([&b"a.b"[..], b"c"]).unwrap());
    }

    #[test]
    fn test_lengths_are_bounded_as_rfc_1035_has_it() {
        let label = "x".repeat(63);
        assert_eq!(format!("{label}x").parse::<PvdName>(), Err(BadPvdName::Label));
        // Three labels of 63 and one of 61: 3 * 64 + 62 + 1 = 255 octets.
        let longest = format!("{label}.{label}.{label}.{}", "x".repeat(61));
        assert_eq!(name(&longest).as_wire().len(), 255);
        assert_eq!(format!("{longest}x").parse::<PvdName>(), Err(BadPvdName::TooLong));
    }

    #[test]
    fn test_what_is_no_name() {
        for (text, why) in [
            ("", BadPvdName::Empty),
            (".", BadPvdName::Label),
            ("a..b", BadPvdName::Label),
            (".a", BadPvdName::Label),
            ("a..", BadPvdName::Label),
            ("a\\", BadPvdName::Escape),
            ("a\\25", BadPvdName::Escape),
            ("a\\256", BadPvdName::Escape),
        ] {
            assert_eq!(text.parse::<PvdName>(), Err(why), "{text:?}");
        }
        assert_eq!(PvdName::from_labels([]), Err(BadPvdName::Empty));
    }
}
