// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Names from the wire, from text, and compared.

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

#[test]
fn case_and_closing_dot_make_no_difference() {
    assert_eq!(name("Example.ORG"), name("example.org."));
    assert_eq!(name("example.org").to_string(), "example.org.");
    assert_eq!(name("example.org").as_wire(), b"\x07example\x03org\x00");
    assert_eq!(name("example.org").labels().collect::<Vec<_>>(), [&b"example"[..], b"org"]);
}

#[test]
fn only_ascii_letters_have_a_case() {
    let upper = DomainName::from_labels([&[0xc4][..]]).unwrap();
    let lower = DomainName::from_labels([&[0xe4][..]]).unwrap();
    assert_ne!(upper, lower);
    assert_ne!(upper.as_name(), lower.as_name());
}

#[test]
fn any_octet_survives_the_text_and_none_reaches_a_terminal() {
    let all: Vec<u8> = (0..=255).collect();
    for octets in all.chunks(32) {
        let label = DomainName::from_labels([octets]).unwrap();
        let text = label.to_string();
        assert!(text.bytes().all(|b| b.is_ascii_graphic()), "{text:?}");
        assert_eq!(name(&text), label);
    }
    assert_eq!(name(r"a\.b.c"), DomainName::from_labels([&b"a.b"[..], b"c"]).unwrap());
}

#[test]
fn lengths_are_bounded_as_rfc_1035_has_it() {
    let label = "x".repeat(63);
    assert_eq!(format!("{label}x").parse::<DomainName>(), Err(BadName::Label));
    // Three labels of 63 and one of 61: 3 * 64 + 62 + 1 = 255 octets.
    let longest = format!("{label}.{label}.{label}.{}", "x".repeat(61));
    assert_eq!(name(&longest).as_wire().len(), 255);
    assert_eq!(format!("{longest}x").parse::<DomainName>(), Err(BadName::TooLong));
}

#[test]
fn what_is_no_name_in_text() {
    for (text, why) in [
        ("", BadName::Empty),
        (".", BadName::Label),
        ("a..b", BadName::Label),
        (".a", BadName::Label),
        ("a..", BadName::Label),
        ("a\\", BadName::Escape),
        ("a\\25", BadName::Escape),
        ("a\\256", BadName::Escape),
    ] {
        assert_eq!(text.parse::<DomainName>(), Err(why), "{text:?}");
    }
    assert_eq!(DomainName::from_labels([]), Err(BadName::Empty));
}

#[test]
fn what_is_no_name_on_the_wire() {
    let cases: [(&[u8], BadName); 8] = [
        (b"", BadName::Unterminated),
        (b"\0", BadName::Empty),
        (b"\x03org", BadName::Unterminated),
        (b"\x03or", BadName::Unterminated),
        (b"\xc0\x00", BadName::Compressed),
        (b"\x03org\xc0\x00", BadName::Compressed),
        (b"\x40\x00", BadName::Compressed),
        (b"\x80\x00", BadName::Compressed),
    ];
    for (bytes, why) in cases {
        assert_eq!(NameRef::split(bytes), Err(why), "{bytes:?}");
    }
}

#[test]
fn a_name_on_the_wire_has_at_most_255_octets() {
    let label = [&[63u8][..], &[b'x'; 63]].concat();
    let longest = [&label.repeat(3)[..], &[61], &[b'x'; 61], &[0]].concat();
    assert_eq!(NameRef::split(&longest).unwrap().0.as_wire().len(), 255);
    let longer = [&label.repeat(3)[..], &[62], &[b'x'; 62], &[0]].concat();
    assert_eq!(NameRef::split(&longer), Err(BadName::TooLong));
}

#[test]
fn a_borrowed_name_finds_its_equal_in_a_map() {
    let map = std::collections::BTreeMap::from([(name("pvd.example"), 7)]);
    let (borrowed, rest) = NameRef::split(b"\x03PvD\x07Example\0tail").unwrap();
    assert_eq!((map.get(borrowed.fold_into(&mut [0; WIRE_MAX])), rest), (Some(&7), &b"tail"[..]));
    assert_eq!((borrowed, borrowed.to_string()), (name("pvd.example").as_name(), "pvd.example.".to_owned()));
    assert_eq!(DomainName::from(borrowed), name("pvd.example"));
}

proptest! {
    #[test]
    fn any_bytes_are_a_name_or_are_not(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok((name, rest)) = NameRef::split(&bytes) {
            prop_assert_eq!(name.as_wire().len() + rest.len(), bytes.len());
            prop_assert_eq!(DomainName::from_labels(name.labels()), Ok(DomainName::from(name)));
            prop_assert_eq!(name.to_string().parse(), Ok(DomainName::from(name)));
        }
    }

    #[test]
    fn labels_come_back(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..64), 1..4)) {
        let owned = DomainName::from_labels(labels.iter().map(Vec::as_slice)).unwrap();
        let (borrowed, rest) = NameRef::split(owned.as_wire()).unwrap();
        prop_assert!(rest.is_empty());
        prop_assert_eq!(borrowed, owned.as_name());
    }
}
