// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What hosts are told of static PvDs. The judge is a registry that hears it: it must learn what the operator said.

use super::build::{Net, name, prefix, router};
use crate::{
    ALL_NODES, Advert, Announcement, Answering, Attributes, Fact, Fault, Origin, Parameters, PvdFlags, RaCache,
    Replayed, Responder, Solicitation, Statement, check, limits,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wire::MacAddr;
use wire::nd::{RouterAdvert, kind, split};

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
/// On-link and autonomous.
const BOTH: u8 = 0xc0;

pub(crate) fn announcement() -> Option<Announcement> {
    Some(Announcement { router: router(1), mac: MAC, lifetime: 0, inner: false })
}

pub(crate) fn statement(facts: &[(Fact, u8)]) -> Statement {
    Statement {
        flags: PvdFlags { http: true, legacy: true, header: false, sequence: 3, delay: 2, injected: false },
        parameters: Parameters { mtu: 1400, captive_portal: (*b"https://p.example/").into(), ..Parameters::default() },
        facts: facts.iter().cloned().collect(),
        announcement: announcement(),
    }
}

pub(crate) fn some_facts() -> Vec<(Fact, u8)> {
    vec![
        (Fact::Prefix(prefix("2001:db8:1::/64")), BOTH),
        (Fact::Prefix(prefix("2001:db8:2::/80")), 0x80),
        (Fact::Route(prefix("2001:db8:3::/48")), 2),
        (Fact::Route(prefix("::/0")), 0),
        (Fact::Rdnss("2001:db8::53".parse().unwrap()), 0),
        (Fact::Dnssl(name("corp.example")), 0),
        (Fact::Pref64(prefix("64:ff9b::/96")), 0),
    ]
}

fn announced(net: &Net) -> Vec<Replayed> {
    net.registry.announcements(ALL_NODES, |_| true, &net.registry.routers(net.now)).collect()
}

/// A host's side that has heard all of it, each part within an MTU.
pub(crate) fn heard(all: &[Replayed], mtu: usize) -> Net {
    let mut host = Net::new();
    for Replayed { router, octets, .. } in all {
        for part in split(octets, *router, ALL_NODES, mtu).unwrap() {
            assert!(part.len() + 40 <= mtu);
            let message = RouterAdvert::parse(&part).unwrap();
            let advert = Advert::new(7, *router, message).unwrap();
            host.registry.learn(&advert, host.now).unwrap();
        }
    }
    host
}

/// What one of them says, with flags.
fn facts(attributes: &Attributes, origin: Origin) -> BTreeMap<Fact, u8> {
    let entries = attributes.source(origin).unwrap().entries().iter();
    entries.map(|entry| (entry.fact().clone(), entry.flags())).collect()
}

#[test]
fn a_host_that_knows_of_pvds_learns_what_the_operator_said() {
    let (mut net, said) = (Net::new(), statement(&some_facts()));
    net.registry.set(&name("Work.example"), &said, net.now).unwrap();
    let all = announced(&net);
    assert_eq!((all.len(), all[0].router, all[0].mac), (1, router(1), MAC));
    let host = heard(&all, 1500);
    let pvd = host.pvd("work.example").unwrap();
    let attributes = pvd.attributes();
    assert_eq!(facts(&attributes, Origin::Router { port: 7, address: router(1) }), said.facts);
    assert_eq!((attributes.flags(), attributes.parameters()), (said.flags, Some(&said.parameters)));
    assert!(attributes.sources()[0].router_until().passed(host.now), "no default router");
    assert_eq!(host.registry.members().len(), 1);
}

#[test]
fn a_host_that_knows_nothing_of_pvds_learns_nothing() {
    let mut net = Net::new();
    net.registry.set(&name("work.example"), &statement(&some_facts()), net.now).unwrap();
    for Replayed { octets, .. } in announced(&net) {
        let message = RouterAdvert::parse(&octets).unwrap();
        let outside: Vec<u8> = message.raw_options().map(|option| option.unwrap().kind).collect();
        assert_eq!((outside, message.header.lifetime), (vec![kind::SOURCE_LINK_LAYER, kind::PVD], 0));
    }
}

#[test]
fn it_is_a_default_router_where_the_operator_wants_one() {
    for inner in [false, true] {
        let mut net = Net::new();
        let wanted = Announcement { lifetime: 1800, inner, ..announcement().unwrap() };
        let said = Statement { announcement: Some(wanted), ..statement(&[]) };
        net.registry.set(&name("work.example"), &said, net.now).unwrap();
        let all = announced(&net);
        let outer = RouterAdvert::parse(&all[0].octets).unwrap().header.lifetime;
        assert_eq!(outer, if inner { 0 } else { 1800 }, "what others take for their default router");
        let host = heard(&all, 1280);
        let pvd = host.pvd("work.example").unwrap();
        assert!(!pvd.attributes().sources()[0].router_until().passed(host.now));
        assert_eq!(pvd.attributes().flags().header, inner);
        assert_eq!(net.pvd("work.example").unwrap().attributes().flags().header, inner, "and the operator sees it");
    }
}

/// As much as can be said, under the longest name, over the smallest MTU.
#[test]
fn whatever_can_be_said_fits() {
    let long = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
    let server = |i: u16| (Fact::Rdnss([0x2001, 0xdb8, 0, 0, 0, 0, 0, i].into()), 0);
    let domain = |i: u16| (Fact::Dnssl(name(&format!("d{i}.{0}.{0}.{0}", "c".repeat(60)))), 0);
    let owned = |i: u16| (Fact::Prefix(prefix(&format!("2001:db8:{i:x}::/64"))), BOTH);
    let most = limits::ROUTER_ENTRIES as u16;
    let kinds: [Vec<(Fact, u8)>; 3] = [
        (0..most).map(server).collect(),
        (0..most).map(owned).collect(),
        (0..12).map(domain).chain((0..12).map(owned)).collect(),
    ];
    for all in kinds {
        let (mut net, mut said) = (Net::new(), statement(&all));
        said.parameters.captive_portal = vec![b'x'; 512].into();
        net.registry.set(&name(&long), &said, net.now).unwrap();
        let told = announced(&net);
        for mtu in [1280, 1500, 9000] {
            let host = heard(&told, mtu);
            let pvd = host.pvd(&long).unwrap();
            assert_eq!(facts(&pvd.attributes(), Origin::Router { port: 7, address: router(1) }), said.facts);
        }
    }
}

#[test]
fn only_what_is_to_be_announced_is_and_only_as_long_as_it_is_said() {
    let mut net = Net::new();
    let quiet = Statement { announcement: None, ..statement(&[]) };
    let handle = net.registry.set(&name("a.example"), &statement(&[]), net.now).unwrap();
    net.registry.set(&name("b.example"), &quiet, net.now).unwrap();
    assert_eq!(announced(&net).len(), 1);
    net.registry.set(&name("a.example"), &quiet, net.now).unwrap();
    assert_eq!(announced(&net).len(), 0);
    net.registry.set(&name("a.example"), &statement(&[]), net.now).unwrap();
    assert!(net.registry.unset(handle, net.now));
    assert_eq!(announced(&net).len(), 0);
    net.registry.set(&name("a.example"), &statement(&[]), net.now).unwrap();
    net.registry.clear(net.now);
    assert_eq!(announced(&net).len(), 0);
}

#[test]
fn a_host_that_asks_is_told_though_no_router_ever_spoke() {
    let (mut net, mut cache, mut responder) = (Net::new(), RaCache::default(), Responder::new(Answering::default()));
    net.registry.set(&name("work.example"), &statement(&some_facts()), net.now).unwrap();
    let vm = MacAddr([2, 0, 0, 0, 0, 9]);
    let asks = Solicitation { port: 9, source: router(9), mac: vm, option: Some(vm) };
    responder.solicited(&asks, net.now, Duration::ZERO);
    let answer = responder.poll(&mut cache, &net.registry, net.now + crate::DELAY_MAX).unwrap();
    let from: BTreeSet<_> = answer.adverts.iter().map(|said| said.router).collect();
    assert_eq!((answer.port, from), (9, BTreeSet::from([router(1)])));
    let message = RouterAdvert::parse(&answer.adverts[0].octets).unwrap();
    assert!(Advert::new(7, router(1), message).unwrap().name().is_some());
    // A router that lives speaks for itself, and not for the operator.
    super::caching::hear(&mut cache, (1, 5), &super::build::Ra::new(1800), net.now).unwrap();
    responder.solicited(&asks, net.now, Duration::ZERO);
    responder.heard(ALL_NODES);
    let answer = responder.poll(&mut cache, &net.registry, net.now + crate::DELAY_MAX).unwrap();
    assert!(answer.adverts.iter().all(|said| said.router == router(1)));
}

/// Routers that fill a namespace keep no static PvD out.
#[test]
fn the_operator_has_room_of_his_own() {
    let mut net = Net::new();
    for i in 0..limits::PVDS + limits::PORT_PVDS {
        let _ = net.hear(1, 1, &super::build::Ra::of(&format!("p{i}.example"), 1800));
    }
    assert!(net.hear(1, 1, &super::build::Ra::of("one.more.example", 1800)).is_err());
    for i in 0..limits::STATIC_PVDS {
        net.registry.set(&name(&format!("s{i}.example")), &Statement::default(), net.now).unwrap();
    }
    assert!(net.registry.set(&name("too.many.example"), &Statement::default(), net.now).is_err());
}

/// What most announcements say outside the PvD Option is that there is no router, and Linux believes that of whoever says it.
#[test]
fn nothing_is_said_in_the_name_of_a_router_that_speaks_for_itself() {
    let mut net = Net::new();
    net.registry.set(&name("work.example"), &statement(&some_facts()), net.now).unwrap();
    net.say(3, 2, &super::build::Ra::new(1800));
    assert_eq!(announced(&net).len(), 1, "the router has another address");
    net.say(3, 1, &super::build::Ra::new(1800));
    assert_eq!(announced(&net), []);
    let found = check(&RaCache::default(), Some(&net.registry), net.now).list;
    let told = |finding: &crate::Finding| (finding.fault, finding.pvd.as_ref().map(ToString::to_string));
    let expected = (Fault::AnnouncedInItsName, Some("work.example.".to_owned()));
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), [expected]);
    assert_eq!(found[0].routers, [Origin::Router { port: 3, address: router(1) }]);
    net.say(3, 1, &super::build::Ra::new(0));
    assert_eq!(announced(&net).len(), 1, "it is none any more");
    assert!(check(&RaCache::default(), Some(&net.registry), net.now).list.is_empty());
}
