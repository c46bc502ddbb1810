// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Mistakes in `[[pvd]]` tables.

use super::*;

/// What is said otherwise than in the good file, how many lines behind the head of its table, and what is answered.
const MISTAKES: &[(&str, &str, u32, &str)] = &[
    ("Work.example", "wo..rk", 2, r#"pvd "wo..rk": name: "wo..rk" is not the name of a PvD (expected a domain name"#),
    (
        "red/dev\"\nname = \"Work",
        "green\"\nname = \"Work",
        1,
        r#"pvd "Work.example": namespace: "green" does not exist"#,
    ),
    (
        "delay = 15\nprefixes",
        "delay = 16\nprefixes",
        6,
        r#"pvd "Work.example": delay: 16 is not valid (expected 0 to 15)"#,
    ),
    (
        "2001:db8:1::/64",
        "2001:db8:1::1/64",
        7,
        r#"pvd "Work.example": prefixes: "2001:db8:1::1/64" is not valid (expected a prefix such as"#,
    ),
    ("2::/48,on-link", "2::/48", 7, r#"pvd "Work.example": prefixes: "2001:db8:2::/48" is not valid"#),
    ("::/0,low", "::/0,lowest", 8, r#"pvd "Work.example": routes: "::/0,lowest" is not valid"#),
    (
        "\"2001:db8::53\"",
        "\"::1\", \"0::1\"",
        9,
        r#"pvd "Work.example": rdnss: "0::1" is not valid (expected each of them once)"#,
    ),
    ("mtu = 1280", "mtu = 1279", 12, r#"pvd "Work.example": mtu: 1279 is not valid (expected 1280 to 9216)"#),
    (
        "https://p.example/",
        "two words",
        13,
        r#"pvd "Work.example": captive-portal: "two words" is not valid (expected a URI"#,
    ),
    (
        "announce = { router = \"fe80::1",
        "announce = { router = \"2001:db8::1",
        14,
        r#"pvd "Work.example": announce.router: "2001:db8::1" is not valid (expected a link-local"#,
    ),
    ("00:01:01", "00:01", 14, r#"pvd "Work.example": announce.mac: "02:00:00:00:01" is not a MAC address"#),
    ("1800", "65536", 14, r#"pvd "Work.example": announce.lifetime: 65536 is not valid (expected 0 to 65535)"#),
    ("legacy = true\n", "legacie = true\n", 4, r#"pvd "Work.example": legacie: unknown key `legacie`"#),
    (
        "red/dev\"\nname = \"Work",
        "red\"\nname = \"Work",
        18,
        r#"pvd "work.example": name: PvD "red:work.example." exists already"#,
    ),
];

/// Each mistake in what is said of a PvD stands beside its key, or beside the item of the list.
#[test]
fn test_mistakes_in_what_is_said_of_a_pvd() {
    let first = FULL.find("[[pvd]]").map_or(0, |at| FULL[..at].lines().count() as u32) + 1;
    for &(from, to, line, expected) in MISTAKES {
        let text = FULL.replacen(from, to, 1);
        assert_ne!(text, FULL, "{from}");
        let why = Config::parse("f", &text).unwrap_err().to_string();
        assert!(why.starts_with(&format!("f:{}: {expected}", first + line)), "{why}");
    }
    let twice = FULL.replacen("name = \"work.example\"", "name = \"b.example\"\nprefixes = [\"2001:db8:1::/64\"]", 1);
    let twice = twice.replacen("namespace = \"red/dev\"\nname = \"Work", "namespace = \"red\"\nname = \"Work", 1);
    let why = Config::parse("f", &twice).unwrap_err().to_string();
    assert!(
        why.contains(r#"pvd "b.example": prefixes: "2001:db8:1::/64" is in use by PvD "red:work.example.""#),
        "{why}"
    );
}
