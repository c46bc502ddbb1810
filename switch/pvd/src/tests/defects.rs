// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the kernel patch that came before did wrong, one test each. `docs/regressions.md` has all of them, by number.
//!
//! Not here, because the types or the design leave no place for them: locks that sleep, deadlock or are not taken, stacks
//! that overflow (there are no locks, and no recursion), and messages that are read beyond their end, which `wire` tests.

use super::build::{HTTP, Net, Ra, name, prefix, router, s};
use crate::{Advert, EventKind, Fact, Learnt, PvdHandle, Refused, Statement, limits};
use std::sync::Arc;
use wire::nd::RouterAdvert;

#[test]
fn a_pvd_that_is_removed_while_it_is_read_stays_readable_and_is_waited_for() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 0).rdnss(&["::1"], 10)).unwrap();
    let held = net.pvd("a.example").unwrap();
    net.pass(10);
    assert!(net.registry.members().is_empty());
    assert_eq!((net.registry.unreg_count(), held.id().name()), (1, Some(&name("a.example"))));
    assert_eq!(held.attributes().sources().len(), 1);
    drop(held);
    assert_eq!(net.registry.unreg_count(), 0);
}

#[test]
fn a_reader_never_finds_what_is_unlinked_and_keeps_what_it_has_found() {
    let mut net = Net::new();
    let mut reader = net.registry.reader();
    net.hear(1, 1, &Ra::of("a.example", 0).rdnss(&["::1"], 10)).unwrap();
    let before = Arc::clone(reader.members());
    net.pass(10);
    assert!(before.by_name(&name("a.example")).is_some());
    assert!(reader.members().by_name(&name("a.example")).is_none());
    assert_eq!(net.registry.unreg_count(), 1, "the old membership holds it");
}

#[test]
fn hearing_it_again_takes_no_further_reference() {
    let mut net = Net::new();
    let ra = Ra::of("a.example", 1800).rdnss(&["::1"], 10);
    net.hear(1, 1, &ra).unwrap();
    let references = Arc::strong_count(&net.pvd("a.example").unwrap());
    (0..100).for_each(|_| net.say(1, 1, &ra));
    assert_eq!(Arc::strong_count(&net.pvd("a.example").unwrap()), references);
}

#[test]
fn an_explicit_pvd_loses_what_came_from_a_port_that_is_gone() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("both.example", 1800)).unwrap();
    net.hear(2, 1, &Ra::of("both.example", 1800)).unwrap();
    net.hear(1, 1, &Ra::of("one.example", 1800)).unwrap();
    net.hear(1, 1, &Ra::new(1800)).unwrap();
    net.registry.forget_port(1, net.now);
    assert_eq!(net.pvd("both.example").unwrap().attributes().sources().len(), 1);
    assert_eq!((net.registry.members().len(), net.pvd("one.example").is_some()), (1, false));
}

#[test]
fn a_namespace_that_goes_leaves_nothing() {
    let mut net = Net::new();
    net.registry.set(&name("static.example"), &Statement::default(), net.now).unwrap();
    (1..20).for_each(|host| net.say(1, host, &Ra::new(1800).prefix(&format!("2001:db8:{host}::/64"), 9)));
    net.registry.clear(net.now);
    assert!(net.registry.members().is_empty() && net.registry.next_expiry().is_none());
    assert_eq!((net.registry.unreg_count(), net.registry.entries()), (0, 0));
}

#[test]
fn a_bad_advertisement_changes_nothing() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 1800).rdnss(&["::1"], 10)).unwrap();
    let (seq, facts) = (net.registry.members().base_seq(), net.facts("a.example"));
    // A link-layer address of length zero, behind everything that could be believed; the same inside; a cut option.
    let tails: [&[u8]; 3] = [&[1, 0, 2, 0, 0, 0, 0, 1], &[25, 9, 0, 0, 0, 0, 0, 0], &[1]];
    for tail in tails {
        let withdrawn = Ra::new(0).raw(tail).pvd("a.example").rdnss(&["::1"], 0);
        let inside = Ra::of("a.example", 0).rdnss(&["::1"], 0).raw(tail);
        for bytes in [withdrawn.bytes(), inside.bytes()] {
            let message = RouterAdvert::parse(&bytes).unwrap();
            assert!(Advert::new(1, router(1), message).is_err(), "{tail:?}");
        }
    }
    // And one from an address that no router has.
    let bytes = Ra::of("a.example", 0).bytes();
    let advert = Advert::new(1, "2001:db8::1".parse().unwrap(), RouterAdvert::parse(&bytes).unwrap()).unwrap();
    assert_eq!(net.registry.learn(&advert, net.now), Err(Refused::NotLinkLocal));
    assert_eq!((net.registry.members().base_seq(), net.facts("a.example")), (seq, facts));
    assert_eq!(net.registry.last_event(), 1);
}

#[test]
fn names_are_compared_without_case() {
    let mut net = Net::new();
    let Ok(Learnt::Changed(handle)) = net.hear(1, 1, &Ra::of("Tenant.Example.ORG", 1800)) else { panic!("new") };
    assert_eq!(net.hear(1, 1, &Ra::of("tenant.EXAMPLE.org", 1800)), Ok(Learnt::Refreshed(handle)));
    assert_eq!(net.registry.members().len(), 1);
}

#[test]
fn any_number_of_resolvers_and_domains_is_kept_up_to_the_named_bound() {
    let mut net = Net::new();
    let servers: Vec<String> = (1..=30).map(|i| format!("2001:db8::{i:x}")).collect();
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    let domains: Vec<String> = (1..=20).map(|i| format!("d{i}.example")).collect();
    let domains: Vec<&str> = domains.iter().map(String::as_str).collect();
    net.hear(1, 1, &Ra::of("a.example", 1800).rdnss(&servers, 100).dnssl(&domains, 100)).unwrap();
    assert_eq!(net.facts("a.example").len(), 50);
    net.hear(1, 1, &Ra::of("a.example", 1800).dnssl(&["more.example"; 1], 100).route("2001:db8::/32", 9)).unwrap();
    let many: Vec<String> = (1..=30).map(|i| format!("2001:db8:1::{i:x}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    net.hear(1, 1, &Ra::of("a.example", 1800).rdnss(&many, 100)).unwrap();
    assert_eq!(net.facts("a.example").len(), limits::ROUTER_ENTRIES);
    assert_eq!(net.registry.counters().refused(Refused::RouterEntries), 82 - limits::ROUTER_ENTRIES as u64);
}

#[test]
fn the_delay_is_read() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 1800).flags(HTTP | 13, 1)).unwrap();
    assert_eq!(net.pvd("a.example").unwrap().attributes().flags().delay, 13);
}

#[test]
fn every_router_of_an_explicit_pvd_is_shown_and_the_first_does_not_outlive_itself() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 10)).unwrap();
    net.hear(1, 2, &Ra::of("a.example", 1800)).unwrap();
    net.pass(10);
    let attributes = net.pvd("a.example").unwrap().attributes().clone();
    let origins: Vec<_> = attributes.sources().iter().map(|source| source.origin()).collect();
    assert_eq!(origins, [crate::Origin::Router { port: 1, address: router(2) }]);
}

#[test]
fn a_pvd_ends_when_nothing_of_it_is_left() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 1800).prefix("2001:db8::/64", 100)).unwrap();
    net.hear(1, 1, &Ra::of("a.example", 0)).unwrap();
    assert_eq!(net.facts("a.example").len(), 1, "a router that resigns takes nothing else back");
    net.pass(99);
    assert!(net.pvd("a.example").is_some());
    net.pass(1);
    assert!(net.pvd("a.example").is_none());
    let kinds: Vec<_> = net.registry.events_since(0).unwrap().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::New, EventKind::Update, EventKind::Delete]);
}

#[test]
fn names_without_end_fill_the_room_and_no_more() {
    let mut net = Net::with(limits::Limits { pvds: 100, port_pvds: 4, ..limits::Limits::default() });
    net.hear(1, 1, &Ra::of("mine.example", 1800).rdnss(&["::1"], 1800)).unwrap();
    for i in 0..1000_u16 {
        let _ = net.hear(2, i, &Ra::of(&format!("forged{i}.example"), u16::MAX).rdnss(&["::2"], u32::MAX));
    }
    assert_eq!(net.registry.members().len(), 100);
    assert_eq!(net.registry.counters().refused(Refused::Pvds), 901);
    assert_eq!(net.facts("mine.example").len(), 1);
    // Others have a share of their own.
    net.hear(3, 1, &Ra::of("late.example", 1800)).unwrap();
    assert!(net.pvd("late.example").is_some());
}

#[test]
fn who_holds_what_is_gone_holds_a_bounded_amount() {
    let mut net = Net::new();
    let mut held: Vec<_> = (0..limits::ZOMBIES)
        .map(|i| {
            net.say(1, 1, &Ra::of(&format!("a{i}.example"), 1800));
            let pvd = net.pvd(&format!("a{i}.example")).unwrap();
            net.registry.forget(pvd.handle(), net.now);
            pvd
        })
        .collect();
    assert_eq!(net.registry.unreg_count(), limits::ZOMBIES);
    assert_eq!(net.hear(1, 1, &Ra::of("more.example", 1800)), Err(Refused::Zombies));
    held.pop();
    net.say(1, 1, &Ra::of("more.example", 1800));
}

#[test]
fn a_stale_handle_does_not_name_the_next_one_in_its_place() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("old.example", 10)).unwrap();
    let old = net.pvd("old.example").unwrap().handle();
    net.pass(10);
    net.hear(1, 1, &Ra::of("new.example", 10)).unwrap();
    let new = net.pvd("new.example").unwrap().handle();
    assert_eq!(old.index(), new.index());
    assert!(net.registry.members().get(old).is_none() && net.registry.members().get(new).is_some());
    assert!(net.registry.members().get(PvdHandle::new(new.index(), 99)).is_none());
}

#[test]
fn expiry_works_from_the_first_pvd_on() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("only.example", 0).dnssl(&["d.example"], 5)).unwrap();
    assert_eq!(net.registry.next_expiry(), Some(net.now + s(5)));
    net.pass(5);
    assert!(net.pvd("only.example").is_none() && net.registry.next_expiry().is_none());
}

#[test]
fn a_port_is_found_wherever_it_stands() {
    let mut net = Net::new();
    (1..=3).for_each(|port| net.say(port, 1, &Ra::new(1800).rdnss(&["::1"], 9)));
    net.registry.forget_port(2, net.now);
    assert_eq!([1, 2, 3].map(|port| net.implicit(port, 1).is_some()), [true, false, true]);
}

#[test]
fn a_thousand_and_more_are_listed_completely_in_pages() {
    let mut net = Net::new();
    for i in 0..2000_u32 {
        net.hear(1, 1, &Ra::of(&format!("pvd{i}.example"), 1800)).unwrap();
    }
    let (mut cursor, mut names) = (None, Vec::new());
    loop {
        let page = net.registry.members().page(cursor, 64);
        assert!(page.pvds.len() <= 64 && !page.interrupted);
        names.extend(page.pvds.iter().map(|pvd| pvd.id().to_string()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 2000);
}

#[test]
fn a_listing_that_is_interrupted_says_so() {
    let mut net = Net::new();
    (0..10).for_each(|i| net.say(1, 1, &Ra::of(&format!("pvd{i}.example"), 1800)));
    let page = net.registry.members().page(None, 5);
    net.hear(1, 1, &Ra::of("pvd0.example", 1800).rdnss(&["::1"], 9)).unwrap();
    assert!(!net.registry.members().page(page.next, 5).interrupted, "nothing came or went");
    net.hear(1, 1, &Ra::of("another.example", 1800)).unwrap();
    let rest = net.registry.members().page(page.next, 5);
    assert!(rest.interrupted && rest.base_seq > page.base_seq);
}

/// One thread alone reads and writes here: if one waited for the other, this would never end.
#[test]
fn what_expires_waits_for_no_reader() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 9).rdnss(&["::1"], 9)).unwrap();
    let mut reader = net.registry.reader();
    let pvd = reader.members().by_name(&name("a.example")).unwrap();
    let (attributes, sources) = (pvd.attributes(), pvd.attributes().sources().len());
    net.pass(9);
    assert!(net.pvd("a.example").is_none());
    assert_eq!((attributes.sources().len(), sources), (1, 1));
    assert!(reader.members().is_empty());
}

#[test]
fn what_cannot_be_made_takes_nothing_from_others() {
    let mut net = Net::new();
    let say = |facts: Vec<Fact>| Statement {
        facts: facts.into_iter().map(|fact| (fact, 0)).collect(),
        ..Statement::default()
    };
    let owned = say(vec![Fact::Prefix(prefix("2001:db8::/64"))]);
    let long = say((0..=limits::ROUTER_ENTRIES as u16).map(|i| Fact::Rdnss(router(i))).collect());
    net.registry.set(&name("a.example"), &owned, net.now).unwrap();
    net.hear(1, 1, &Ra::of("b.example", 1800).rdnss(&["::1"], 1800)).unwrap();
    let all = |net: &Net| {
        let (registry, facts) = (&net.registry, ["a.example", "b.example"].map(|pvd| net.facts(pvd)));
        (registry.members().len(), registry.entries(), registry.last_event(), registry.unreg_count(), facts)
    };
    let before = all(&net);
    for (said, why) in [(&owned, Refused::Pinned), (&long, Refused::RouterEntries)] {
        assert_eq!(net.registry.set(&name("new.example"), said, net.now), Err(why));
        assert_eq!(all(&net), before);
    }
    let held = ["a.example", "b.example"].map(|pvd| net.pvd(pvd).unwrap());
    let handle = net.registry.set(&name("new.example"), &Statement::default(), net.now).unwrap();
    let same =
        |pvd: &Arc<crate::Pvd>| net.registry.members().get(pvd.handle()).is_some_and(|own| Arc::ptr_eq(own, pvd));
    assert!(held.iter().all(|pvd| pvd.handle() != handle && same(pvd)));
}
