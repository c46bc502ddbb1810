// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is found when routers contradict each other or themselves, and that nothing is found when they do not.

use super::build::{HTTP, LEGACY, Net, Ra, prefix, s};
use super::caching::hear;
use crate::{Fault, Field, RaCache, Severity, check, contradictions, limits};
use wire::nd::ra_flag;

/// Codes of what is found of these, each said by a router behind a port.
fn codes(said: &[(u32, u16, Ra)]) -> Vec<&'static str> {
    let mut cache = RaCache::default();
    for (port, host, ra) in said {
        hear(&mut cache, (*port, *host), ra, s(1000)).unwrap();
    }
    check(&cache, None, s(1000)).list.iter().map(|finding| finding.fault.code()).collect()
}

#[test]
fn routers_that_agree_are_left_alone() {
    let ra = |name: &str, net: &str| Ra::of(name, 1800).flags(HTTP, 7).prefix_with(net, (900, 600), 0xc0).mtu(1500);
    let a = ra("a.example", "2001:db8:1::/64").rdnss(&["2001:db8::53"], 900);
    assert!(codes(&[(1, 1, a.clone()), (2, 2, a), (2, 3, ra("b.example", "2001:db8:2::/64"))]).is_empty());
    assert!(codes(&[(1, 1, Ra::new(1800).prefix("2001:db8::/64", 9)), (2, 1, Ra::new(1800))]).is_empty());
}

#[test]
fn who_is_no_router_any_more_contradicts_nobody() {
    let one = Ra::new(10).mtu(1500).prefix("2001:db8::/64", 1000);
    let other = Ra::new(1800).mtu(1400);
    let mut cache = RaCache::default();
    hear(&mut cache, (1, 1), &one, s(0)).unwrap();
    hear(&mut cache, (2, 1), &other, s(0)).unwrap();
    assert_eq!(check(&cache, None, s(9)).list.len(), 1);
    assert_eq!((check(&cache, None, s(10)).list.len(), cache.len()), (0, 2));
    assert_eq!(codes(&[(1, 1, Ra::new(0).prefix_with("2001:db8::/64", (1, 2), 0))]), ["preferred-beyond-valid"]);
}

/// It costs nothing to hear again what is known: only what is new is worth a look.
#[test]
fn contradictions_are_looked_for_when_something_has_changed() {
    let one = Ra::new(10).mtu(1500).prefix_with("2001:db8::/64", (9, 9), 0);
    let other = Ra::new(1800).mtu(1400).prefix_with("2001:db8::/64", (9, 10), 0x40);
    let mut cache = RaCache::default();
    let mut changed = |port: u32, ra: &Ra, now: u64| {
        let before = cache.changes();
        hear(&mut cache, (port, 1), ra, s(now)).unwrap();
        (cache.changes() != before, contradictions(&cache, s(now)).len())
    };
    assert_eq!(changed(1, &one, 0), (true, 0));
    assert_eq!(
        changed(2, &other, 0),
        (true, 2),
        "the MTU and flags of the prefix; what it is of itself is another matter"
    );
    assert_eq!((changed(1, &one, 5), changed(2, &other, 5)), ((false, 2), (false, 2)), "nothing is new");
    assert_eq!(changed(2, &other, 15), (false, 0), "one has fallen silent");
    assert_eq!(changed(1, &one, 16), (true, 2), "and speaks again");
    assert_eq!(changed(1, &Ra::new(10).mtu(1400), 17), (true, 2), "it is one part more");
    assert_eq!(changed(1, &Ra::new(0), 18), (false, 0), "it resigns, which contradicts nobody");
}

#[test]
fn what_routers_should_say_alike_is_compared() {
    let one = Ra::new(1800).mtu(1500).header(|it| (it.hop_limit, it.reachable, it.retrans) = (64, 1000, 0));
    let other = Ra::new(1800).mtu(1400).header(|it| {
        (it.hop_limit, it.reachable, it.retrans, it.flags) = (0, 2000, 5, ra_flag::MANAGED | ra_flag::OTHER);
    });
    let mut cache = RaCache::default();
    hear(&mut cache, (1, 1), &one, s(0)).unwrap();
    hear(&mut cache, (2, 1), &other, s(0)).unwrap();
    let found = check(&cache, None, s(0));
    let faults: Vec<Fault> = found.list.iter().map(|finding| finding.fault).collect();
    let differs = |field, a, b| Fault::Differs(field, a, b);
    let expected = [
        differs(Field::Managed, 0, 1),
        differs(Field::Other, 0, 1),
        differs(Field::Reachable, 1000, 2000),
        differs(Field::Mtu, 1500, 1400),
    ];
    assert_eq!(faults, expected, "what is unspecified contradicts nothing");
    assert_eq!((found.list[3].routers.len(), found.list[3].fault.severity()), (2, Severity::Warning));
    assert_eq!(found.list[3].fault.to_string(), "the MTU is 1500 here and 1400 there");
    assert_eq!(found.list[3].fault.rule(), "RFC 4861 section 6.2.7");
}

#[test]
fn a_prefix_is_said_alike_or_counted_down_together() {
    let ra = |valid: u32, flags: u8| Ra::new(1800).prefix_with("2001:db8::/64", (valid, 100), flags);
    assert_eq!(codes(&[(1, 1, ra(900, 0xc0)), (2, 2, ra(800, 0x80))]), ["prefix-flags", "prefix-lifetime"]);
    let mut cache = RaCache::default();
    hear(&mut cache, (1, 1), &Ra::new(1800).prefix_with("2001:db8::/64", (900, 900), 0xc0), s(0)).unwrap();
    hear(&mut cache, (2, 2), &Ra::new(1800).prefix_with("2001:db8::/64", (800, 800), 0xc0), s(101)).unwrap();
    assert!(check(&cache, None, s(101)).list.is_empty(), "both end at the same time");
    let of = |name: &str| Ra::of(name, 1800).prefix("2001:db8::/64", 900);
    assert_eq!(codes(&[(1, 1, of("a.example")), (2, 2, of("b.example"))]), ["prefix-of-several-pvds"]);
}

#[test]
fn of_one_pvd_all_routers_say_the_same_and_one_pvd_has_dhcpv4() {
    let ra = |flags: u16, sequence: u16| Ra::of("a.example", 1800).flags(flags, sequence);
    let mut cache = RaCache::default();
    hear(&mut cache, (1, 1), &ra(HTTP | 3, 7), s(0)).unwrap();
    hear(&mut cache, (2, 2), &ra(HTTP | LEGACY | 4, 8), s(0)).unwrap();
    let found = check(&cache, None, s(0));
    let faults: Vec<Fault> = found.list.iter().map(|finding| finding.fault).collect();
    let differs = |field, a, b| Fault::Differs(field, a, b);
    let expected = [differs(Field::Legacy, 0, 1), differs(Field::Sequence, 7, 8), differs(Field::Delay, 3, 4)];
    assert_eq!(faults, expected);
    assert!(found.list.iter().all(|it| it.pvd.as_ref().is_some_and(|pvd| pvd.to_string() == "a.example.")));
    let legacy = |name: &str| Ra::of(name, 1800).flags(LEGACY, 0);
    assert_eq!(codes(&[(1, 1, legacy("a.example")), (1, 1, legacy("b.example"))]), ["several-legacy"]);
    assert_eq!(codes(&[(1, 1, legacy("a.example")), (1, 1, Ra::new(1800))]), ["implicit-beside-explicit"]);
}

#[test]
fn what_no_router_should_say_is_found() {
    let pvd = Ra::of("b.example", 1).bytes()[16..].to_vec();
    let cases = [
        (Ra::of("a.example", 1800).raw(&pvd), "nested-pvd-option"),
        (Ra::new(1800).raw(&pvd).raw(&pvd), "several-pvd-options"),
        (Ra::of("a.example", 1800).flags(0, 7), "sequence-without-http"),
        (Ra::of("a.example", 1800).flags(0x0100, 0), "reserved-pvd-flags"),
        (Ra::new(1800).header(|it| it.flags = 0x10), "reserved-preference"),
        (Ra::new(1800).header(|it| it.reachable = 3_600_001), "reachable-too-long"),
        (Ra::new(1800).mtu(1279), "mtu-too-small"),
        (Ra::new(1800).prefix_with("2001:db8::/64", (9, 10), 0xc0), "preferred-beyond-valid"),
        (Ra::new(1800).prefix("fe80::/64", 9), "link-local-prefix"),
        (Ra::new(1800).prefix_with("2001:db8::/56", (9, 9), 0xc0), "autonomous-length"),
        (Ra::new(1800).raw(&[5, 2, 0, 0, 0, 0, 5, 220, 0, 0, 0, 0, 0, 0, 0, 0]), "unreadable-option"),
    ];
    for (ra, code) in cases {
        assert_eq!(codes(&[(1, 1, ra)]), [code]);
    }
}

#[test]
fn a_resolver_that_ends_before_its_router_speaks_again_is_found() {
    let mut cache = RaCache::default();
    let ra = Ra::new(1800).rdnss(&["::1"], 100).dnssl(&["a.example"], 500);
    for at in [0, 200, 400] {
        assert!(check(&cache, None, s(at)).list.is_empty(), "twice is too few to tell");
        hear(&mut cache, (1, 1), &ra, s(at)).unwrap();
    }
    let found = check(&cache, None, s(400));
    let fault = Fault::ResolverTooShort { lifetime: 100, seconds: 200 };
    assert_eq!(found.list.iter().map(|finding| finding.fault).collect::<Vec<_>>(), [fault]);
}

#[test]
fn prefixes_without_a_default_router_are_found_in_what_was_learnt() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 0).prefix("2001:db8:1::/64", 900)).unwrap();
    net.hear(1, 2, &Ra::of("b.example", 1800).prefix("2001:db8:2::/64", 900)).unwrap();
    let found = check(&RaCache::default(), Some(&net.registry), net.now).list;
    assert_eq!((found.len(), found[0].fault, found[0].routers.len()), (1, Fault::NoDefaultRouter, 1));
    assert_eq!(found[0].pvd.as_ref().map(ToString::to_string), Some("a.example.".to_owned()));
}

#[test]
fn what_is_told_one_by_one_has_a_bound() {
    let mut cache = RaCache::default();
    let nets: Vec<String> = (0..40).map(|i| format!("2001:db8:{i:x}::/56")).collect();
    let ra = |name: String| nets.iter().fold(Ra::of(&name, 1800), |ra, net| ra.prefix_with(net, (9, 9), 0xc0));
    for i in 0..8 {
        hear(&mut cache, (1, i), &ra(format!("p{i}.example")), s(0)).unwrap();
    }
    let found = check(&cache, None, s(0));
    assert_eq!(found.list.len(), limits::FINDINGS);
    assert!(found.more > 0 && found.list.iter().any(|it| it.fault == Fault::AutonomousLength(prefix(&nets[0]))));
}
