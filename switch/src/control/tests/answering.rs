// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Hosts that no router answers: what they are told, when, and by which port.

use super::learning::{advert, hear, lasting, routed, tag};
use super::*;
use crate::stated::{FactList, PvdKey};
use core::net::Ipv6Addr;
use dataplane::PortTag;
use pvd::{Announcement, AnswerPolicy, Statement};
use wire::nd::{NdMessage, NdOption, NdPacket};
use wire::{EtherHeader, build};

const VM: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x11]);
const HOST: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x11);
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

const fn ms(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

/// How a namespace answers from now on.
fn set(control: &mut Control, namespace: &str, answer: AnswerPolicy, within_ms: u64) {
    let (answer, answer_within) = (Some(answer), Some(Duration::from_millis(within_ms)));
    let change = NamespaceChange { answer, answer_within, ..NamespaceChange::default() };
    control.handle_request(Request::NamespaceSet(path(namespace), change)).unwrap();
}

/// Red and red/dev, each with a router and a host, and red's router has spoken 100 seconds before the others do.
fn announced() -> Control {
    let mut control = routed();
    control.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "red/dev"))).unwrap();
    hear(&mut control, "red:r1", &lasting(Some("a.example"), 1, 1800), 0);
    control
}

fn ask(control: &mut Control, port: &str, now: Instant) {
    let tag = tag(control, port);
    control.snooped(tag, &build::solicitation(VM, HOST), now);
}

/// A frame that was said, read: the tag of its port, its Ethernet and IPv6 destinations, what is left of its lifetimes.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    port: PortTag,
    to: (MacAddr, Ipv6Addr),
    router: u16,
    prefix: Vec<u32>,
    len: usize,
}

fn said(control: &mut Control, now: Instant) -> Vec<Said> {
    control.handle_due(now);
    control.take_emissions().iter().map(|emission| read(emission.port.tag(), &emission.frame)).collect()
}

fn read(port: PortTag, frame: &[u8]) -> Said {
    let ether = EtherHeader::parse(frame).unwrap();
    // This judges the checksum, too.
    let packet = NdPacket::validate(&frame[ether.l3..]).unwrap();
    assert_eq!((ether.src, packet.src), (MacAddr([2, 0, 0, 0, 0, 9]), ROUTER), "the router stays the sender");
    let NdMessage::Advert(advert) = packet.message else { panic!("no advertisement") };
    let nested = advert.pvd().unwrap().map(|pvd| pvd.options().flatten().collect::<Vec<_>>());
    let options = nested.unwrap_or_else(|| advert.options().flatten().collect());
    let prefix = options.iter().filter_map(|option| match option {
        NdOption::Prefix(info) => Some(info.valid),
        _ => None,
    });
    let (to, router) = ((ether.dst, packet.dst), advert.header.lifetime);
    Said { port, to, router, prefix: prefix.collect(), len: frame.len() - ether.l3 }
}

#[test]
fn test_a_host_whose_router_is_dead_is_told_what_is_left_of_its_words() {
    let mut control = announced();
    ask(&mut control, "red:vm1", ms(100_000));
    let due = control.next_due().unwrap();
    assert!((ms(100_250)..=ms(100_500)).contains(&due), "the router has a quarter of a second for itself: {due:?}");
    assert_eq!(said(&mut control, Instant::from_nanos(due.as_nanos() - 1)), []);
    let told = said(&mut control, due);
    let expected = Said {
        port: tag(&control, "red:vm1"),
        to: (VM, HOST),
        // Begun seconds count, so that nobody is promised more than the router said.
        router: 1800 - 101,
        prefix: vec![1800 - 101],
        len: told[0].len,
    };
    assert_eq!(told, [expected]);
    assert_eq!((control.next_due(), said(&mut control, ms(200_000))), (None, vec![]));
}

#[test]
fn test_who_is_answered_when() {
    for (policy, router_answers, answered) in [
        (AnswerPolicy::Off, false, false),
        (AnswerPolicy::WhenSilent, false, true),
        (AnswerPolicy::WhenSilent, true, false),
        (AnswerPolicy::Always, true, true),
    ] {
        let mut control = announced();
        set(&mut control, "red", policy, 500);
        ask(&mut control, "red:vm1", ms(100_000));
        if router_answers {
            hear(&mut control, "red:r1", &lasting(Some("a.example"), 1, 1800), 100);
        }
        let told = said(&mut control, ms(100_500));
        assert_eq!(!told.is_empty(), answered, "{policy:?}, router answers: {router_answers}");
    }
}

#[test]
fn test_an_answer_stays_in_its_namespace() {
    let mut control = announced();
    ask(&mut control, "red/dev:vm1", ms(100_000));
    assert_eq!((control.next_due(), said(&mut control, ms(101_000))), (None, vec![]), "no router has spoken there");
    // What red's router says keeps nobody in red/dev waiting, and answers nobody there.
    hear(&mut control, "red/dev:r1", &advert(None, 2), 200);
    ask(&mut control, "red/dev:vm1", ms(201_000));
    hear(&mut control, "red:r1", &lasting(Some("a.example"), 1, 1800), 201);
    let ports: Vec<PortTag> = said(&mut control, ms(202_000)).iter().map(|said| said.port).collect();
    assert_eq!(ports, [tag(&control, "red/dev:vm1")]);
}

#[test]
fn test_who_asks_over_a_link_is_not_answered_across_it() {
    let mut control = announced();
    let ends = [port("blue:up"), port("red:down")];
    control.handle_request(Request::LinkAdd { ends, mtu: None, routers: false }).unwrap();
    ask(&mut control, "red:down", ms(1000));
    assert_eq!(
        (control.next_due(), said(&mut control, ms(2000))),
        (None, vec![]),
        "red's routers are not heard in blue"
    );
}

#[test]
fn test_without_delay_a_host_is_answered_at_once_and_with_one_within_it() {
    let mut control = announced();
    set(&mut control, "red", AnswerPolicy::Always, 0);
    ask(&mut control, "red:vm1", ms(50_000));
    assert_eq!(said(&mut control, ms(50_000)).len(), 1);
    set(&mut control, "red", AnswerPolicy::Always, 200);
    let mut dues = std::collections::BTreeSet::new();
    for round in 0..20 {
        let asked = ms(60_000 + 1000 * round);
        ask(&mut control, "red:vm1", asked);
        let due = control.next_due().unwrap();
        assert!((asked..=asked + Duration::from_millis(200)).contains(&due));
        dues.insert(due.as_nanos() - asked.as_nanos());
        assert_eq!(said(&mut control, due).len(), 1);
    }
    assert!(dues.len() > 10, "at random moments");
}

#[test]
fn test_a_guest_that_comes_is_greeted_and_a_router_is_not() {
    let mut control = announced();
    control.greet(&port("red:vm1"), ms(100_000));
    control.greet(&port("red:r1"), ms(100_000));
    control.greet(&port("red/dev:vm1"), ms(100_000));
    control.greet(&port("blue:nobody"), ms(100_000));
    let own = control.desired().port(&port("red:vm1")).unwrap().mac;
    let told = said(&mut control, ms(101_000));
    assert_eq!(
        told.iter().map(|said| (said.port, said.to)).collect::<Vec<_>>(),
        [(tag(&control, "red:vm1"), (own, ALL_NODES))]
    );
}

#[test]
fn test_a_guest_that_lands_twice_within_three_seconds_is_told_at_once_each_time() {
    let mut control = announced();
    let (vm, router) = (tag(&control, "red:vm1"), tag(&control, "red:r1"));
    for landing in [100_000, 100_700] {
        control.landed(vm, ms(landing));
        control.landed(router, ms(landing));
        let told = said(&mut control, ms(landing));
        let own = control.desired().port(&port("red:vm1")).unwrap().mac;
        assert_eq!(told.iter().map(|said| (said.port, said.to)).collect::<Vec<_>>(), [(vm, (own, ALL_NODES))]);
    }
    let told: usize = (0..1000).map(|nth| (vm, ms(100_700 + nth))).fold(0, |told, (vm, now)| {
        control.landed(vm, now);
        told + said(&mut control, now).len()
    });
    assert!(told < pvd::limits::PORT_LANDINGS as usize, "whoever lands without end is not told without end: {told}");
}

#[test]
fn test_nobody_hears_of_a_router_that_has_gone_or_said_goodbye() {
    let mut control = announced();
    ask(&mut control, "red:vm1", ms(1000));
    hear(&mut control, "red:r1", &lasting(Some("a.example"), 1, 0), 1);
    assert_eq!(said(&mut control, ms(2000)), [], "a lifetime of zero says that there is none");
    let mut control = announced();
    ask(&mut control, "red:vm1", ms(1000));
    control.handle_request(Request::PortDel { port: port("red:r1"), force: true }).unwrap();
    assert_eq!(said(&mut control, ms(2000)), []);
    let mut control = announced();
    ask(&mut control, "red:vm1", ms(1000));
    control.handle_request(Request::PortDel { port: port("red:vm1"), force: true }).unwrap();
    assert_eq!((said(&mut control, ms(2000)), control.next_due()), (vec![], None));
    let mut control = announced();
    ask(&mut control, "red:vm1", ms(1000));
    let all = Request::NamespaceDel { path: path("red"), recursive: true, force: true };
    control.handle_request(all).unwrap();
    assert_eq!((said(&mut control, ms(2000)), control.next_due()), (vec![], None));
}

#[test]
fn test_what_is_too_long_for_a_port_comes_in_parts_that_name_the_pvd() {
    let mut control = routed();
    control.handle_request(Request::PortAdd(name("narrow"), PortSpec { mtu: 1280, ..spec("narrow", "red") })).unwrap();
    let long = super::learning::long("a.example", 60, 1800);
    assert!(long.len() > 1280);
    hear(&mut control, "red:r1", &long, 0);
    ask(&mut control, "red:narrow", ms(1000));
    let told = said(&mut control, ms(2000));
    assert!(told.len() > 1 && told.iter().all(|said| said.len <= 1280), "{told:?}");
    assert_eq!(told.iter().map(|said| said.prefix.len()).sum::<usize>(), 60);
}

#[test]
fn test_hosts_are_told_that_a_pvd_is_deleted_and_nobody_else_is() {
    let mut control = routed();
    let key = PvdKey { namespace: path("red"), name: "work.example".parse().unwrap() };
    let said_so = Announcement { router: ROUTER, mac: MacAddr([2, 0, 0, 0, 0, 9]), lifetime: 1800, inner: false };
    let mut work = Statement { announcement: Some(said_so), ..Statement::default() };
    FactList::Prefixes.set(&mut work, &["2001:db8:77::/64"]).unwrap();
    control.handle_request(Request::PvdAdd(key.clone(), work)).unwrap();
    assert_eq!(control.next_due(), None);
    control.handle_request(Request::PvdDel(key)).unwrap();
    let mut rounds = 0;
    while let Some(due) = control.next_due() {
        let told = said(&mut control, due.max(ms(1000 + 3000 * rounds)));
        let to = (MacAddr([0x33, 0x33, 0, 0, 0, 1]), ALL_NODES);
        let all: Vec<_> = told.iter().map(|said| (said.port, said.to, said.router, said.prefix.clone())).collect();
        assert_eq!(all, [(tag(&control, "red:vm1"), to, 0, vec![0])]);
        rounds += 1;
    }
    assert_eq!(rounds, u64::from(pvd::FAREWELL_TIMES));
}

/// The configuration has changed between two processes, and the first was stopped before it had told of what it had deleted.
#[test]
fn test_what_an_earlier_process_announced_is_taken_back() {
    let key = |name: &str| PvdKey { namespace: path("red"), name: name.parse().unwrap() };
    let said_so = Announcement { router: ROUTER, mac: MacAddr([2, 0, 0, 0, 0, 9]), lifetime: 1800, inner: false };
    let mut before = routed();
    for (name, prefix) in
        [("a.example", "2001:db8:a::/64"), ("b.example", "2001:db8:b::/64"), ("c.example", "2001:db8:c::/64")]
    {
        let mut work = Statement { announcement: Some(said_so), ..Statement::default() };
        FactList::Prefixes.set(&mut work, &[prefix]).unwrap();
        before.handle_request(Request::PvdAdd(key(name), work)).unwrap();
    }
    before.handle_request(Request::PvdDel(key("a.example"))).unwrap();
    let announced = before.announced();
    let names: Vec<_> = announced.iter().map(|(key, _)| key.name.to_string()).collect();
    assert_eq!(names, ["b.example.", "c.example.", "a.example."]);
    let mut desired = before.desired().clone();
    desired.del_pvd(&key("b.example")).unwrap();
    let mut again = Control::restored(1, BTreeMap::new(), before.numbers());
    again.handle_tick(ms(1000));
    again.handle_request(Request::Apply(desired)).unwrap();
    again.take_back_announced(&announced);
    assert_eq!(again.announced().len(), 3, "it may be stopped as well");
    let mut rounds = 0;
    while let Some(due) = again.next_due() {
        assert!(due >= ms(4000), "guests come back first");
        let told = said(&mut again, due);
        assert!(told.iter().all(|said| said.port == tag(&again, "red:vm1") && said.prefix == [0]), "{told:?}");
        assert!(
            told.iter().all(|said| said.router == 1800),
            "which is announced in the name of the same router: {told:?}"
        );
        assert_eq!(told.len(), 2, "of two, and not of the one that stays");
        rounds += 1;
    }
    assert_eq!((rounds, again.announced().len()), (u64::from(pvd::FAREWELL_TIMES), 1));
    let mut gone = Control::restored(1, BTreeMap::new(), before.numbers());
    gone.take_back_announced(&announced);
    assert_eq!(gone.next_due(), None, "of a namespace that is gone nobody is left");
}

#[test]
fn test_nothing_is_announced_in_the_name_of_a_router_that_is_known() {
    let mut control = announced();
    let key = PvdKey { namespace: path("red"), name: "work.example".parse().unwrap() };
    let named = |router| {
        let mac = MacAddr([2, 0, 0, 0, 0, 9]);
        Statement {
            announcement: Some(Announcement { router, mac, lifetime: 0, inner: false }),
            ..Statement::default()
        }
    };
    let why = control.handle_request(Request::PvdAdd(key.clone(), named(ROUTER))).unwrap_err();
    assert!(matches!(&why, Refusal::Conflict { .. }) && why.to_string().contains("fe80::1"), "{why}");
    control.handle_request(Request::PvdAdd(key.clone(), named(HOST))).unwrap();
    control.handle_request(Request::PvdSet(key, named(ROUTER))).unwrap_err();
    let elsewhere = PvdKey { namespace: path("blue"), name: "work.example".parse().unwrap() };
    control.handle_request(Request::PvdAdd(elsewhere, named(ROUTER))).unwrap();
}
