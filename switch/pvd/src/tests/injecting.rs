// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! PvD Options for routers that have none.

use super::build::{HTTP, LEGACY, Net, Ra, name, router, s};
use crate::{ALL_NODES, Advert, Injection, NotInjected, RaCache};
use wire::nd::{self, RaHeader, RouterAdvert, kind};
use wire::{MacAddr, ip6};

const ADDRESS: [u8; 8] = [kind::SOURCE_LINK_LAYER, 1, 2, 0, 0, 0, 0, 1];

fn injection() -> Injection {
    Injection { http: true, legacy: true, sequence: 7, delay: 3, ..Injection::new(name("work.example")) }
}

fn inject(injection: &Injection, ra: &Ra, mtu: usize) -> Result<Vec<u8>, NotInjected> {
    injection.inject(&ra.bytes(), router(1), ALL_NODES, mtu)
}

fn plain() -> Ra {
    Ra::new(1800)
        .raw(&ADDRESS)
        .prefix("2001:db8::/64", 3600)
        .rdnss(&["2001:db8::53"], 900)
        .raw(&[253, 1, 1, 2, 3, 4, 5, 6])
}

/// The message with its checksum.
fn summed(ra: &Ra) -> Vec<u8> {
    let mut octets = ra.bytes();
    nd::set_checksum(&mut octets, router(1), ALL_NODES);
    octets
}

#[test]
fn without_a_header_all_stays_where_it_is_and_an_empty_option_follows() {
    let expected = summed(&plain().pvd("work.example").flags(HTTP | LEGACY | 3, 7));
    assert_eq!(inject(&injection(), &plain(), 1500).unwrap(), expected);
}

#[test]
fn with_a_header_all_but_the_address_moves_inside_and_nothing_is_said_outside() {
    let injection = Injection { header: true, ..Injection::new(name("work.example")) };
    let octets = inject(&injection, &plain().header(|header| header.flags = 0x88), 1500).unwrap();
    let message = RouterAdvert::parse(&octets).unwrap();
    let pvd = message.pvd().unwrap().unwrap();
    assert_eq!(message.header, RaHeader::default(), "no router for who knows no PvDs");
    let inner = RaHeader { hop_limit: 64, flags: 0x88, lifetime: 1800, ..RaHeader::default() };
    assert_eq!(pvd.header, Some(inner));
    let inside: Vec<u8> = pvd.raw_options().flat_map(|option| option.unwrap().bytes.to_vec()).collect();
    assert_eq!(inside, plain().bytes()[RaHeader::LEN + ADDRESS.len()..]);
    let outside: Vec<u8> = message.raw_options().map(|option| option.unwrap().kind).collect();
    assert_eq!(outside, [kind::SOURCE_LINK_LAYER, kind::PVD]);
    let mut again = octets.clone();
    nd::set_checksum(&mut again, router(1), ALL_NODES);
    assert_eq!(again, octets);
}

#[test]
fn both_teach_what_the_router_said_of_the_pvd_that_was_injected() {
    for header in [false, true] {
        let octets = inject(&Injection { header, ..injection() }, &plain(), 1500).unwrap();
        let advert = Advert::new(1, router(1), RouterAdvert::parse(&octets).unwrap()).unwrap().injected();
        let (mut net, mut legacy) = (Net::new(), Net::new());
        net.registry.learn(&advert, net.now).unwrap();
        legacy.say(1, 1, &plain());
        let (pvd, implicit) = (net.pvd("work.example").unwrap(), legacy.implicit(1, 1).unwrap());
        assert_eq!(net.known(&pvd), legacy.known(&implicit));
        assert!(net.implicit(1, 1).is_none());
        let attributes = pvd.attributes();
        let flags = attributes.sources()[0].flags();
        assert_eq!((flags.injected, flags.header, flags.sequence, flags.delay), (true, header, 7, 3));
        let mut cache = RaCache::default();
        cache.hear(&advert, MacAddr([2, 0, 0, 0, 0, 1]), &octets, s(1)).unwrap();
        assert!(cache.iter().all(|ra| ra.injected && ra.octets == octets));
    }
}

#[test]
fn a_router_that_names_its_pvd_itself_from_now_on_is_news() {
    let mut net = Net::new();
    let octets = summed(&Ra::of("work.example", 1800));
    let advert = Advert::new(1, router(1), RouterAdvert::parse(&octets).unwrap()).unwrap();
    net.registry.learn(&advert.injected(), net.now).unwrap();
    let before = net.registry.last_event();
    net.registry.learn(&advert.injected(), net.now).unwrap();
    assert_eq!(net.registry.last_event(), before);
    net.registry.learn(&advert, net.now).unwrap();
    assert_eq!(net.registry.last_event(), before + 1);
}

#[test]
fn what_must_not_be_changed_is_not() {
    let with = |option: &[u8]| plain().raw(option);
    for (ra, why) in [
        (with(&[kind::NONCE, 1, 1, 2, 3, 4, 5, 6]), NotInjected::Signed),
        (with(&[kind::RSA_SIGNATURE, 1, 1, 2, 3, 4, 5, 6]).pvd("own.example"), NotInjected::Signed),
        (plain().pvd("own.example"), NotInjected::HasOne),
        (with(&[kind::PVD, 1, 0, 0, 0, 0, 0, 0]), NotInjected::Unreadable),
        (with(&[253, 0, 0, 0, 0, 0, 0, 0]), NotInjected::Unreadable),
    ] {
        for header in [false, true] {
            assert_eq!(inject(&Injection { header, ..injection() }, &ra, 1500), Err(why));
        }
    }
    let message = plain().bytes();
    assert_eq!(injection().inject(&message[..9], router(1), ALL_NODES, 1500), Err(NotInjected::Unreadable));
}

#[test]
fn what_would_not_fit_is_left_as_it_is() {
    for header in [false, true] {
        let injection = Injection { header, ..injection() };
        let fits = ip6::HEADER_LEN + inject(&injection, &plain(), 1500).unwrap().len();
        assert!(inject(&injection, &plain(), fits).is_ok());
        assert_eq!(inject(&injection, &plain(), fits - 1), Err(NotInjected::TooLong));
    }
    // An option is 2040 octets long at most, whatever the link carries.
    let long = (0..16).fold(Ra::new(1800), |ra, _| ra.raw(&[&[253, 16][..], &[1; 126]].concat()));
    assert!(inject(&injection(), &long, 9000).is_ok());
    assert_eq!(inject(&Injection { header: true, ..injection() }, &long, 9000), Err(NotInjected::TooLong));
    // What the router says of the MTU holds, too; what no link can have is a mistake of its.
    let long = |mtu| (0..10).fold(Ra::new(1800).mtu(mtu), |ra, _| ra.raw(&[&[253, 15][..], &[1; 118]].concat()));
    for (mtu, good) in [(1280, false), (1300, true), (500, true)] {
        assert_eq!(inject(&injection(), &long(mtu), 1500).is_ok(), good, "{mtu}");
    }
}
