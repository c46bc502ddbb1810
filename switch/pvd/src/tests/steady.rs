// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Hearing again what is known allocates nothing, whoever says it.

use super::build::{Net, Ra, router};
use super::caching::MAC;
use crate::{Advert, Cached, Learnt, RaCache};
use allocation_counter::measure;
use std::time::Duration;
use wire::nd::RouterAdvert;

fn ra() -> Ra {
    let outside = Ra::new(1800).mtu(1500).prefix("2001:db8:1::/64", 3600).route("2001:db8:2::/48", 600);
    outside.pvd("Tenant.Example").rdnss(&["2001:db8::53", "2001:db8::54"], 900).dnssl(&["A.example", "b.example"], 900)
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![1_u8; 100]))).count_total, 1);
}

#[test]
fn a_refresh_allocates_nothing() {
    let (mut net, mut cache, octets) = (Net::new(), RaCache::default(), ra().bytes());
    let advert = Advert::new(1, router(1), RouterAdvert::parse(&octets).unwrap()).unwrap();
    net.say(1, 1, &ra());
    cache.hear(&advert, MAC, &octets, net.now).unwrap();
    let (mut refreshed, mut again) = (0, 0);
    let allocated = measure(|| {
        for _ in 0..1000 {
            net.now += Duration::from_secs(5);
            refreshed += u32::from(matches!(net.registry.learn(&advert, net.now), Ok(Learnt::Refreshed(_))));
            again += u32::from(cache.hear(&advert, MAC, &octets, net.now) == Ok(Cached::Again));
        }
    });
    assert_eq!((refreshed, again), (1000, 1000));
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn looking_up_allocates_nothing() {
    let mut net = Net::new();
    (0..200).for_each(|i| net.say(1, 1, &Ra::of(&format!("pvd{i}.example"), 1800)));
    let (mut reader, name) = (net.registry.reader(), super::build::name("pvd77.example"));
    let handle = net.pvd("pvd77.example").unwrap().handle();
    let mut found = 0;
    let allocated = measure(|| {
        let members = reader.members();
        found += usize::from(members.by_name(&name).is_some()) + usize::from(members.get(handle).is_some());
    });
    assert_eq!((found, allocated.count_total), (2, 0));
}
