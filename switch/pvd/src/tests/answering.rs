// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The responder: who gets what, and when.

use super::build::{Net, Ra, router, s};
use super::caching::{self, MAC};
use crate::{
    ALL_NODES, ALL_NODES_GAP, Answer, AnswerPolicy, Answering, DELAY_MAX, Destination, RaCache, Responder,
    Solicitation, limits,
};
use core::net::Ipv6Addr;
use std::time::Duration;
use wire::MacAddr;
use wire::nd::{NdOption, RouterAdvert, kind};

const VM: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);

struct Bed {
    net: Net,
    cache: RaCache,
    responder: Responder,
}

fn asks(port: u32, host: u16) -> Solicitation {
    Solicitation { port, source: router(host), mac: VM, option: Some(VM) }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Bed {
    fn new(policy: AnswerPolicy) -> Bed {
        Bed::within(policy, DELAY_MAX)
    }

    fn within(policy: AnswerPolicy, within: Duration) -> Bed {
        let responder = Responder::new(Answering { policy, within });
        Bed { net: Net::new(), cache: RaCache::default(), responder }
    }

    fn hear(&mut self, port: u32, host: u16, ra: &Ra) {
        self.net.say(port, host, ra);
        caching::hear(&mut self.cache, (port, host), ra, self.net.now).unwrap();
    }

    fn ask(&mut self, solicitation: &Solicitation, jitter: Duration) {
        self.responder.solicited(solicitation, self.net.now, jitter);
    }

    fn poll(&mut self) -> Option<Answer> {
        self.responder.poll(&mut self.cache, &self.net.registry, self.net.now)
    }

    /// The answer to a host behind port 9, after as long as one waits.
    fn answer(&mut self) -> Option<Answer> {
        self.ask(&asks(9, 9), DELAY_MAX);
        self.net.now += DELAY_MAX;
        self.poll()
    }
}

#[test]
fn a_host_that_says_who_it_is_is_answered_alone() {
    let mut bed = Bed::new(AnswerPolicy::default());
    bed.hear(1, 1, &Ra::new(1800).prefix("2001:db8::/64", 3600));
    bed.net.pass(100);
    bed.ask(&asks(9, 9), ms(0));
    assert_eq!(bed.responder.next_due(), Some(bed.net.now + ms(250)), "a router goes first");
    bed.net.now += ms(249);
    assert_eq!(bed.poll(), None);
    bed.net.now += ms(1);
    let answer = bed.poll().unwrap();
    assert_eq!((answer.port, answer.to), (9, Destination { address: router(9), mac: VM }));
    assert_eq!((answer.adverts.len(), answer.adverts[0].router, answer.adverts[0].mac), (1, router(1), MAC));
    // 100.25 seconds later, and rounded so that nobody is promised more.
    let expected = Ra::new(1699).prefix("2001:db8::/64", 3499).bytes();
    let octets = &answer.adverts[0].octets;
    assert_eq!((&octets[..2], &octets[4..]), (&expected[..2], &expected[4..]));
    assert_ne!(octets[2..4], [0, 0], "it has a checksum");
    assert_eq!(bed.poll(), None);
    assert_eq!(bed.cache.iter().map(|ra| ra.hits).sum::<u64>(), 1);
}

#[test]
fn it_waits_no_longer_than_it_is_told() {
    for (policy, within, due) in [
        (AnswerPolicy::Always, ms(0), ms(0)),
        (AnswerPolicy::WhenSilent, ms(0), ms(0)),
        (AnswerPolicy::Always, ms(80), ms(80)),
        (AnswerPolicy::WhenSilent, ms(80), ms(80)),
    ] {
        let mut bed = Bed::within(policy, within);
        bed.hear(1, 1, &Ra::new(1800));
        bed.ask(&asks(9, 9), DELAY_MAX);
        assert_eq!(bed.responder.next_due(), Some(bed.net.now + due), "{policy:?} within {within:?}");
        bed.net.now += due;
        assert!(bed.poll().is_some());
    }
    assert_eq!(AnswerPolicy::ALL.map(|policy| AnswerPolicy::of(policy.as_str())), AnswerPolicy::ALL.map(Some));
    assert_eq!(AnswerPolicy::of("never"), None);
}

#[test]
fn a_host_without_address_or_option_is_answered_as_all_nodes_and_not_too_often() {
    let mut bed = Bed::new(AnswerPolicy::Always);
    bed.hear(1, 1, &Ra::new(1800));
    let unspecified = Solicitation { source: Ipv6Addr::UNSPECIFIED, ..asks(9, 9) };
    let without_option = Solicitation { option: None, ..asks(9, 9) };
    bed.ask(&unspecified, ms(0));
    let to = Destination { address: ALL_NODES, mac: VM };
    assert_eq!(bed.poll().map(|answer| answer.to), Some(to));
    let asked = bed.net.now;
    bed.ask(&without_option, ms(7));
    assert_eq!(bed.responder.next_due(), Some(asked + s(3)));
    bed.ask(&asks(9, 9), ms(7));
    assert_eq!(bed.responder.next_due(), Some(asked + ms(7)), "that does not hold for one host");
    bed.ask(&Solicitation { port: 8, ..unspecified }, ms(6));
    assert_eq!(bed.responder.next_due(), Some(asked + ms(6)), "nor for another port");
}

#[test]
fn a_router_that_answers_is_enough_unless_the_policy_wants_more() {
    for (policy, destination, answers) in [
        (AnswerPolicy::WhenSilent, ALL_NODES, false),
        (AnswerPolicy::WhenSilent, router(9), false),
        (AnswerPolicy::WhenSilent, router(8), true),
        (AnswerPolicy::Always, ALL_NODES, true),
        (AnswerPolicy::Off, router(8), false),
    ] {
        let mut bed = Bed::new(policy);
        bed.hear(1, 1, &Ra::new(1800));
        bed.ask(&asks(9, 9), DELAY_MAX);
        bed.responder.heard(destination);
        bed.net.now += DELAY_MAX;
        assert_eq!(bed.poll().is_some(), answers, "{policy:?}, {destination}");
    }
}

#[test]
fn a_port_that_comes_up_is_greeted() {
    let mut bed = Bed::new(AnswerPolicy::default());
    bed.hear(1, 1, &Ra::new(1800));
    bed.responder.port_up(9, VM, bed.net.now, DELAY_MAX);
    bed.responder.port_up(8, VM, bed.net.now, DELAY_MAX);
    bed.responder.forget_port(8);
    bed.net.now += DELAY_MAX;
    assert_eq!(bed.poll().map(|answer| (answer.port, answer.to.address)), Some((9, ALL_NODES)));
    assert_eq!((bed.poll(), bed.responder.next_due()), (None, None));
}

#[test]
fn a_host_that_lands_is_told_at_once_and_once_more() {
    let mut bed = Bed::new(AnswerPolicy::default());
    bed.hear(1, 1, &Ra::new(1800));
    bed.responder.port_up(9, VM, bed.net.now, DELAY_MAX);
    bed.responder.landed(9, VM, bed.net.now);
    assert_eq!(bed.responder.next_due(), Some(bed.net.now));
    for gap in [ALL_NODES_GAP, Duration::ZERO] {
        let told = bed.poll().map(|answer| (answer.port, answer.to.address, answer.to.mac));
        assert_eq!((told, bed.poll()), (Some((9, ALL_NODES, VM)), None));
        bed.net.now += gap;
    }
    assert_eq!(bed.responder.next_due(), None);
}

#[test]
fn a_host_that_lands_again_and_again_is_told_at_once_but_not_without_end() {
    let mut bed = Bed::new(AnswerPolicy::default());
    bed.hear(1, 1, &Ra::new(1800));
    let land = |bed: &mut Bed, port: u32| {
        bed.responder.landed(port, VM, bed.net.now);
        std::iter::from_fn(|| bed.poll()).filter(|answer| answer.port == port).count()
    };
    let at_once: usize = (0..100).map(|_| land(&mut bed, 9)).sum();
    assert_eq!(at_once, limits::PORT_LANDINGS as usize, "each once, and the rest have to wait");
    assert_eq!(land(&mut bed, 8), 1, "which is no matter of another port");
    // A hundred landings in a row hold back nothing of what the last is due.
    let waits = bed.responder.next_due().map(|due| due - bed.net.now);
    assert_eq!(waits, Some(ALL_NODES_GAP));
    bed.net.now += ALL_NODES_GAP;
    assert_eq!((land(&mut bed, 9), land(&mut bed, 9)), (1, 0));
    for _ in 0..3 {
        bed.net.now += ALL_NODES_GAP * limits::PORT_LANDINGS;
        while bed.poll().is_some() {}
    }
    let again: usize = (0..100).map(|_| land(&mut bed, 9)).sum();
    assert_eq!(again, limits::PORT_LANDINGS as usize, "a pause gives back all of them, and no more");
}

#[test]
fn landing_is_no_way_for_others_to_be_told_sooner() {
    let mut bed = Bed::new(AnswerPolicy::Always);
    bed.hear(1, 1, &Ra::new(1800));
    bed.responder.landed(9, VM, bed.net.now);
    assert!(bed.poll().is_some());
    bed.ask(&Solicitation { source: Ipv6Addr::UNSPECIFIED, ..asks(9, 9) }, ms(0));
    assert_eq!(bed.responder.next_due(), Some(bed.net.now + ALL_NODES_GAP));
    bed.responder.forget_port(9);
    assert_eq!((bed.poll(), bed.responder.next_due()), (None, None));
}

#[test]
fn a_dead_router_is_never_handed_out_and_none_is_sent_back_to_its_own_port() {
    let mut bed = Bed::new(AnswerPolicy::Always);
    bed.hear(1, 1, &Ra::new(10).prefix("2001:db8::/64", 3600));
    bed.hear(9, 2, &Ra::new(1800));
    assert_eq!(bed.answer().unwrap().adverts.len(), 1);
    bed.net.now += s(10) - DELAY_MAX - DELAY_MAX;
    assert_eq!(bed.answer(), None, "10 seconds are over");
    bed.hear(1, 1, &Ra::new(1800));
    let resigned = Ra::new(0);
    bed.net.say(1, 1, &resigned);
    caching::hear(&mut bed.cache, (1, 1), &resigned, bed.net.now).unwrap();
    assert_eq!((bed.answer(), bed.responder.counters().nothing), (None, 2));
}

/// A router lifetime of 0 in its name would end the default router of whoever has it as one, and nobody can tell who resigns
/// from who never was one.
#[test]
fn what_is_of_no_default_router_is_kept_and_never_handed_out() {
    let mut bed = Bed::new(AnswerPolicy::Always);
    let prefix = |lifetime| Ra::new(lifetime).prefix("2001:db8::/64", u32::MAX);
    bed.hear(1, 1, &prefix(0));
    bed.hear(1, 2, &prefix(10));
    assert_eq!(bed.answer().unwrap().adverts.iter().map(|it| it.router).collect::<Vec<_>>(), [router(2)]);
    bed.net.pass(10);
    assert_eq!((bed.answer(), bed.cache.len()), (None, 2), "one has fallen silent");
    bed.hear(1, 2, &prefix(1800));
    assert!(bed.answer().is_some());
    bed.hear(1, 2, &prefix(0));
    assert_eq!((bed.answer(), bed.cache.len()), (None, 2), "and resigns");
}

#[test]
fn what_has_ended_is_left_out_and_what_nobody_knows_is_kept() {
    let mut bed = Bed::new(AnswerPolicy::Always);
    let unknown = [253, 1, 1, 2, 3, 4, 5, 6];
    let outside = Ra::new(1800).prefix("2001:db8:1::/64", 10).raw(&unknown);
    let inside = outside.pvd("a.example").rdnss(&["::1"], 10).dnssl(&["d.example"], 1000).raw(&unknown);
    bed.hear(1, 1, &inside);
    bed.net.pass(100);
    let answer = bed.answer().unwrap();
    let advert = RouterAdvert::parse(&answer.adverts[0].octets).unwrap();
    let pvd = advert.pvd().unwrap().unwrap();
    let outside: Vec<_> = advert.raw_options().map(|option| option.unwrap().kind).collect();
    let inside: Vec<_> = pvd.raw_options().map(|option| option.unwrap().kind).collect();
    assert_eq!((outside, inside), (vec![253, kind::PVD], vec![kind::DNSSL, 253]));
    let lifetimes = pvd.options().flatten().filter_map(|option| match option {
        NdOption::Dnssl(dnssl) => Some(dnssl.lifetime),
        _ => None,
    });
    assert_eq!(lifetimes.collect::<Vec<_>>(), [899]);
}

#[test]
fn a_prefix_that_has_moved_is_not_said_to_be_where_it_was() {
    let mut bed = Bed::new(AnswerPolicy::Always);
    bed.hear(1, 1, &Ra::of("old.example", 1800).prefix("2001:db8::/64", 3600));
    bed.hear(1, 2, &Ra::of("new.example", 1800).prefix("2001:db8::/64", 3600));
    let answer = bed.answer().unwrap();
    let prefixes = answer.adverts.iter().map(|replayed| {
        let advert = RouterAdvert::parse(&replayed.octets).unwrap();
        (replayed.router, advert.pvd().unwrap().unwrap().raw_options().count())
    });
    let mut prefixes: Vec<_> = prefixes.collect();
    prefixes.sort_unstable();
    assert_eq!(prefixes, [(router(1), 0), (router(2), 1)]);
}

#[test]
fn what_is_signed_is_not_said_again() {
    let mut bed = Bed::new(AnswerPolicy::Always);
    bed.hear(1, 1, &Ra::new(1800).raw(&[kind::NONCE, 1, 1, 2, 3, 4, 5, 6]));
    assert_eq!((bed.cache.len(), bed.answer()), (1, None));
}

#[test]
fn who_asks_often_waits_once_and_few_wait_behind_one_port() {
    let mut bed = Bed::new(AnswerPolicy::Always);
    bed.hear(1, 1, &Ra::new(1800));
    (0..100).for_each(|_| bed.ask(&asks(9, 9), DELAY_MAX));
    (0..100).for_each(|host| bed.ask(&asks(9, 100 + host), DELAY_MAX));
    bed.ask(&asks(8, 1), DELAY_MAX);
    bed.net.now += DELAY_MAX;
    let answers = std::iter::from_fn(|| bed.poll()).count();
    assert_eq!(answers, limits::PORT_SOLICITORS + 1);
    let refused = 101 - limits::PORT_SOLICITORS as u64;
    assert_eq!((bed.responder.counters().refused, bed.responder.counters().asked), (refused, 201));
}
