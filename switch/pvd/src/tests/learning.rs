// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is learnt of advertisements, by RFC 8801 and the RFCs that it builds on.

use super::build::{HTTP, LEGACY, Net, Ra, name, prefix, router, s};
use crate::{Deadline, EventKind, Fact, Learnt, Lifetime, Origin, PvdFlags, What, Why};
use wire::nd::{kind, pio_flag, ra_flag};

fn kinds(net: &Net) -> Vec<EventKind> {
    net.registry.events_since(0).unwrap().map(|event| event.kind).collect()
}

#[test]
fn one_pvd_comes_from_several_routers_and_ports() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("pvd.example", 1800).prefix("2001:db8:1::/64", 3600)).unwrap();
    net.hear(2, 1, &Ra::of("PVD.Example.", 900).prefix("2001:db8:2::/64", 60)).unwrap();
    net.hear(2, 2, &Ra::of("pvd.example", 0).rdnss(&["2001:db8::53"], 100)).unwrap();
    let pvd = net.pvd("pvd.example").unwrap();
    let origins: Vec<_> = pvd.attributes().sources().iter().map(|source| source.origin()).collect();
    let heard = [(1, 1), (2, 1), (2, 2)].map(|(port, host)| Origin::Router { port, address: router(host) });
    assert_eq!((net.registry.members().len(), &origins[..]), (1, &heard[..]));
    let facts = [Fact::Prefix(prefix("2001:db8:1::/64")), Fact::Prefix(prefix("2001:db8:2::/64"))];
    assert_eq!(net.facts("pvd.example")[..2], facts);
}

#[test]
fn what_one_router_says_lives_by_its_own_lifetime() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 0).prefix("2001:db8::/64", 100)).unwrap();
    net.hear(1, 2, &Ra::of("a.example", 0).prefix("2001:db8::/64", 50)).unwrap();
    let known = net.known(&net.pvd("a.example").unwrap());
    assert_eq!((known.len(), known[0].sources, known[0].valid), (1, 2, Deadline::At(net.now + s(100))));
    // The one takes it back; the other still says it.
    net.hear(1, 1, &Ra::of("a.example", 0).prefix("2001:db8::/64", 0)).unwrap();
    let known = net.known(&net.pvd("a.example").unwrap());
    assert_eq!((known[0].sources, known[0].valid), (1, Deadline::At(net.now + s(50))));
    net.pass(50);
    assert!(net.pvd("a.example").is_none());
}

#[test]
fn implicit_pvds_are_told_apart_by_port_and_router() {
    let mut net = Net::new();
    for (port, host) in [(1, 1), (2, 1), (1, 2), (1, 1)] {
        net.hear(port, host, &Ra::new(1800)).unwrap();
    }
    assert_eq!(net.registry.members().len(), 3);
    assert_eq!(net.implicit(2, 1).unwrap().id().to_string(), "fe80::1%2");
}

#[test]
fn only_the_first_pvd_option_counts() {
    let mut net = Net::new();
    let second = Ra::of("second.example", 0).prefix("2001:db8:2::/64", 100).bytes();
    let ra = Ra::of("first.example", 1800).prefix("2001:db8:1::/64", 100);
    let bytes = [&ra.bytes()[..], &second[16..]].concat();
    let message = wire::nd::RouterAdvert::parse(&bytes).unwrap();
    let advert = crate::Advert::new(1, router(1), message).unwrap();
    net.registry.learn(&advert, net.now).unwrap();
    assert_eq!(net.facts("first.example"), [Fact::Prefix(prefix("2001:db8:1::/64"))]);
    assert!(net.pvd("second.example").is_none());
}

#[test]
fn options_outside_and_inside_belong_to_the_pvd_and_the_inner_header_holds() {
    let mut net = Net::new();
    let outside = Ra::new(0).mtu(1500).prefix("2001:db8:1::/64", 100);
    let ra = outside.pvd("a.example").inner_header(600).mtu(1400).prefix("2001:db8:1::/64", 50).rdnss(&["::1"], 9);
    net.hear(1, 1, &ra).unwrap();
    let attributes = net.pvd("a.example").unwrap().attributes().clone();
    let source = &attributes.sources()[0];
    assert_eq!((source.parameters().mtu, source.router_until()), (1400, Deadline::At(net.now + s(600))));
    assert!(source.flags().header);
    assert_eq!(
        (attributes.known(net.now).len(), attributes.known(net.now)[0].valid),
        (2, Deadline::At(net.now + s(50)))
    );
}

#[test]
fn sequence_and_delay_count_with_the_h_flag_only() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 1800).flags(HTTP | LEGACY | 5, 77)).unwrap();
    net.hear(1, 1, &Ra::of("b.example", 1800).flags(5, 77)).unwrap();
    let flags = ["a.example", "b.example"].map(|text| net.pvd(text).unwrap().attributes().flags());
    assert_eq!((flags[0].http, flags[0].legacy, flags[0].sequence, flags[0].delay), (true, true, 77, 5));
    assert_eq!((flags[1].http, flags[1].legacy, flags[1].sequence, flags[1].delay), (false, false, 0, 0));
    net.hear(1, 1, &Ra::of("a.example", 1800).flags(HTTP | LEGACY | 5, 78)).unwrap();
    let last = net.registry.events_since(2).unwrap().next().unwrap();
    assert_eq!(
        (last.kind, &last.changes[0].what),
        (EventKind::Update, &What::PvdFlags(flags[0], PvdFlags { sequence: 78, ..flags[0] }))
    );
}

#[test]
fn a_prefix_goes_to_the_pvd_that_was_heard_with_it_last() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("old.example", 1800).prefix("2001:db8::/64", 100)).unwrap();
    net.hear(1, 2, &Ra::of("new.example", 1800).prefix("2001:db8::/64", 100)).unwrap();
    assert_eq!((net.facts("old.example").len(), net.facts("new.example").len()), (0, 1));
    assert_eq!(net.registry.owner(prefix("2001:db8::/64")), net.pvd("new.example").map(|pvd| pvd.handle()));
    let moved: Vec<_> = net.registry.events_since(1).unwrap().flat_map(|event| event.changes.to_vec()).collect();
    assert_eq!(moved[0].what, What::Removed(Fact::Prefix(prefix("2001:db8::/64")), Why::Moved));
    assert_eq!(kinds(&net), [EventKind::New, EventKind::Update, EventKind::New]);
    // And back: it belongs to one at a time.
    net.hear(1, 1, &Ra::of("old.example", 1800).prefix("2001:db8::/64", 100)).unwrap();
    assert_eq!((net.facts("old.example").len(), net.facts("new.example").len()), (1, 0));
}

#[test]
fn a_pvd_whose_last_entry_moves_away_is_gone() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("old.example", 0).prefix("2001:db8::/64", 100)).unwrap();
    net.hear(1, 2, &Ra::of("new.example", 0).prefix("2001:db8::/64", 100)).unwrap();
    assert!(net.pvd("old.example").is_none());
    assert_eq!(kinds(&net), [EventKind::New, EventKind::Delete, EventKind::New]);
}

#[test]
fn a_refresh_moves_lifetimes_and_nothing_else() {
    let mut net = Net::new();
    let ra = Ra::of("a.example", 1800).prefix("2001:db8::/64", 100).rdnss(&["2001:db8::53"], 100).mtu(1400);
    let Ok(Learnt::Changed(handle)) = net.hear(1, 1, &ra) else { panic!("it is new") };
    let (seq, events) = (net.registry.members().base_seq(), net.registry.last_event());
    for _ in 0..50 {
        net.pass(60);
        assert_eq!(net.hear(1, 1, &ra), Ok(Learnt::Refreshed(handle)));
    }
    assert_eq!((net.registry.members().base_seq(), net.registry.last_event()), (seq, events));
    let source = &net.pvd("a.example").unwrap().attributes().sources()[0].clone();
    assert_eq!((source.heard(), source.first_heard(), source.last_heard()), (51, s(1000), net.now));
    net.pass(100);
    assert!(net.facts("a.example").is_empty() && net.pvd("a.example").is_some());
}

#[test]
fn what_is_refused_again_is_no_change() {
    let mut net = Net::new();
    let fact = (Fact::Prefix(prefix("2001:db8::/64")), 0);
    let statement = crate::Statement { facts: [fact].into(), ..crate::Statement::default() };
    net.registry.set(&name("static.example"), &statement, net.now).unwrap();
    let ra = Ra::of("a.example", 1800).prefix("2001:db8::/64", 100).rdnss(&["::1"], 100);
    let Ok(Learnt::Changed(handle)) = net.hear(1, 1, &ra) else { panic!("it is new") };
    net.pass(60);
    assert_eq!((net.hear(1, 1, &ra), net.registry.last_event()), (Ok(Learnt::Refreshed(handle)), 2));
    net.pass(60);
    assert_eq!(net.facts("a.example").len(), 1, "what was not refused lives on");
}

#[test]
fn a_shorter_lifetime_ends_sooner() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 0).prefix("2001:db8::/64", 1000)).unwrap();
    net.hear(1, 1, &Ra::of("a.example", 0).prefix("2001:db8::/64", 5)).unwrap();
    assert_eq!(net.registry.next_expiry(), Some(net.now + s(5)));
    net.pass(5);
    assert!(net.registry.members().is_empty());
}

#[test]
fn zero_leaves_parameters_as_they_were() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 1800).header(|header| header.reachable = 30).mtu(1400)).unwrap();
    let ra = Ra::of("a.example", 1800).header(|header| (header.hop_limit, header.flags) = (0, ra_flag::OTHER));
    net.hear(1, 1, &ra).unwrap();
    let attributes = net.pvd("a.example").unwrap().attributes().clone();
    let parameters = attributes.parameters().unwrap();
    assert_eq!((parameters.mtu, parameters.hop_limit, parameters.reachable), (1400, 64, 30));
    assert_eq!(parameters.flags, ra_flag::OTHER);
}

#[test]
fn what_hosts_must_ignore_is_ignored() {
    let mut net = Net::new();
    let ra = Ra::of("a.example", 1800).prefix("fe80::/64", 100).prefix("ff02::/64", 100).mtu(1279);
    net.hear(1, 1, &ra.prefix_with("2001:db8::/64", (10, 11), pio_flag::AUTONOMOUS)).unwrap();
    let pvd = net.pvd("a.example").unwrap();
    let known = net.known(&pvd);
    assert_eq!((known.len(), known[0].flags & pio_flag::AUTONOMOUS), (1, 0));
    assert_eq!(pvd.attributes().parameters().unwrap().mtu, 0);
}

#[test]
fn all_ones_is_for_ever() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 0).prefix("2001:db8::/64", u32::MAX)).unwrap();
    net.pass(1 << 33);
    let known = net.known(&net.pvd("a.example").unwrap());
    assert_eq!(known[0].valid.remaining(net.now), Some(Lifetime::Infinite));
}

#[test]
fn a_captive_portal_and_a_nat64_are_known() {
    let mut net = Net::new();
    let uri = [&[kind::CAPTIVE_PORTAL, 2][..], b"https://p.test", &[]].concat();
    let pref64 = [&[kind::PREF64, 2, 0, 80][..], &[0, 0x64, 0xff, 0x9b], &[0; 8]].concat();
    net.hear(1, 1, &Ra::of("a.example", 1800).raw(&uri).raw(&pref64)).unwrap();
    let attributes = net.pvd("a.example").unwrap().attributes().clone();
    assert_eq!(&*attributes.parameters().unwrap().captive_portal, b"https://p.test");
    assert_eq!(net.facts("a.example"), [Fact::Pref64(prefix("64:ff9b::/96"))]);
    assert_eq!(attributes.known(net.now)[0].valid, Deadline::At(net.now + s(80)));
    assert_eq!(net.pvd("a.example").unwrap().id().name(), Some(&name("a.example")));
}
