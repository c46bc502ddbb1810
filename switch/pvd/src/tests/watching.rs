// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Events: complete, in order, resumed by number.

use super::build::{Net, Ra, name, prefix};
use crate::{EventKind, Fact, Limits, Missed, Parameters, Registry, What, Why, limits};

#[test]
fn one_advertisement_is_one_event_with_all_that_it_changed() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 1800).prefix("2001:db8::/64", 9).rdnss(&["::1"], 9)).unwrap();
    let ra = Ra::of("a.example", 1800).prefix_with("2001:db8::/64", (9, 9), 0).rdnss(&["::1"], 0).mtu(1400);
    net.hear(1, 1, &ra.route("2001:db8:9::/48", 9)).unwrap();
    let events: Vec<_> = net.registry.events_since(1).unwrap().cloned().collect();
    let whats: Vec<_> = events[0].changes.iter().map(|change| change.what.clone()).collect();
    assert_eq!((events.len(), events[0].kind, events[0].seq, events[0].more), (1, EventKind::Update, 2, 0));
    let before = Parameters { hop_limit: 64, ..Parameters::default() };
    let expected = [
        What::Parameters(Box::new([before.clone(), Parameters { mtu: 1400, ..before }])),
        What::Removed(Fact::Rdnss("::1".parse().unwrap()), Why::Withdrawn),
        What::Flagged(Fact::Prefix(prefix("2001:db8::/64")), 0xc0, 0),
        What::Added(Fact::Route(prefix("2001:db8:9::/48"))),
    ];
    assert_eq!(whats, expected);
}

#[test]
fn what_ends_is_told_with_the_reason() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 5).rdnss(&["::1"], 9)).unwrap();
    net.pass(5);
    net.pass(4);
    let whats: Vec<_> = net.registry.events_since(1).unwrap().map(|event| event.changes[0].what.clone()).collect();
    let expired = What::Removed(Fact::Rdnss("::1".parse().unwrap()), Why::Expired);
    assert_eq!(whats, [What::DefaultRouter(false), expired]);
}

#[test]
fn a_watcher_resumes_where_it_was_or_learns_that_it_cannot() {
    let mut net = Net::new();
    let all = limits::EVENTS as u64;
    for i in 0..all + 10 {
        net.hear(1, 1, &Ra::of("a.example", 1800).mtu(1280 + i as u32)).unwrap();
    }
    let seqs = |from| net.registry.events_since(from).map(|events| events.map(|event| event.seq).collect::<Vec<_>>());
    assert_eq!(seqs(10), Ok((11..=all + 10).collect()));
    assert_eq!((seqs(all + 9), seqs(all + 10)), (Ok(vec![all + 10]), Ok(vec![])));
    let missed = Err(Missed { oldest: 11 });
    assert_eq!(
        (seqs(9), seqs(0), seqs(all + 11), seqs(u64::MAX)),
        (missed.clone(), missed.clone(), missed.clone(), missed)
    );
}

#[test]
fn a_fetch_that_has_ended_is_told_with_as_much_of_the_reason_as_fits() {
    let mut net = Net::new();
    net.hear(1, 1, &Ra::of("a.example", 1800)).unwrap();
    let long = "\u{e9}".repeat(limits::EVENT_REASON);
    for (pvd, failed) in [("a.example", None), ("gone.example", None), ("a.example", Some(format!("-{long}")))] {
        net.registry.tell_fetched(&name(pvd), failed.as_deref(), net.now);
    }
    let told: Vec<_> = net.registry.events_since(1).unwrap().map(|event| (event.kind, event.failed.clone())).collect();
    let cut = format!("-{}", "\u{e9}".repeat(limits::EVENT_REASON / 2 - 1));
    assert_eq!(told, [(EventKind::Fetched, None), (EventKind::Fetched, Some(cut.into()))]);
}

#[test]
fn a_number_of_an_earlier_life_is_known_as_one() {
    let later = Registry::new(Limits::default(), 7).counting_from(1000);
    let all = |seq| later.events_since(seq).map(Iterator::count);
    let missed = Err(Missed { oldest: 1001 });
    assert_eq!((all(0), all(1000), all(999), all(1001)), (Ok(0), Ok(0), missed, missed));
    assert_eq!((later.last_event(), later.oldest_event()), (1000, 1001));
}

#[test]
fn a_registry_that_says_the_same_goes_on_with_its_numbers() {
    let ra = |mtu| Ra::of("a.example", 1800).mtu(mtu).rdnss(&["::1"], 9);
    let heard = |all: &[u32]| {
        let mut net = Net::new();
        for mtu in all {
            net.hear(1, 1, &ra(*mtu)).unwrap();
        }
        net
    };
    let (mut before, mut after) = (heard(&[1400, 1500]), heard(&[1500]));
    let digest = |net: &Net| net.registry.digest(net.now);
    assert_eq!(digest(&before), digest(&after), "how they came to it is another matter");
    assert_ne!(digest(&before), digest(&heard(&[1400])));
    assert_ne!(digest(&before), digest(&heard(&[])));
    after.registry.go_on_from(before.registry.last_event());
    after.hear(1, 1, &ra(1280)).unwrap();
    let told: Vec<_> = after.registry.events_since(2).unwrap().map(|event| (event.seq, event.kind)).collect();
    assert_eq!(told, [(3, EventKind::Update)]);
    assert!(after.registry.events_since(1).is_err(), "who has not seen the second misses it");
    // What has ended is not said any more, whether or not it was swept.
    before.pass(9);
    let mut late = Net::new();
    late.pass(9);
    late.hear(1, 1, &Ra::of("a.example", 1800).mtu(1500)).unwrap();
    assert_eq!(digest(&before), digest(&late));
}

#[test]
fn an_event_tells_a_bounded_number_of_changes_and_counts_the_rest() {
    let mut net = Net::new();
    let servers: Vec<String> = (1..=60).map(|i| format!("2001:db8::{i:x}")).collect();
    net.hear(1, 1, &Ra::of("a.example", 0).rdnss(&servers.iter().map(String::as_str).collect::<Vec<_>>(), 9)).unwrap();
    let event = net.registry.events_since(0).unwrap().next().unwrap();
    assert_eq!((event.changes.len(), event.more), (limits::EVENT_CHANGES, 61 - limits::EVENT_CHANGES));
}
