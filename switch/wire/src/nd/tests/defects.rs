// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What earlier implementations of PvDs got wrong when they read messages.

use super::{address, advert, option, options, pvd};
use crate::name::{BadName, DomainName};
use crate::nd::{NdError, NdOption, RouterAdvert, kind};

const NAME: &[u8] = b"\x03pvd\x07example\0";

/// An advertisement with such an option made a PvD go that had been there before.
#[test]
fn a_link_layer_address_of_a_wrong_length_costs_that_option_only() {
    let message = advert(&[&option(kind::SOURCE_LINK_LAYER, &[2; 14]), &pvd(0, NAME, &[])]);
    let parsed = options(&message);
    assert!(matches!(parsed[..], [Err(NdError::OptionLength), Ok(NdOption::Pvd(_))]), "{parsed:?}");
    assert!(RouterAdvert::parse(&message).unwrap().pvd().unwrap().is_some());
}

/// Labels were read on beyond the option.
#[test]
fn an_identifier_ends_within_its_option() {
    let outside = b"\x03org\0\0\0\0\0";
    let message = advert(&[&[21, 1, 0, 0, 0, 0, 9, b'e'], outside]);
    assert_eq!(RouterAdvert::parse(&message).unwrap().pvd(), Err(NdError::PvdName(BadName::Unterminated)));
}

/// The same for search lists.
#[test]
fn a_search_list_ends_within_its_option() {
    let message =
        advert(&[&[31, 2, 0, 0, 0, 0, 0, 9, 20, b'e', b'x', b'a', b'm', b'p', b'l', b'e'], &[5, 1, 0, 0, 0, 0, 5, 0]]);
    assert_eq!(options(&message), [Err(NdError::Name(BadName::Unterminated)), Ok(NdOption::Mtu(0x500))]);
}

/// Lengths of labels from 64 to 255 were taken as such.
#[test]
fn no_label_is_longer_than_63_octets_and_no_pointer_is_followed() {
    for length in 64..=255u8 {
        let mut name = vec![length];
        name.resize(usize::from(length) + 1, b'x');
        name.push(0);
        let message = advert(&[&pvd(0, &name, &[])]);
        assert_eq!(RouterAdvert::parse(&message).unwrap().pvd(), Err(NdError::PvdName(BadName::Compressed)));
    }
}

/// Names that differed in case were two PvDs.
#[test]
fn case_makes_no_other_pvd() {
    let (lower, upper) = (advert(&[&pvd(0, NAME, &[])]), advert(&[&pvd(0, b"\x03PVD\x07Example\0", &[])]));
    let name = |message| RouterAdvert::parse(message).unwrap().pvd().unwrap().unwrap().name;
    assert_eq!(name(&lower), name(&upper));
    assert_eq!(DomainName::from(name(&lower)), DomainName::from(name(&upper)));
}

/// Lists of more than three resolvers were dropped whole, and names from the fifth on.
#[test]
fn a_list_has_as_many_entries_as_its_option_holds() {
    for count in 1..=127u8 {
        let mut content = vec![0, 0, 0, 0, 0, 9];
        (1..=count).for_each(|n| content.extend(address(&format!("2001:db8::{n:x}"))));
        let message = advert(&[&option(kind::RDNSS, &content)]);
        let [Ok(NdOption::Rdnss(rdnss))] = options(&message)[..] else { panic!("{count}") };
        assert_eq!(rdnss.servers().count(), usize::from(count));
    }
    let names = [&[0, 0, 0, 0, 0, 9], b"\x01a\0".repeat(600).as_slice()].concat();
    let message = advert(&[&option(kind::DNSSL, &names)]);
    let [Ok(NdOption::Dnssl(dnssl))] = options(&message)[..] else { panic!() };
    assert_eq!(dnssl.domains().count(), 600);
}

/// The delay was not read.
#[test]
fn delay_is_read() {
    for delay in 0..16u8 {
        let message = advert(&[&pvd(0x8000 | u16::from(delay), NAME, &[])]);
        assert_eq!(RouterAdvert::parse(&message).unwrap().pvd().unwrap().unwrap().delay, delay);
    }
}

/// Identifiers were copied as text that ends with the first zero.
#[test]
fn a_zero_within_a_label_is_part_of_the_identifier() {
    let name = |octets| DomainName::from(RouterAdvert::parse(octets).unwrap().pvd().unwrap().unwrap().name);
    let (cut, whole) = (advert(&[&pvd(0, b"\x01a\0", &[])]), advert(&[&pvd(0, b"\x03a\0b\0", &[])]));
    assert_ne!(name(&cut), name(&whole));
    assert_eq!(name(&whole).to_string(), r"a\000b.");
}
