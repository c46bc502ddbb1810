// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Messages that nobody should send, and what becomes of them.

use super::{address, advert, option, options, pvd};
use crate::name::BadName;
use crate::nd::{NdError, NdOption, RouterAdvert, kind};

const NAME: &[u8] = b"\x03pvd\x07example\0";
const OTHER: &[u8] = b"\x05other\x07example\0";

/// Why nothing of the message may be used.
fn discarded(message: &[u8]) -> Option<NdError> {
    RouterAdvert::parse(message).unwrap().check().err()
}

#[test]
fn the_first_pvd_counts_and_the_second_is_as_if_it_were_not_there() {
    let mtu = [5, 1, 0, 0, 0, 0, 5, 220];
    let message = advert(&[&pvd(0, NAME, &[]), &pvd(0, OTHER, &[]), &mtu]);
    let parsed = options(&message);
    assert!(matches!(parsed[..], [Ok(NdOption::Pvd(_)), Ok(NdOption::Mtu(1500))]), "{parsed:?}");
    let broken = advert(&[&pvd(0, NAME, &[]), &pvd(0, b"\xc0\0", &[]), &mtu]);
    assert_eq!(discarded(&broken), None);
    assert_eq!(RouterAdvert::parse(&message).unwrap().raw_options().count(), 3);
}

#[test]
fn a_pvd_inside_a_pvd_is_as_if_it_were_not_there() {
    let inside = [pvd(0, OTHER, &[3, 1, 0, 0, 0, 0, 0, 0]), vec![5, 1, 0, 0, 0, 0, 5, 220]].concat();
    let message = advert(&[&pvd(0, NAME, &inside)]);
    let pvd = RouterAdvert::parse(&message).unwrap().pvd().unwrap().unwrap();
    assert_eq!(pvd.name.to_string(), "pvd.example.");
    assert_eq!(pvd.options().collect::<Vec<_>>(), [Ok(NdOption::Mtu(1500))]);
    assert_eq!(pvd.raw_options().count(), 2);
}

#[test]
fn identifiers_that_are_no_names() {
    for (name, why) in [
        (&b"\x03pvd\xc0\x06"[..], BadName::Compressed),
        (b"\x03pvd\x06examp", BadName::Unterminated),
        (b"\x40pvd", BadName::Compressed),
        (b"\0", BadName::Empty),
        (b"", BadName::Empty),
    ] {
        // Nothing but the identifier to read on in: what follows its option is another's.
        let message = advert(&[&pvd(0, name, &[]), &option(kind::MTU, &[0; 6])]);
        assert_eq!(discarded(&message), Some(NdError::PvdName(why)), "{name:?}");
    }
}

#[test]
fn options_inside_are_held_to_the_same_rule_as_those_outside() {
    for (inside, why) in [
        (&[5, 0, 0, 0, 0, 0, 0, 0][..], NdError::ZeroLength),
        (&[5, 2, 0, 0, 0, 0, 0, 0], NdError::Overrun),
        (&[5, 255, 0, 0, 0, 0, 0, 0], NdError::Overrun),
    ] {
        assert_eq!(discarded(&advert(&[inside])), Some(why));
        assert_eq!(discarded(&advert(&[&pvd(0, NAME, inside)])), Some(why));
    }
    // One octet is no option.
    assert_eq!(discarded(&advert(&[&[5]])), Some(NdError::Overrun));
}

#[test]
fn a_promised_header_must_be_there() {
    let header = [134, 0, 0, 0, 64, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(discarded(&advert(&[&pvd(0x2000, NAME, &[])])), Some(NdError::PvdHeader));
    assert_eq!(discarded(&advert(&[&pvd(0x2000, NAME, &header[..8])])), Some(NdError::PvdHeader));
    assert_eq!(discarded(&advert(&[&pvd(0x2000, NAME, &header)])), None);
}

#[test]
fn what_a_receiver_must_ignore_is_ignored() {
    // Reserved bits, padding, and type, code and checksum of the header inside (RFC 8801 section 3.1).
    let header = [1, 2, 3, 4, 64, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut octets = pvd(0x3ff0, NAME, &header);
    let padding = 6 + NAME.len();
    octets[padding..padding.next_multiple_of(8)].fill(0xff);
    let message = advert(&[&octets]);
    let pvd = RouterAdvert::parse(&message).unwrap().pvd().unwrap().unwrap();
    assert_eq!((pvd.http, pvd.legacy, pvd.delay, pvd.header.unwrap().lifetime), (false, false, 0, 9));
    assert!(pvd.nested.is_empty());
}

#[test]
fn an_option_that_is_wrong_costs_no_other() {
    let group = [&[0, 0, 0, 0, 0, 9], &address("ff02::1")[..]].concat();
    let nobody = [&[0, 0, 0, 0, 0, 9], &address("::")[..]].concat();
    let wrong: [(u8, &[u8], NdError); 15] = [
        (kind::SOURCE_LINK_LAYER, &[0; 14], NdError::OptionLength),
        (kind::PREFIX, &[0; 22], NdError::OptionLength),
        (kind::PREFIX, &[[129].as_slice(), &[0; 29]].concat(), NdError::PrefixLength),
        (kind::MTU, &[0; 14], NdError::OptionLength),
        (kind::ROUTE, &[64, 0, 0, 0, 0, 9], NdError::PrefixLength),
        (kind::ROUTE, &[&[129, 0][..], &[0; 20]].concat(), NdError::PrefixLength),
        (kind::ROUTE, &[0; 30], NdError::OptionLength),
        (kind::ROUTE, &[0, 0x10, 0, 0, 0, 9], NdError::Preference),
        (kind::RDNSS, &[0; 6], NdError::OptionLength),
        (kind::RDNSS, &[0; 14], NdError::OptionLength),
        (kind::RDNSS, &group, NdError::Resolver),
        (kind::RDNSS, &nobody, NdError::Resolver),
        (kind::DNSSL, &[0; 6], NdError::OptionLength),
        (kind::PREF64, &[0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], NdError::LengthCode),
        (kind::PREF64, &[0; 6], NdError::OptionLength),
    ];
    for (kind, content, why) in wrong {
        let message = advert(&[&option(kind, content), &[5, 1, 0, 0, 0, 0, 5, 220]]);
        assert_eq!(options(&message), [Err(why), Ok(NdOption::Mtu(1500))], "{kind} {content:?}");
        assert_eq!(discarded(&message), None);
    }
}

#[test]
fn search_lists_that_are_none() {
    for (names, why) in [
        (&[0u8; 8][..], BadName::Empty),
        (b"\x03org\0\xc0\0\0\0", BadName::Compressed),
        (b"\x07example", BadName::Unterminated),
        (b"\x03org\0\x03ne", BadName::Unterminated),
        (b"\x03org\0\0\x01a", BadName::Empty),
    ] {
        let message = advert(&[&option(kind::DNSSL, &[&[0; 6], names].concat())]);
        assert_eq!(options(&message), [Err(NdError::Name(why))], "{names:?}");
    }
}

#[test]
fn what_is_too_short_is_no_advertisement() {
    let message = advert(&[]);
    for len in 0..message.len() {
        assert_eq!(RouterAdvert::parse(&message[..len]), Err(NdError::Message));
    }
    assert_eq!(RouterAdvert::parse(&[&[133], &message[1..]].concat()), Err(NdError::Message));
}
