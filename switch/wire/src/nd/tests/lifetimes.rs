// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Advertisements that are sent again later.

use proptest::collection::vec;
use proptest::prelude::*;

use super::sample;
use super::{ALL_NODES, ROUTER, address, advert, option, pvd};
use crate::nd::build::sum;
use crate::nd::{BuildError, NdError, NdOption, RaHeader, RouterAdvert, aged, encode, kind, rewrite_lifetimes};

const NAME: &[u8] = b"\x03pvd\x07example\0";

/// Every option that has a lifetime, all with this one.
fn every_kind(lifetime: u32) -> Vec<u8> {
    let [a, b, c, d] = lifetime.to_be_bytes();
    let server = [&[0, 0, a, b, c, d], &address("2001:db8::53")[..]].concat();
    [
        option(kind::PREFIX, &[&[64, 0xc0, a, b, c, d, a, b, c, d, 0, 0, 0, 0], &address("2001:db8::")[..]].concat()),
        option(kind::ROUTE, &[0, 0, a, b, c, d]),
        option(kind::RDNSS, &server),
        option(kind::DNSSL, &[&[0, 0, a, b, c, d], NAME].concat()),
        option(kind::PREF64, &[c, d & 0xf8 | 2, 0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]),
        option(kind::ENCRYPTED_DNS, &[&[0, 1, a, b, c, d, 0, 13], NAME].concat()),
        option(kind::MTU, &[0, 0, 0, 0, 5, 220]),
        option(200, &[a, b, c, d, a, b]),
    ]
    .concat()
}

/// An advertisement whose lifetimes are all `lifetime`, inside the PvD Option as well as outside.
fn everywhere(lifetime: u16) -> Vec<u8> {
    let header = RaHeader { lifetime, ..RaHeader::default() };
    let options = every_kind(lifetime.into());
    // The last one is the test's own and nobody knows that it has a lifetime.
    let known = &options[..options.len() - 8];
    let inside = [&header.to_bytes(), known].concat();
    let mut message = [&header.to_bytes(), known, &pvd(0xa001, NAME, &inside)].concat();
    crate::nd::set_checksum(&mut message, ROUTER, ALL_NODES);
    message
}

#[test]
fn every_lifetime_ages_inside_the_pvd_too() {
    let mut message = everywhere(1600);
    rewrite_lifetimes(&mut message, ROUTER, ALL_NODES, |lifetime| aged(lifetime, 600)).unwrap();
    assert_eq!(message, everywhere(1000));
    rewrite_lifetimes(&mut message, ROUTER, ALL_NODES, |lifetime| aged(lifetime, 4000)).unwrap();
    assert_eq!(message, everywhere(0));
}

#[test]
fn for_ever_stays_for_ever_where_a_lifetime_can_be_that() {
    let mut message = advert(&[&every_kind(u32::MAX)]);
    rewrite_lifetimes(&mut message, ROUTER, ALL_NODES, |lifetime| aged(lifetime, 100)).unwrap();
    let read = RouterAdvert::parse(&message).unwrap();
    assert_eq!(read.header.lifetime, 1700);
    for option in read.options() {
        match option.unwrap() {
            NdOption::Prefix(prefix) => assert_eq!((prefix.valid, prefix.preferred), (u32::MAX, u32::MAX)),
            NdOption::Route(route) => assert_eq!(route.lifetime, u32::MAX),
            NdOption::Rdnss(rdnss) => assert_eq!(rdnss.lifetime, u32::MAX),
            NdOption::Dnssl(dnssl) => assert_eq!(dnssl.lifetime, u32::MAX),
            // 13 bits of eights have no value for it: 65528 seconds, less 100, rounded down.
            NdOption::Pref64(pref64) => assert_eq!((pref64.lifetime, pref64.prefix_len), (65424, 56)),
            NdOption::Unknown(_) | NdOption::Mtu(1500) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((aged(u32::MAX, u32::MAX), aged(u32::MAX - 1, u32::MAX), aged(5, 5)), (u32::MAX, 0, 0));
}

#[test]
fn an_unknown_option_stays_as_it_is() {
    let unknown = option(200, &[0, 0, 0, 0, 9, 9]);
    let mut message = advert(&[&unknown]);
    rewrite_lifetimes(&mut message, ROUTER, ALL_NODES, |_| 1).unwrap();
    assert_eq!(message[16..], unknown);
}

#[test]
fn the_checksum_is_that_of_the_new_destination() {
    let mut message = everywhere(1600);
    let host = "fe80::2".parse().unwrap();
    rewrite_lifetimes(&mut message, ROUTER, host, |lifetime| lifetime).unwrap();
    assert_eq!(sum(&message, ROUTER, host).finish(), 0);
    assert_ne!(sum(&message, ROUTER, ALL_NODES).finish(), 0);
}

#[test]
fn signed_and_broken_messages_are_not_touched() {
    let broken = [everywhere(1600), vec![1, 0]].concat();
    for (message, why) in [
        (advert(&[&option(kind::CGA, &[1; 30]), &every_kind(9)]), BuildError::Signed),
        (broken, BuildError::Options(NdError::ZeroLength)),
        (vec![134, 0, 0, 0], BuildError::Options(NdError::Message)),
    ] {
        let mut changed = message.clone();
        assert_eq!(rewrite_lifetimes(&mut changed, ROUTER, ALL_NODES, |_| 0), Err(why));
        assert_eq!(changed, message);
    }
}

proptest! {
    #[test]
    fn nothing_but_lifetimes_changes(
        header in sample::header(), pvd in sample::pvd(), samples in vec(sample::option(), 0..6), elapsed: u32,
    ) {
        let nested: Vec<u8> = samples.iter().flat_map(|sample| sample.encode().unwrap()).collect();
        let options = [nested.clone(), encode([NdOption::Pvd(pvd.with(&nested))]).unwrap()].concat();
        let advert = RouterAdvert { header, options: &options };
        prop_assume!(!advert.is_signed());
        let message = advert.to_message(ROUTER, ALL_NODES).unwrap();

        let mut same = message.clone();
        rewrite_lifetimes(&mut same, ROUTER, ALL_NODES, |lifetime| lifetime).unwrap();
        prop_assert_eq!(&same, &message);

        let (mut once, mut twice) = (message.clone(), message);
        rewrite_lifetimes(&mut once, ROUTER, ALL_NODES, |_| 0).unwrap();
        rewrite_lifetimes(&mut twice, ROUTER, ALL_NODES, |lifetime| aged(lifetime, elapsed)).unwrap();
        rewrite_lifetimes(&mut twice, ROUTER, ALL_NODES, |_| 0).unwrap();
        prop_assert_eq!(once, twice);
    }
}
