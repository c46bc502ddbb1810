// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Static PvDs beside learnt ones.

use super::build::{HTTP, Net, Ra, name, prefix, s};
use crate::{Deadline, EventKind, Fact, Parameters, PvdFlags, Refused, Statement, limits};

fn statement(facts: &[Fact]) -> Statement {
    let flags = PvdFlags { http: true, sequence: 9, ..PvdFlags::default() };
    Statement { flags, facts: facts.iter().map(|fact| (fact.clone(), 0)).collect(), ..Statement::default() }
}

#[test]
fn what_the_operator_says_has_no_end_and_comes_first() {
    let mut net = Net::new();
    let fact = Fact::Rdnss("2001:db8::53".parse().unwrap());
    net.hear(1, 1, &Ra::of("a.example", 30).flags(HTTP, 1).rdnss(&["2001:db8::53", "::1"], 30)).unwrap();
    let handle = net.registry.set(&name("A.example"), &statement(std::slice::from_ref(&fact)), net.now).unwrap();
    let pvd = net.pvd("a.example").unwrap();
    assert_eq!((pvd.handle(), pvd.attributes().flags().sequence), (handle, 9));
    let known = net.known(&pvd);
    let static_one = known.iter().find(|known| known.fact == fact).unwrap();
    assert_eq!((known.len(), static_one.sources, static_one.valid), (2, 2, Deadline::Never));
    net.pass(30);
    assert_eq!(net.facts("a.example"), [fact]);
}

#[test]
fn a_pvd_is_gone_when_neither_operator_nor_router_speaks_of_it() {
    let mut net = Net::new();
    let both = net.registry.set(&name("both.example"), &Statement::default(), net.now).unwrap();
    let alone = net.registry.set(&name("alone.example"), &Statement::default(), net.now).unwrap();
    net.hear(1, 1, &Ra::of("both.example", 30)).unwrap();
    assert!(net.registry.unset(both, net.now) && net.registry.unset(alone, net.now));
    assert!(!net.registry.unset(both, net.now) && !net.registry.unset(alone, net.now));
    assert!(net.pvd("both.example").is_some() && net.pvd("alone.example").is_none());
    net.pass(30);
    assert!(net.registry.members().is_empty());
}

#[test]
fn a_static_prefix_cannot_be_taken_away() {
    let mut net = Net::new();
    let fact = Fact::Prefix(prefix("2001:db8::/64"));
    net.hear(1, 1, &Ra::of("learnt.example", 1800).prefix("2001:db8::/64", 100)).unwrap();
    net.registry.set(&name("static.example"), &statement(std::slice::from_ref(&fact)), net.now).unwrap();
    assert_eq!((net.facts("learnt.example").len(), net.facts("static.example").len()), (0, 1));
    net.hear(1, 1, &Ra::of("learnt.example", 1800).prefix("2001:db8::/64", 100)).unwrap();
    assert_eq!((net.facts("learnt.example").len(), net.registry.counters().refused(Refused::Pinned)), (0, 1));
    let other = net.registry.set(&name("other.example"), &statement(&[fact]), net.now);
    assert_eq!((other, net.pvd("other.example").is_some()), (Err(Refused::Pinned), false));
}

#[test]
fn everything_is_said_anew_at_once_or_not_at_all() {
    let mut net = Net::new();
    let facts = |n: u16| (0..n).map(|i| Fact::Rdnss([0x2001, 0xdb8, 0, 0, 0, 0, 0, i].into())).collect::<Vec<_>>();
    let set = |net: &mut Net, n| net.registry.set(&name("a.example"), &statement(&facts(n)), net.now);
    set(&mut net, 3).unwrap();
    set(&mut net, 1).unwrap();
    assert_eq!(net.facts("a.example"), facts(1));
    assert_eq!(set(&mut net, limits::ROUTER_ENTRIES as u16 + 1), Err(Refused::RouterEntries));
    assert_eq!(net.facts("a.example"), facts(1));
    let events: Vec<_> = net.registry.events_since(0).unwrap().map(|event| (event.kind, event.changes.len())).collect();
    assert_eq!(events, [(EventKind::New, 4), (EventKind::Update, 2)]);
}

#[test]
fn forgetting_takes_what_was_learnt_and_leaves_what_was_said() {
    let mut net = Net::new();
    let parameters = Parameters { mtu: 1400, ..Parameters::default() };
    let handle = net.registry.set(&name("a.example"), &Statement { parameters, ..statement(&[]) }, net.now).unwrap();
    net.hear(1, 1, &Ra::of("a.example", 1800).mtu(1500).rdnss(&["::1"], 9)).unwrap();
    net.hear(1, 1, &Ra::of("b.example", 1800)).unwrap();
    let learnt = net.pvd("b.example").unwrap().handle();
    assert!(net.registry.forget(handle, net.now) && net.registry.forget(learnt, net.now));
    assert!(!net.registry.forget(learnt, net.now) && net.pvd("b.example").is_none());
    let pvd = net.pvd("a.example").unwrap();
    assert_eq!((pvd.attributes().sources().len(), pvd.attributes().parameters().unwrap().mtu), (1, 1400));
    assert_eq!(net.now, s(1000));
}
