// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The cache: what it keeps, what it drops, and who has to go.

use super::build::{Ra, router, s};
use crate::{Advert, Cached, CachedRa, Deadline, NotCached, RaCache, limits};
use std::time::Duration;
use wire::MacAddr;
use wire::nd::RouterAdvert;

pub(super) const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

pub(super) fn hear(cache: &mut RaCache, (port, host): (u32, u16), ra: &Ra, now: Duration) -> Result<Cached, NotCached> {
    let octets = ra.bytes();
    let advert = Advert::new(port, router(host), RouterAdvert::parse(&octets).unwrap()).unwrap();
    cache.hear(&advert, MAC, &octets, now)
}

fn of_port(cache: &RaCache, port: u32) -> Vec<&CachedRa> {
    cache.iter().filter(|ra| ra.port == port).collect()
}

#[test]
fn the_same_link_local_address_behind_two_ports_is_two_routers() {
    let mut cache = RaCache::default();
    assert_eq!(hear(&mut cache, (1, 1), &Ra::new(1800), s(0)), Ok(Cached::New));
    assert_eq!(hear(&mut cache, (2, 1), &Ra::new(1800), s(0)), Ok(Cached::New));
    assert_eq!(hear(&mut cache, (1, 1), &Ra::new(1800), s(9)), Ok(Cached::Again));
    let ra = of_port(&cache, 1)[0];
    assert_eq!((ra.first, ra.last, ra.heard, ra.hits), (s(0), s(9), 2, 0));
    assert_eq!((&ra.octets, ra.id().to_string()), (&Ra::new(1800).bytes(), "fe80::1%1".to_owned()));
}

#[test]
fn parts_of_one_pvd_stand_beside_each_other_and_a_part_said_anew_replaces_itself() {
    let mut cache = RaCache::default();
    let part = |server: &str| Ra::of("a.example", 1800).rdnss(&[server], 100);
    assert_eq!(hear(&mut cache, (1, 1), &part("::1"), s(0)), Ok(Cached::New));
    assert_eq!(hear(&mut cache, (1, 1), &part("::2"), s(0)), Ok(Cached::New));
    let anew = part("::1").prefix("2001:db8::/64", 100);
    assert_eq!(hear(&mut cache, (1, 1), &anew, s(5)), Ok(Cached::Anew));
    assert_eq!((cache.len(), cache.iter().filter(|ra| ra.octets == anew.bytes()).count()), (2, 1));
    let both = Ra::of("a.example", 1800).rdnss(&["::1", "::2"], 100);
    assert_eq!(hear(&mut cache, (1, 1), &both, s(5)), Ok(Cached::Anew));
    assert_eq!((cache.len(), of_port(&cache, 1)[0].heard), (1, 3));
}

#[test]
fn a_router_that_resigns_takes_its_pvd_with_it_and_no_other() {
    let mut cache = RaCache::default();
    for ra in [Ra::new(1800), Ra::of("a.example", 1800), Ra::of("b.example", 0).inner_header(9)] {
        assert_eq!(hear(&mut cache, (1, 1), &ra, s(0)), Ok(Cached::New));
    }
    hear(&mut cache, (1, 2), &Ra::of("A.EXAMPLE", 1800), s(0)).unwrap();
    assert_eq!(hear(&mut cache, (1, 1), &Ra::of("a.example", 0), s(1)), Ok(Cached::Resigned));
    let left: Vec<_> = cache.iter().map(|ra| (ra.router, ra.pvd.is_some())).collect();
    assert_eq!(left, [(router(1), false), (router(1), true), (router(2), true)]);
}

#[test]
fn an_advertisement_is_kept_for_as_long_as_the_last_of_it_and_its_router_no_longer_than_promised() {
    let mut cache = RaCache::default();
    let ra = Ra::new(10).prefix("2001:db8::/64", 100).rdnss(&["::1"], 20);
    hear(&mut cache, (1, 1), &ra, s(0)).unwrap();
    assert_eq!(hear(&mut cache, (1, 1), &ra, s(5)), Ok(Cached::Again));
    let until = |cache: &RaCache| cache.iter().map(|ra| (ra.router_until(), ra.until())).next();
    assert_eq!(until(&cache), Some((Deadline::At(s(15)), Deadline::At(s(105)))));
    cache.expire(s(104));
    assert_eq!((cache.len(), cache.next_expiry()), (1, Some(s(105))));
    cache.expire(s(105));
    assert!(cache.is_empty() && cache.next_expiry().is_none());
    hear(&mut cache, (1, 1), &Ra::new(10).prefix("2001:db8::/64", 5), s(200)).unwrap();
    assert_eq!(until(&cache), Some((Deadline::At(s(210)), Deadline::At(s(210)))), "the router is the last");
}

#[test]
fn a_router_that_is_no_default_router_is_in_the_list_with_what_it_says() {
    let mut cache = RaCache::default();
    let ra = Ra::of("a.example", 0).prefix("2001:db8::/64", 100);
    assert_eq!(hear(&mut cache, (1, 1), &ra, s(0)), Ok(Cached::New));
    assert_eq!(hear(&mut cache, (1, 1), &ra, s(1)), Ok(Cached::Again));
    let entry = of_port(&cache, 1)[0];
    assert!(entry.router_until().passed(s(1)) && entry.until() == Deadline::At(s(101)) && entry.octets == ra.bytes());
    for nothing in [Ra::new(0), Ra::new(0).mtu(1500), Ra::new(0).prefix("2001:db8:1::/64", 0)] {
        assert_eq!(hear(&mut cache, (1, 2), &nothing, s(1)), Ok(Cached::Resigned), "nothing of it lasts");
    }
    assert_eq!(cache.len(), 1);
    cache.expire(s(101));
    assert!(cache.is_empty());
}

#[test]
fn who_resigns_takes_back_what_he_says_is_over_and_nothing_else() {
    let mut cache = RaCache::default();
    let part = |lifetime, net: &str, valid| Ra::of("a.example", lifetime).prefix(net, valid);
    hear(&mut cache, (1, 1), &part(1800, "2001:db8:1::/64", 100), s(0)).unwrap();
    hear(&mut cache, (1, 1), &part(1800, "2001:db8:2::/64", 200).rdnss(&["::1"], 300), s(0)).unwrap();
    assert_eq!(hear(&mut cache, (1, 1), &Ra::of("a.example", 0), s(1)), Ok(Cached::Resigned));
    assert!(cache.iter().all(|ra| ra.router_until().passed(s(1))) && cache.len() == 2, "neither is a router's");
    assert_eq!(hear(&mut cache, (1, 1), &part(0, "2001:db8:1::/64", 0), s(2)), Ok(Cached::Resigned));
    assert_eq!(hear(&mut cache, (1, 1), &part(0, "2001:db8:2::/64", 0), s(2)), Ok(Cached::Resigned));
    assert_eq!((cache.len(), of_port(&cache, 1)[0].until()), (1, Deadline::At(s(300))), "it told of a resolver too");
    let back = part(1800, "2001:db8:2::/64", 200).rdnss(&["::1"], 300);
    assert_eq!(hear(&mut cache, (1, 1), &back, s(3)), Ok(Cached::Again));
    assert_eq!(of_port(&cache, 1)[0].router_until(), Deadline::At(s(1803)), "it is a router again");
}

#[test]
fn what_is_of_no_router_any_more_keeps_no_router_out_of_a_full_port() {
    let mut cache = RaCache::default();
    for host in 0..limits::PORT_RAS as u16 * 2 {
        let ra = Ra::new(if host % 64 == 7 { 10 } else { 1800 }).prefix("2001:db8::/64", u32::MAX);
        hear(&mut cache, (1, host % limits::PORT_RAS as u16), &ra, s(0)).unwrap();
    }
    let forged = Ra::new(1800);
    assert_eq!(hear(&mut cache, (1, 999), &forged, s(9)), Err(NotCached::Full));
    assert_eq!(hear(&mut cache, (1, 999), &forged, s(10)), Ok(Cached::New), "one has fallen silent");
    assert!(!cache.iter().any(|ra| ra.router == router(7)));
    assert_eq!(hear(&mut cache, (1, 998), &forged, s(10)), Ok(Cached::New));
    assert!(!cache.iter().any(|ra| ra.router == router(999)), "what was heard once goes first");
}

#[test]
fn forged_routers_of_one_port_push_each_other_out_and_nobody_else() {
    let mut cache = RaCache::default();
    let mine = Ra::new(1800).prefix("2001:db8::/64", 1800);
    hear(&mut cache, (1, 1), &mine, s(0)).unwrap();
    hear(&mut cache, (2, 1), &mine, s(0)).unwrap();
    hear(&mut cache, (2, 1), &mine, s(1)).unwrap();
    let total = 20_000;
    for i in 0..total {
        hear(&mut cache, (2, 2 + i), &Ra::new(u16::MAX), s(2)).unwrap();
    }
    assert_eq!((of_port(&cache, 1).len(), of_port(&cache, 2).len()), (1, limits::PORT_RAS));
    assert!(cache.iter().any(|ra| ra.port == 2 && ra.router == router(1)), "heard twice, it stays");
    let counters = *cache.counters();
    let evicted = u64::from(total) + 1 - limits::PORT_RAS as u64;
    assert_eq!((counters.heard, counters.evicted, counters.full), (u64::from(total) + 3, evicted, 0));
}

#[test]
fn a_port_full_of_routers_that_go_on_takes_no_more() {
    let mut cache = RaCache::default();
    for host in 0..limits::PORT_RAS as u16 * 2 {
        hear(&mut cache, (1, host % limits::PORT_RAS as u16), &Ra::new(1800), s(0)).unwrap();
    }
    assert_eq!(hear(&mut cache, (1, 999), &Ra::new(1800), s(0)), Err(NotCached::Full));
    assert_eq!((cache.len(), cache.counters().full), (limits::PORT_RAS, 1));
}

#[test]
fn when_the_namespace_is_full_the_largest_port_gives_room_to_a_smaller_one() {
    let mut cache = RaCache::default();
    let ports = (limits::RAS / limits::PORT_RAS) as u32;
    for (port, host) in (0..ports).flat_map(|port| (0..limits::PORT_RAS as u16).map(move |host| (port, host))) {
        hear(&mut cache, (port, host), &Ra::new(1800), s(0)).unwrap();
        hear(&mut cache, (port, host), &Ra::new(1800), s(0)).unwrap();
    }
    assert_eq!(cache.len(), limits::RAS);
    assert_eq!(hear(&mut cache, (ports, 1), &Ra::new(1800), s(1)), Ok(Cached::New));
    assert_eq!((cache.len(), of_port(&cache, ports).len()), (limits::RAS, 1));
    cache.forget_port(ports);
    assert_eq!(cache.len(), limits::RAS - 1);
}

#[test]
fn what_is_too_long_is_not_kept() {
    let mut cache = RaCache::default();
    let filler = [&[253, 255][..], &[0; 255 * 8 - 2]].concat();
    let ra = (0..5).fold(Ra::new(1800), |ra, _| ra.raw(&filler));
    assert_eq!(hear(&mut cache, (1, 1), &ra, s(0)), Err(NotCached::TooLong));
    assert_eq!((cache.len(), cache.counters().too_long), (0, 1));
}
