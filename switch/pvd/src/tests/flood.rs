// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Forged advertisements without end: memory stays bounded, what is established stays as it is, counters are exact.

use super::build::{Net, Ra, router};
use super::caching::{self, MAC};
use crate::{Advert, Limits, RaCache, Refused, Registry, limits};
use allocation_counter::measure;
use wire::nd::RouterAdvert;

const FORGED: u64 = 20_000;

struct Bed {
    net: Net,
    cache: RaCache,
}

impl Bed {
    /// A legitimate router on port 1 and one on port 2, from which the flood will come.
    fn new() -> Bed {
        let mut bed = Bed { net: Net::new(), cache: RaCache::default() };
        for _ in 0..2 {
            bed.hear(1, 1, &Ra::of("mine.example", 1800).prefix("2001:db8:1::/64", 1800).rdnss(&["::1"], 1800));
            bed.hear(2, 1, &Ra::of("other.example", 1800).prefix("2001:db8:2::/64", 1800));
        }
        bed
    }

    fn hear(&mut self, port: u32, host: u16, ra: &Ra) {
        let octets = ra.bytes();
        let advert = Advert::new(port, router(host), RouterAdvert::parse(&octets).unwrap()).unwrap();
        // Refused or not: the counters tell.
        let _ = self.net.registry.learn(&advert, self.net.now);
        let _ = self.cache.hear(&advert, MAC, &octets, self.net.now);
    }

    fn forge(&mut self, numbers: std::ops::Range<u64>, name: impl Fn(u64) -> Option<String>) {
        for i in numbers {
            let ra = name(i).map_or(Ra::new(9000), |name| Ra::of(&name, 9000));
            self.hear(2, i as u16, &ra.prefix(&format!("2001:{i:x}::/32"), u32::MAX).rdnss(&["::6"], u32::MAX));
        }
    }

    fn is_untouched(&self) {
        assert_eq!((self.net.facts("mine.example").len(), self.net.facts("other.example").len()), (2, 1));
        let mine = self.cache.iter().filter(|ra| ra.router == router(1) && ra.confirmed()).count();
        assert!(mine >= 2, "both routers' own are cached");
    }
}

#[test]
fn names_without_end() {
    let mut bed = Bed::new();
    bed.forge(2..FORGED, |i| Some(format!("forged{i}.example")));
    bed.is_untouched();
    let counters = *bed.net.registry.counters();
    assert_eq!(bed.net.registry.members().len(), limits::PVDS);
    assert_eq!((counters.changed, counters.refreshed), (limits::PVDS as u64, 2));
    assert_eq!(counters.refused(Refused::Pvds), FORGED - limits::PVDS as u64);
    assert_eq!(bed.cache.counters().heard, FORGED + 2);
    assert_eq!(bed.cache.iter().filter(|ra| ra.port == 2).count(), limits::PORT_RAS);
}

#[test]
fn routers_without_end_of_one_pvd() {
    let mut bed = Bed::new();
    bed.forge(2..FORGED, |_| Some("mine.example".to_owned()));
    let sources = bed.net.pvd("mine.example").unwrap().attributes().sources().len();
    assert_eq!(sources, limits::ROUTERS);
    // Whoever may name routers may add to what a PvD is said to have, and takes nothing away.
    assert!(bed.net.facts("mine.example").len() <= 2 + 2 * limits::ROUTERS);
    let refused = bed.net.registry.counters().refused(Refused::Routers);
    assert_eq!(refused, FORGED - 2 - (limits::ROUTERS as u64 - 1));
}

#[test]
fn a_flood_that_is_refused_takes_no_memory() {
    let mut bed = Bed::new();
    bed.forge(2..5000, |i| Some(format!("forged{i}.example")));
    let adverts: Vec<_> = (5000..6000).map(|i| Ra::of(&format!("forged{i}.example"), 9000).bytes()).collect();
    let (registry, now) = (&mut bed.net.registry, bed.net.now);
    let allocated = measure(|| {
        for octets in &adverts {
            let advert = Advert::new(2, router(9), RouterAdvert::parse(octets).unwrap()).unwrap();
            assert_eq!(registry.learn(&advert, now), Err(Refused::Pvds));
        }
    });
    assert_eq!(allocated.count_total, 0);
    bed.is_untouched();
}

#[test]
fn entries_fill_the_common_room_and_leave_every_port_its_own() {
    let mut net = Net::with(Limits { entries: 100, port_entries: 8, ..Limits::default() });
    for i in 0..1000 {
        net.say(2, 1, &Ra::of(&format!("a{i}.example"), 1800).prefix(&format!("2001:{i:x}::/32"), 1800));
    }
    assert_eq!((net.registry.entries(), net.registry.counters().refused(Refused::Entries)), (100, 900));
    let servers: Vec<String> = (1..=20).map(|i| format!("::{i:x}")).collect();
    net.say(1, 1, &Ra::of("mine.example", 1800).rdnss(&servers.iter().map(String::as_str).collect::<Vec<_>>(), 9));
    assert_eq!(net.facts("mine.example").len(), 8);
}

#[test]
fn a_pvd_takes_less_than_two_kilobytes_and_an_empty_registry_less_than_one() {
    let mut registry = None;
    let empty = measure(|| registry = Some(Registry::new(Limits::default(), 1)));
    let in_place = (size_of::<Registry>() + size_of::<RaCache>()) as i64;
    assert!(empty.bytes_current + in_place < 1024, "{} and {in_place}", empty.bytes_current);
    let mut net = Net::new();
    let ra = |i: u32| {
        let (one, two) = (format!("2001:{i:x}:1::/64"), format!("2001:{i:x}:2::/64"));
        Ra::of(&format!("pvd{i}.tenant.example"), 1800).prefix(&one, 99).prefix(&two, 99).rdnss(&["::1", "::2"], 99)
    };
    let all: Vec<_> = (0..1000).map(ra).collect();
    // What is kept for watchers is bounded on its own.
    all[..600].iter().for_each(|ra| net.say(1, 1, ra));
    let taken = measure(|| all[600..].iter().for_each(|ra| net.say(1, 1, ra)));
    assert!(taken.bytes_current / 400 < 2048, "{} bytes", taken.bytes_current / 400);
    assert_eq!(caching::hear(&mut RaCache::default(), (1, 1), &all[0], net.now), Ok(crate::Cached::New));
}
