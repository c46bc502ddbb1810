// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was announced and is announced no more. The judge is a host's side that had learnt it.

use super::announcing::{announcement, heard, some_facts, statement};
use super::build::{Net, Ra, name, prefix, router};
use crate::{
    ALL_NODES, ALL_NODES_GAP, Advert, Answer, AnswerPolicy, Answering, FAREWELL_TIMES, Fact, Farewell, Origin, RaCache,
    Responder, Seen, Sight, Statement, limits,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wire::nd::RouterAdvert;

const WORK: &str = "work.example";

/// An operator's side with hosts behind ports 8 and 9.
struct Side {
    net: Net,
    cache: RaCache,
    responder: Responder,
    hosts: BTreeSet<u32>,
}

impl Side {
    fn new() -> Side {
        let responder = Responder::new(Answering::default());
        Side { net: Net::new(), cache: RaCache::default(), responder, hosts: BTreeSet::from([8, 9]) }
    }

    /// Says something of a PvD, or nothing any more, and what hosts are to be told of that.
    fn state(&mut self, pvd: &str, said: Option<&Statement>) {
        let (net, pvd) = (&mut self.net, name(pvd));
        let known = |net: &Net| {
            let attributes = net.registry.members().by_name(&pvd)?.attributes();
            attributes.sources().iter().find(|source| source.origin() == Origin::Operator).cloned()
        };
        let before = known(net);
        match said {
            Some(said) => drop(net.registry.set(&pvd, said, net.now).unwrap()),
            None => {
                let handle = net.registry.members().by_name(&pvd).unwrap().handle();
                assert!(net.registry.unset(handle, net.now));
            }
        }
        if let Some(farewell) = Farewell::between(&pvd, before.as_deref(), known(net).as_deref()) {
            self.responder.take_back(farewell, net.now);
        }
    }

    /// What is said now.
    fn said(&mut self) -> Vec<Answer> {
        let Side { net: Net { registry, now, .. }, cache, responder, hosts } = self;
        let poll = || {
            if responder.bids_farewell(*now) {
                responder.bid_farewell(hosts.clone(), registry, *now);
            }
            responder.poll(cache, registry, *now)
        };
        std::iter::from_fn(poll).collect()
    }

    /// What a host behind port 9 has that has heard all of this PvD, and then what is said now.
    fn left(&mut self, announced: &Statement) -> BTreeMap<Fact, u8> {
        let mut before = Net::new();
        before.registry.set(&name(WORK), announced, before.now).unwrap();
        let (registry, nobody) = (&before.registry, BTreeSet::new());
        let told: Vec<_> = registry.announcements(ALL_NODES, |_| true, &nobody).collect();
        let mut host = heard(&told, 1500);
        for said in self.said().iter().filter(|said| said.port == 9).flat_map(|said| &said.adverts) {
            let advert = Advert::new(7, said.router, RouterAdvert::parse(&said.octets).unwrap()).unwrap();
            host.registry.learn(&advert, host.now).unwrap();
        }
        let known = host.pvd(WORK).map(|pvd| pvd.attributes());
        let entries = known.iter().flat_map(|known| known.sources()).flat_map(|source| source.entries());
        entries.map(|entry| (entry.fact().clone(), entry.flags())).collect()
    }
}

#[test]
fn a_host_is_told_three_times_that_a_deleted_pvd_has_ended() {
    let (mut side, said) = (Side::new(), statement(&some_facts()));
    side.state(WORK, Some(&said));
    assert_eq!((side.responder.next_due(), side.said()), (None, vec![]), "nothing has ended");
    side.state(WORK, None);
    assert_eq!(side.left(&said), BTreeMap::new());
    let mut times = vec![side.net.now];
    while let Some(due) = side.responder.next_due() {
        side.net.now = due;
        let ports: Vec<u32> = side.said().iter().map(|said| said.port).collect();
        assert_eq!(ports, [8, 9]);
        times.push(due);
    }
    assert_eq!(times.len(), FAREWELL_TIMES as usize);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == ALL_NODES_GAP), "{times:?}");
    assert!(ALL_NODES_GAP >= Duration::from_secs(3), "RFC 4861 section 10");
}

#[test]
fn a_host_loses_what_went_and_keeps_what_stays() {
    let all = statement(&some_facts());
    for (gone, flags) in some_facts() {
        let mut side = Side::new();
        side.state(WORK, Some(&all));
        let mut less = all.clone();
        less.facts.remove(&gone);
        side.state(WORK, Some(&less));
        assert_eq!(side.left(&all), less.facts, "without {gone:?} {flags}");
    }
    // The announcement alone goes, or is made in another router's name.
    for other in [None, announcement().map(|said| crate::Announcement { router: router(2), ..said })] {
        let mut side = Side::new();
        side.state(WORK, Some(&all));
        side.state(WORK, Some(&Statement { announcement: other, ..all.clone() }));
        assert_eq!(side.left(&all), BTreeMap::new(), "{other:?}");
    }
}

#[test]
fn what_hosts_were_never_told_or_is_said_again_meanwhile_is_not_taken_back() {
    let all = statement(&some_facts());
    let quiet = Statement { announcement: None, ..all.clone() };
    let mut side = Side::new();
    side.state(WORK, Some(&quiet));
    side.state(WORK, None);
    assert_eq!(side.responder.next_due(), None);
    side.state(WORK, Some(&all));
    side.state(WORK, None);
    side.state(WORK, Some(&all));
    assert_eq!(side.said(), []);
    // Another PvD has the prefix now: with a lifetime of 0 it would go there as well.
    let owned = Fact::Prefix(prefix("2001:db8:1::/64"));
    let moved = Statement { facts: BTreeMap::from([(owned.clone(), 0xc0)]), ..all.clone() };
    side.state(WORK, None);
    side.state("other.example", Some(&moved));
    side.net.now += ALL_NODES_GAP;
    assert_eq!(side.left(&all), moved.facts, "the host has it still, as the other's");
}

#[test]
fn a_router_that_teaches_the_same_is_not_contradicted() {
    let (mut side, server) = (Side::new(), "2001:db8::53".parse().unwrap());
    let said = statement(&[(Fact::Rdnss(server), 0), (Fact::Dnssl(name("corp.example")), 0)]);
    side.state(WORK, Some(&said));
    side.net.hear(1, 5, &Ra::of(WORK, 1800).rdnss(&["2001:db8::53"], 1800)).unwrap();
    side.state(WORK, None);
    assert_eq!(side.left(&said), BTreeMap::from([(Fact::Rdnss(server), 0)]));
}

#[test]
fn a_default_router_is_one_no_more_and_remains_one_where_only_a_fact_goes() {
    for (facts_only, lifetime) in [(true, 1800), (false, 0)] {
        let mut side = Side::new();
        let wanted = announcement().map(|said| crate::Announcement { lifetime: 1800, ..said });
        let said = Statement { announcement: wanted, ..statement(&some_facts()) };
        side.state(WORK, Some(&said));
        side.state(WORK, facts_only.then(|| Statement { facts: BTreeMap::new(), ..said.clone() }).as_ref());
        let told = side.said();
        let message = RouterAdvert::parse(&told[0].adverts[0].octets).unwrap();
        assert_eq!((told[0].adverts[0].router, message.header.lifetime), (router(1), lifetime));
    }
}

/// What one process has announced the next one takes back, if it does not announce it itself; it may be stopped before all are told.
#[test]
fn what_was_announced_is_taken_back_by_the_next_process_as_well() {
    let all = statement(&some_facts());
    let mut before = Side::new();
    before.state(WORK, Some(&all));
    assert_eq!(before.responder.untold().count(), 0);
    before.state(WORK, None);
    let untold: Vec<_> = before.responder.untold().map(|(name, said)| (name.clone(), said)).collect();
    assert_eq!(
        (untold[0].0.clone(), &untold[0].1.facts, untold[0].1.announcement),
        (name(WORK), &all.facts, all.announcement)
    );
    let mut less = all.clone();
    less.facts.pop_first();
    for (told, now, left) in
        [(&all, None, BTreeMap::new()), (&untold[0].1, None, BTreeMap::new()), (&all, Some(&less), less.facts.clone())]
    {
        let mut side = Side::new();
        now.into_iter().for_each(|now| side.state(WORK, Some(now)));
        let pvd = side.net.registry.members().by_name(&name(WORK)).map(|pvd| pvd.attributes());
        let own = pvd.as_ref().and_then(|pvd| pvd.source(Origin::Operator));
        let farewell = Farewell::since(&name(WORK), told, own).unwrap();
        assert!(Farewell::since(&name(WORK), &Statement { announcement: None, ..told.clone() }, own).is_none());
        side.responder.take_back(farewell, side.net.now);
        assert_eq!(side.left(&all), left);
    }
    let mut same = Side::new();
    same.state(WORK, Some(&all));
    let known = same.net.registry.members().by_name(&name(WORK)).unwrap().attributes();
    assert!(Farewell::since(&name(WORK), &all, known.source(Origin::Operator)).is_none(), "nothing has ended");
}

/// To hosts that know no PvDs what is announced in one name comes from one router, which lives.
#[test]
fn a_pvd_that_ends_ends_no_router_in_whose_name_another_is_announced() {
    let wanted = announcement().map(|said| crate::Announcement { lifetime: 1800, inner: false, ..said });
    let said = Statement { announcement: wanted, ..statement(&[(Fact::Rdnss("2001:db8::53".parse().unwrap()), 0)]) };
    let mut side = Side::new();
    side.state("other.example", Some(&Statement { facts: BTreeMap::new(), ..said.clone() }));
    side.state(WORK, Some(&said));
    side.state(WORK, None);
    let told = side.said();
    let lifetime = |told: &[Answer]| RouterAdvert::parse(&told[0].adverts[0].octets).unwrap().header.lifetime;
    assert_eq!(lifetime(&told), 1800);
    side.state("other.example", None);
    side.net.now += ALL_NODES_GAP;
    assert_eq!(lifetime(&side.said()), 0, "nobody says any more that it is one");
}

#[test]
fn who_does_not_see_the_pvd_and_who_is_gone_is_told_nothing() {
    let (mut side, said) = (Side::new(), statement(&some_facts()));
    let other = Sight::Only(BTreeSet::from([Seen::Named(name("other.example"))]));
    side.responder.set_sight(8, &other);
    side.state(WORK, Some(&said));
    side.state(WORK, None);
    assert_eq!(side.said().iter().map(|said| said.port).collect::<Vec<_>>(), [9]);
    side.net.now += ALL_NODES_GAP;
    side.responder.bid_farewell(side.hosts.clone(), &side.net.registry, side.net.now);
    side.responder.forget_port(9);
    side.hosts.remove(&9);
    assert_eq!(side.said(), [], "it goes while the others are told");
    side.net.now += ALL_NODES_GAP;
    assert_eq!(side.said(), []);
    // A namespace that says nothing for itself says this no more either.
    side.responder.set(Answering { policy: AnswerPolicy::Off, ..Answering::default() });
    side.state(WORK, Some(&said));
    side.state(WORK, None);
    side.net.now += ALL_NODES_GAP;
    assert_eq!(side.said(), []);
}

#[test]
fn any_number_is_said_in_the_end_and_never_more_at_once_than_an_answer_has() {
    let mut side = Side::new();
    let said = statement(&[(Fact::Rdnss("2001:db8::53".parse().unwrap()), 0)]);
    let all: Vec<String> = (0..3 * limits::ANSWER).map(|i| format!("p{i}.example")).collect();
    all.iter().for_each(|pvd| side.state(pvd, Some(&said)));
    all.iter().for_each(|pvd| side.state(pvd, None));
    let mut told = 0;
    while let Some(due) = side.responder.next_due() {
        side.net.now = due;
        let most = side.said().iter().map(|said| said.adverts.len()).max();
        assert!(most.is_some_and(|most| most <= limits::ANSWER), "{most:?}");
        told += most.unwrap();
    }
    assert_eq!(told, all.len() * FAREWELL_TIMES as usize);
}
