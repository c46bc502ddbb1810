// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Advertisements of which control decides who gets them.

use super::learning::{add_router, advert, at, hear, lasting, pvds, routed, tag};
use super::*;
use crate::mediation::{MediationEdit, injection_of, sight_of};
use crate::second_source::SecondSource;
use crate::snoop::{Ignored, Snooped};
use core::net::Ipv6Addr;
use pvd::{AnswerPolicy, Injection, Mediated};
use wire::nd::{NdMessage, NdPacket, NdRefusal};
use wire::{EtherHeader, build};

const VM: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x11]);
const HOST: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x11);

/// Red with a router and two hosts, red/dev with one of each.
fn scene() -> Control {
    let mut control = routed();
    for (vm, namespace) in [("vm9", "red"), ("vm9", "red/dev")] {
        control.handle_request(Request::PortAdd(name(vm), spec(vm, namespace))).unwrap();
    }
    control
}

fn edit(control: &mut Control, path: &str, mediation: MediationEdit) -> Result<Reply, Refusal> {
    let (port, limits) = (port(path), Vec::new());
    control.handle_request(Request::PortSet(port, PortChange { limits, mediation, ..PortChange::default() }))
}

fn bind(control: &mut Control, path: &str, words: &[&str]) {
    let sight = Some(sight_of(words.iter().copied()).unwrap());
    edit(control, path, MediationEdit { sight, ..MediationEdit::default() }).unwrap();
}

fn inject(control: &mut Control, path: &str, inject: Option<Injection>) {
    edit(control, path, MediationEdit { inject: Some(inject), ..MediationEdit::default() }).unwrap();
}

fn throttle(control: &mut Control, namespace: &str, seconds: Option<u64>) {
    let change = NamespaceChange { ra_throttle: Some(seconds.map(Duration::from_secs)), ..NamespaceChange::default() };
    control.handle_request(Request::NamespaceSet(path(namespace), change)).unwrap();
}

fn work() -> Injection {
    injection_of("work.example").unwrap().unwrap()
}

/// The ports that get something, each with the frame.
fn said(control: &mut Control) -> Vec<(String, Vec<u8>)> {
    let emissions = control.take_emissions();
    let of = |emission: &dataplane::Emission| {
        let owner = control.plant.ports().find(|(_, record)| record.device.tag() == emission.port.tag());
        (owner.unwrap().0.to_string(), emission.frame.clone())
    };
    let mut said: Vec<_> = emissions.iter().map(of).collect();
    said.sort();
    said
}

/// The ports that get an advertisement which the frame path has taken out.
fn reach(control: &mut Control, from: &str, frame: &[u8], now: u64) -> Vec<String> {
    let tag = tag(control, from);
    control.taken(tag, frame, at(now));
    said(control).into_iter().map(|(port, _)| port).collect()
}

fn is_mediated(control: &Control, namespace: &str) -> bool {
    control.plant.set_of(&path(namespace)).unwrap().plane().is_mediated()
}

fn counters(control: &Control, path: &str) -> Mediated {
    control.operator().port_at(&port(path)).unwrap().mediated
}

#[test]
fn test_a_port_gets_advertisements_of_the_pvds_that_it_is_bound_to() {
    let mut control = scene();
    assert!(!is_mediated(&control, "red"), "nobody has asked for it");
    bind(&mut control, "red:vm1", &["a.example"]);
    assert!(is_mediated(&control, "red") && !is_mediated(&control, "red/dev"));
    for (name, ports) in
        [(Some("A.example"), &["red:vm1", "red:vm9"][..]), (Some("b.example"), &["red:vm9"]), (None, &["red:vm9"])]
    {
        let frame = advert(name, 1);
        let tag = tag(&control, "red:r1");
        control.taken(tag, &frame, at(1));
        let expected: Vec<_> = ports.iter().map(|port| ((*port).to_owned(), frame.clone())).collect();
        assert_eq!(said(&mut control), expected, "{name:?}, and not an octet is another");
    }
    assert_eq!(pvds(&control, "red"), ["a.example.", "b.example.", "fe80::1%r1"], "the namespace knows them all");
    bind(&mut control, "red:vm1", &["implicit"]);
    bind(&mut control, "red:vm9", &[]);
    assert_eq!(reach(&mut control, "red:r1", &advert(None, 1), 2), ["red:vm1"]);
    let nobody: [&str; 0] = [];
    assert_eq!(reach(&mut control, "red:r1", &advert(Some("a.example"), 1), 2), nobody);
    let expected = Mediated { heard: 5, sent: 5, hidden: 1, ..Mediated::default() };
    assert_eq!(counters(&control, "red:r1"), expected);
    bind(&mut control, "red:vm1", &["all"]);
    bind(&mut control, "red:vm9", &["all"]);
    assert!(!is_mediated(&control, "red"));
    let late = reach(&mut control, "red:r1", &advert(Some("b.example"), 1), 3);
    assert_eq!(late, ["red:vm1", "red:vm9"], "one that was on its way is not lost");
}

#[test]
fn test_one_that_is_for_one_host_goes_to_that_one() {
    let mut control = scene();
    bind(&mut control, "red:vm9", &["a.example"]);
    let mac = control.operator().port_at(&port("red:vm1")).unwrap().spec.mac;
    let to = |mac: MacAddr| [&mac.0[..], &advert(Some("b.example"), 1)[6..]].concat();
    assert_eq!(reach(&mut control, "red:r1", &to(mac), 1), ["red:vm1"]);
    let nobody: [&str; 0] = [];
    let mac = control.operator().port_at(&port("red:vm9")).unwrap().spec.mac;
    assert_eq!(reach(&mut control, "red:r1", &to(mac), 1), nobody, "who does not see it");
    assert_eq!(reach(&mut control, "red:r1", &to(MacAddr([2, 7, 7, 7, 7, 7])), 1), ["red:vm1"], "whoever that is");
}

#[test]
fn test_repetitions_are_held_back_and_who_asks_gets_them_alone() {
    let mut control = scene();
    throttle(&mut control, "red", Some(10));
    assert!(is_mediated(&control, "red"));
    let frame = lasting(Some("a.example"), 1, 1800);
    let nobody: [&str; 0] = [];
    assert_eq!(reach(&mut control, "red:r1", &frame, 1), ["red:vm1", "red:vm9"]);
    assert_eq!(reach(&mut control, "red:r1", &frame, 2), nobody);
    assert_eq!(reach(&mut control, "red:r1", &lasting(Some("a.example"), 2, 1800), 2), ["red:vm1", "red:vm9"], "news");
    hear(&mut control, "red:vm1", &build::solicitation(VM, HOST), 3);
    let tag = tag(&control, "red:r1");
    control.taken(tag, &frame, at(3));
    let alone = [&VM.0[..], &frame[6..]].concat();
    assert_eq!(said(&mut control), [("red:vm1".to_owned(), alone)], "the packet is as its router sent it");
    assert_eq!(reach(&mut control, "red:r1", &frame, 3), nobody);
    assert_eq!(reach(&mut control, "red:r1", &frame, 11), ["red:vm1", "red:vm9"]);
    assert_eq!(counters(&control, "red:r1"), Mediated { heard: 6, sent: 7, held: 3, ..Mediated::default() });
    let source = control.operator().pvd(&path("red"), "a.example", Duration::from_secs(11)).unwrap().sources.remove(0);
    assert_eq!(source.heard, 6, "the namespace has heard them all");
    throttle(&mut control, "red", None);
    assert!(!is_mediated(&control, "red"));
}

#[test]
fn test_a_router_that_knows_no_pvds_is_given_one() {
    let mut control = scene();
    inject(&mut control, "red:r1", Some(Injection { http: true, sequence: 3, ..work() }));
    assert!(!is_mediated(&control, "red"), "that is of one port alone");
    let frame = lasting(None, 1, 1800);
    let tag = tag(&control, "red:r1");
    control.taken(tag, &frame, at(1));
    let told = said(&mut control);
    assert_eq!(told.iter().map(|(port, _)| port.as_str()).collect::<Vec<_>>(), ["red:vm1", "red:vm9"]);
    let (ether, whole) = (EtherHeader::parse(&told[0].1).unwrap(), &told[0].1);
    let packet = NdPacket::validate(&whole[ether.l3..]).unwrap();
    let NdMessage::Advert(message) = packet.message else { panic!("no advertisement") };
    let option = message.pvd().unwrap().unwrap();
    assert_eq!((option.name.to_string().as_str(), option.sequence, option.nested), ("work.example.", 3, &[][..]));
    assert_eq!(&packet.octets[4..][..frame.len() - 58], &frame[58..], "all else is where it was");
    assert_eq!((&whole[..18], &whole[20..54]), (&frame[..18], &frame[20..54]), "only the packet's length differs");
    assert_eq!(pvds(&control, "red"), ["work.example."], "as hosts know it");
    let source =
        control.operator().pvd(&path("red"), "work.example", Duration::from_secs(1)).unwrap().sources.remove(0);
    assert!(source.flags.injected && source.flags.http);
    assert!(control.operator().ras(&path("red"), 0, 9).unwrap()[0].entry.injected);
    // The router names its PvD itself, signs, or says something that is no advertisement.
    assert_eq!(reach(&mut control, "red:r1", &advert(Some("a.example"), 2), 2), ["red:vm1", "red:vm9"]);
    let mut bad = frame.clone();
    bad[60] ^= 1;
    assert_eq!(control.taken(tag, &bad, at(2)), Snooped::Ignored(Ignored::Packet(NdRefusal::Checksum)));
    let expected = Mediated { heard: 2, sent: 4, injected: 1, invalid: 1, ..Mediated::default() };
    assert_eq!((said(&mut control).len(), counters(&control, "red:r1")), (0, expected));
    inject(&mut control, "red:r1", None);
    assert!(pvds(&control, "red").is_empty(), "what it said before is of another PvD now");
}

#[test]
fn test_what_cannot_be_changed_goes_on_as_it_is() {
    let mut control = scene();
    let signed = build::advertisement(VM, HOST, 1800, &[14, 1, 1, 2, 3, 4, 5, 6]);
    let long = build::advertisement(VM, HOST, 1800, &[[253, 180].as_slice(), &[0; 1438]].concat());
    inject(&mut control, "red:r1", Some(work()));
    let tag = tag(&control, "red:r1");
    for frame in [signed, long] {
        control.taken(tag, &frame, at(1));
        assert_eq!(said(&mut control), ["red:vm1", "red:vm9"].map(|port| (port.to_owned(), frame.clone())));
    }
    assert_eq!(counters(&control, "red:r1").not_injected, 2);
    let tagged = [&advert(None, 1)[..12], &[0x81, 0, 0, 7], &advert(None, 1)[12..]].concat();
    bind(&mut control, "red:vm1", &["implicit"]);
    assert_eq!(reach(&mut control, "red:r1", &tagged, 2), ["red:vm9"], "of a VLAN, for who sees everything");
}

#[test]
fn test_answers_for_routers_are_of_the_pvds_that_a_port_sees() {
    let mut control = scene();
    let change = NamespaceChange {
        answer: Some(AnswerPolicy::Always),
        answer_within: Some(Duration::ZERO),
        ..NamespaceChange::default()
    };
    control.handle_request(Request::NamespaceSet(path("red"), change)).unwrap();
    for pvd in [Some("a.example"), Some("b.example"), None] {
        hear(&mut control, "red:r1", &lasting(pvd, 1, 1800), 1);
    }
    let asked = |control: &mut Control, now| {
        hear(control, "red:vm1", &build::solicitation(VM, HOST), now);
        control.handle_due(at(now));
        said(control).len()
    };
    assert_eq!(asked(&mut control, 2), 3);
    for (now, words, answers) in
        [(3, &["b.example", "implicit"][..], 2), (4, &["c.example"], 0), (5, &[], 0), (6, &["all"], 3)]
    {
        bind(&mut control, "red:vm1", words);
        assert_eq!(asked(&mut control, now), answers, "{words:?}");
    }
}

#[test]
fn test_an_advertisement_that_a_port_does_not_see_keeps_nobody_from_being_answered_there() {
    let mut control = scene();
    bind(&mut control, "red:vm1", &["a.example"]);
    let tag = tag(&control, "red:r1");
    control.taken(tag, &lasting(Some("a.example"), 1, 1800), at(1));
    for (word, answers) in [("b.example", 1), ("a.example", 0)] {
        hear(&mut control, "red:vm1", &build::solicitation(VM, HOST), 10);
        control.taken(tag, &lasting(Some(word), 1, 1800), at(10));
        said(&mut control);
        control.handle_due(at(11));
        assert_eq!(said(&mut control).len(), answers, "{word}");
    }
}

#[test]
fn test_over_a_link_it_comes_out_where_it_may_and_the_other_side_decides() {
    let mut control = scene();
    let ends = ["red:up", "red/dev:down"].map(|end| end.parse::<PortPath>().unwrap());
    control.handle_request(Request::LinkAdd { ends, mtu: None, routers: true }).unwrap();
    add_router(&mut control, "blue", "r1");
    bind(&mut control, "red:vm9", &[]);
    let frame = advert(Some("a.example"), 1);
    assert_eq!(reach(&mut control, "red:r1", &frame, 1), ["red/dev:r1", "red/dev:vm9", "red:vm1"]);
    assert_eq!(pvds(&control, "red/dev"), ["a.example."]);
    bind(&mut control, "red/dev:vm9", &["b.example"]);
    assert_eq!(reach(&mut control, "red:r1", &frame, 2), ["red/dev:r1", "red:vm1"]);
    inject(&mut control, "red/dev:down", Some(work()));
    assert_eq!(reach(&mut control, "red:r1", &advert(None, 1), 2), ["red/dev:r1", "red:vm1"]);
    assert_eq!(pvds(&control, "red/dev"), ["work.example."], "an end has what any port has");
    inject(&mut control, "red/dev:down", None);
    bind(&mut control, "red:up", &["b.example"]);
    assert_eq!(reach(&mut control, "red:r1", &frame, 3), ["red:vm1"]);
    assert_eq!(counters(&control, "red/dev:down").heard, 3);
    bind(&mut control, "red:up", &["all"]);
    let host = Request::PortSet(port("red/dev:down"), PortChange { role: Some(Role::Host), ..PortChange::default() });
    control.handle_request(host).unwrap();
    assert_eq!(reach(&mut control, "red:r1", &frame, 4), ["red:vm1"]);
}

#[test]
fn test_what_control_carries_over_a_link_meets_its_limits_and_teaches_the_table_there() {
    use dataplane::{DropReason, Limit};
    let mut control = scene();
    let ends = ["red:up", "red/dev:down"].map(|end| end.parse::<PortPath>().unwrap());
    control.handle_request(Request::LinkAdd { ends, mtu: Some(1280), routers: true }).unwrap();
    bind(&mut control, "red:vm9", &[]);
    let frame = advert(Some("a.example"), 1);
    let (near, far) = (["red:vm1"], ["red/dev:r1", "red/dev:vm9", "red:vm1"]);
    assert_eq!(reach(&mut control, "red:r1", &frame, 1), far);
    let learned =
        |control: &Control| macs(control, "red/dev").iter().any(|mac| mac.starts_with("02:00:00:00:00:09 down"));
    assert!(learned(&control), "{:?}", macs(&control, "red/dev"));
    let stats = |control: &Control, end: &str| control.operator().port_at(&port(end)).unwrap().stats;
    let moved =
        [stats(&control, "red:up").rx, stats(&control, "red/dev:down").tx].map(|moved| (moved.frames, moved.bytes));
    assert_eq!(moved, [(1, frame.len() as u64); 2]);
    let cases = [
        ("red:up", Limit::RxFrames, DropReason::RxPoliced),
        ("red/dev:down", Limit::TxFrames, DropReason::TxPoliced),
        ("red/dev:down", Limit::FloodFrames, DropReason::FloodPoliced),
    ];
    for (second, (end, limit, reason)) in (10..).zip(cases) {
        limit_port(&mut control, end, limit, Some(Rate { per_second: 1, burst: 1 }));
        assert_eq!(reach(&mut control, "red:r1", &frame, second), far, "{reason}");
        assert_eq!(reach(&mut control, "red:r1", &frame, second), near, "{reason}");
        assert_eq!(stats(&control, end).drops.get(reason), 1);
        limit_port(&mut control, end, limit, None);
    }
    let mut change = NamespaceChange::default();
    change.limits.push((Limit::TxFrames, Some(Rate { per_second: 1, burst: 1 })));
    control.handle_request(Request::NamespaceSet(path("red/dev"), change)).unwrap();
    assert_eq!(reach(&mut control, "red:r1", &frame, 20), far);
    assert_eq!(reach(&mut control, "red:r1", &frame, 20), near);
    assert_eq!(stats(&control, "red/dev:down").drops.get(DropReason::NamespaceTxPoliced), 1);
    let long = super::learning::long("a.example", 50, 100);
    assert_eq!(reach(&mut control, "red:r1", &long, 30), near);
    assert_eq!(stats(&control, "red:up").drops.get(DropReason::TooBig), 1);
}

fn limit_port(control: &mut Control, path: &str, limit: Limit, rate: Option<Rate>) {
    let change = PortChange { limits: vec![(limit, rate)], ..PortChange::default() };
    control.handle_request(Request::PortSet(port(path), change)).unwrap();
}

/// A port that watches gets what is held back from others, and what they do not see.
#[test]
fn test_nothing_is_held_back_from_a_monitor() {
    let mut control = scene();
    bind(&mut control, "red:vm9", &["implicit"]);
    throttle(&mut control, "red", Some(600));
    let watching = PortSpec { role: Role::Monitor, ..spec("eye", "red") };
    control.handle_request(Request::PortAdd(name("eye"), watching)).unwrap();
    let frame = advert(Some("a.example"), 1);
    assert_eq!(reach(&mut control, "red:r1", &frame, 1), ["red:eye", "red:vm1"]);
    assert_eq!(reach(&mut control, "red:r1", &frame, 2), ["red:eye"], "it is a repetition");
    hear(&mut control, "red:eye", &build::solicitation(VM, HOST), 3);
    assert_eq!(reach(&mut control, "red:r1", &frame, 3), ["red:eye"], "and got once");
    assert_eq!(reach(&mut control, "red:eye", &frame, 4), Vec::<String>::new(), "it is no router");
}

fn second(control: &mut Control, policy: SecondSource) {
    let change = NamespaceChange { second_source: Some(policy), ..NamespaceChange::default() };
    control.handle_request(Request::NamespaceSet(path("red"), change)).unwrap();
}

/// The ports from which a PvD is known, those marked that came second.
fn sources(control: &Control, pvd: &str) -> Vec<(String, bool)> {
    let view = control.operator().pvd(&path("red"), pvd, Duration::from_secs(9)).unwrap();
    let port = |source: &crate::SourceView| {
        source.router.as_ref().and_then(|(port, _)| port.as_ref()).map(ToString::to_string)
    };
    view.sources.iter().map(|source| (port(source).unwrap(), source.is_second)).collect()
}

fn seconds(control: &Control) -> u64 {
    control.operator().namespace(&path("red")).unwrap().learnt.second_sources
}

#[test]
fn test_a_second_source_of_a_pvd_is_accepted_told_of_or_denied() {
    let mut control = scene();
    add_router(&mut control, "red", "r2");
    let frame = |n| lasting(Some("a.example"), n, 1800);
    hear(&mut control, "red:r1", &frame(1), 1);
    second(&mut control, SecondSource::Deny);
    assert!(is_mediated(&control, "red"), "what is denied is delivered to nobody");
    let nobody: [&str; 0] = [];
    assert_eq!(reach(&mut control, "red:r2", &frame(2), 2), nobody);
    assert_eq!(reach(&mut control, "red:r1", &frame(1), 2), ["red:r2", "red:vm1", "red:vm9"], "the first is heard");
    assert_eq!(
        reach(&mut control, "red:r2", &lasting(Some("b.example"), 3, 1800), 2).len(),
        3,
        "another PvD is another matter"
    );
    assert_eq!((sources(&control, "a.example"), seconds(&control)), (vec![("r1".to_owned(), false)], 1));
    let told = control.take_second_sources();
    assert_eq!((told.len(), told[0].port.to_string(), told[0].denied), (1, "r2".to_owned(), true));
    second(&mut control, SecondSource::Alert);
    assert!(!is_mediated(&control, "red"));
    hear(&mut control, "red:r2", &frame(2), 3);
    hear(&mut control, "red:r2", &frame(2), 4);
    assert_eq!((seconds(&control), control.take_second_sources().len()), (2, 1), "once when it comes");
    let both = [("r1".to_owned(), false), ("r2".to_owned(), true)];
    assert_eq!(sources(&control, "a.example"), both);
    second(&mut control, SecondSource::Deny);
    assert_eq!(reach(&mut control, "red:r2", &frame(2), 5).len(), 3, "who is known stays");
    assert_eq!(SecondSource::ALL.map(|policy| SecondSource::of(policy.as_str())), SecondSource::ALL.map(Some));
}

#[test]
fn test_a_router_that_floods_causes_so_many_frames_and_is_counted() {
    let mut control = scene();
    bind(&mut control, "red:vm9", &["implicit"]);
    let frame = advert(None, 1);
    let most = pvd::limits::PORT_SENT_AT_ONCE / 2;
    let sent = (0..most + 10).filter(|_| !reach(&mut control, "red:r1", &frame, 1).is_empty()).count() as u64;
    let expected = Mediated { heard: most + 10, sent: 2 * most, beyond: 10, ..Mediated::default() };
    assert_eq!((sent, counters(&control, "red:r1")), (most, expected));
    assert_eq!(reach(&mut control, "red:r1", &frame, 2), ["red:vm1", "red:vm9"], "a second later it is heard again");
}

#[test]
fn test_what_is_refused_has_changed_nothing() {
    let mut control = scene();
    let refused =
        edit(&mut control, "red:vm1", MediationEdit { inject: Some(Some(work())), ..MediationEdit::default() });
    assert!(refused.unwrap_err().to_string().contains("role router"));
    inject(&mut control, "red:r1", Some(work()));
    let host = Request::PortSet(port("red:r1"), PortChange { role: Some(Role::Host), ..PortChange::default() });
    assert!(control.handle_request(host).is_err(), "take what is injected away first");
    let change = NamespaceChange { ra_throttle: Some(Some(Duration::from_secs(1801))), ..NamespaceChange::default() };
    let refused = control.handle_request(Request::NamespaceSet(path("red"), change)).unwrap_err();
    assert!(refused.to_string().contains("1 to 1800"), "{refused}");
    assert!(!is_mediated(&control, "red"));
    assert_eq!(
        reach(&mut control, "red:vm1", &advert(None, 1), 1),
        Vec::<String>::new(),
        "a host's, however it came here"
    );
}

#[test]
fn test_a_new_port_under_an_old_number_sees_what_is_said_of_it() {
    let mut control = scene();
    bind(&mut control, "red:vm9", &[]);
    let mut next = control.desired().clone();
    let vm9 = next.port(&port("red:vm9")).unwrap().clone();
    next.del_port(&port("red:vm9")).unwrap();
    next.add_port(name("vm9"), PortSpec { mac: MacAddr([2, 0, 0, 0, 9, 99]), ..vm9 }).unwrap();
    control.handle_request(Request::Apply(next)).unwrap();
    let frame = lasting(Some("a.example"), 1, 1800);
    assert_eq!(reach(&mut control, "red:r1", &frame, 1), ["red:vm1"]);
    let change = NamespaceChange {
        answer: Some(AnswerPolicy::Always),
        answer_within: Some(Duration::ZERO),
        ..NamespaceChange::default()
    };
    control.handle_request(Request::NamespaceSet(path("red"), change)).unwrap();
    hear(&mut control, "red:vm9", &build::solicitation(VM, HOST), 2);
    control.handle_due(at(2));
    assert_eq!(said(&mut control), []);
    control.handle_request(Request::PortDel { port: port("red:vm9"), force: true }).unwrap();
    assert!(!is_mediated(&control, "red"));
}
