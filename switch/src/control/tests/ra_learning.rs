// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! RA guard that learns: what a port's router has to show, what it may say then, and what becomes of that.

use super::learning::{ROUTER, add_router, advert, at, hear, pvds, tag};
use super::*;
use crate::lane::LaneSpec;
use crate::mediation::MediationEdit;
use crate::ra_guard::RaGuardEdit;
use crate::ra_learning::{RaGuardState, RaLearningView, RoutersFound};
use crate::snoop::{Ignored, Snooped};
use core::net::Ipv6Addr;
use dataplane::{DropReason, Emission};
use wire::EtherHeader;
use wire::nd::{NdMessage, NdPacket};

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);

/// The switch with a link between red and blue, at whose end `red:r1` somebody is at once.
fn linked() -> Control {
    let mut control = switch();
    let (ends, mtu, routers) = ([port("red:r1"), port("blue:r1")], None, true);
    control.handle_request(Request::LinkAdd { ends, mtu, routers }).unwrap();
    control
}

fn edit(edit: MediationEdit) -> Request {
    Request::PortSet(port("red:r1"), PortChange { mediation: edit, ..PortChange::default() })
}

fn learn(seconds: u64) -> Request {
    let span = (seconds > 0).then(|| Duration::from_secs(seconds));
    edit(MediationEdit { learn: Some(span), ..MediationEdit::default() })
}

fn relearn() -> Request {
    edit(MediationEdit { relearn: true, ..MediationEdit::default() })
}

fn prefixes(text: &str) -> Request {
    let guard = RaGuardEdit { prefixes: Some([text.parse().unwrap()].into()), ..RaGuardEdit::default() };
    edit(MediationEdit { guard, ..MediationEdit::default() })
}

fn view(control: &Control) -> RaLearningView {
    control.operator().port(&"red:r1".parse().unwrap()).unwrap().ra_learning
}

fn found() -> RoutersFound {
    let prefixes = ["2001:db8:1::/64".parse().unwrap()].into();
    RoutersFound { routers: [ROUTER].into(), macs: [MAC].into(), prefixes }
}

fn guarded(heard: Snooped) -> DropReason {
    match heard {
        Snooped::Ignored(Ignored::Guarded(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// Lets the span of ten seconds pass that begins at this second.
fn pass(control: &mut Control, from: u64) {
    control.handle_tick(at(from));
    control.handle_tick(at(from + 10));
}

/// What is decided after this was heard.
fn decided(heard: Option<&[u8]>) -> Control {
    let mut control = linked();
    control.handle_request(learn(10)).unwrap();
    if let Some(frame) = heard {
        assert_eq!(guarded(hear(&mut control, "red:r1", frame, 1)), DropReason::RaLearning);
    }
    assert!(pvds(&control, "red").is_empty(), "nobody is taught meanwhile");
    pass(&mut control, 1);
    control
}

#[test]
fn test_a_router_that_was_heard_is_heard_and_no_other() {
    let mut control = decided(Some(&advert(None, 1)));
    assert_eq!(view(&control), RaLearningView { state: RaGuardState::Forwarding, left: None, found: found() });
    assert!(matches!(hear(&mut control, "red:r1", &advert(None, 1), 20), Snooped::Learnt(..)));
    assert_eq!(guarded(hear(&mut control, "red:r1", &advert(None, 2), 20)), DropReason::RaPrefix);
    control.handle_request(prefixes("2001:db8:2::/48")).unwrap();
    assert!(pvds(&control, "red").is_empty(), "an operator's rules hold beside what was learnt");
    assert_eq!(guarded(hear(&mut control, "red:r1", &advert(None, 1), 21)), DropReason::RaPrefix);
}

#[test]
fn test_where_no_router_was_heard_none_is_until_an_operator_says_so() {
    let mut control = decided(None);
    assert_eq!(view(&control).state, RaGuardState::Blocking);
    assert_eq!(guarded(hear(&mut control, "red:r1", &advert(None, 1), 20)), DropReason::RaBlocked);
    pass(&mut control, 100);
    assert_eq!(view(&control).state, RaGuardState::Blocking);
    control.handle_request(relearn()).unwrap();
    assert_eq!(view(&control).left, Some(Duration::from_secs(10)));
    hear(&mut control, "red:r1", &advert(None, 1), 120);
    pass(&mut control, 120);
    assert_eq!(view(&control).state, RaGuardState::Forwarding);
    control.handle_request(learn(0)).unwrap();
    assert_eq!(view(&control), RaLearningView::default());
    assert!(matches!(hear(&mut control, "red:r1", &advert(None, 2), 140), Snooped::Learnt(..)));
}

#[test]
fn test_what_was_taught_before_stays_until_it_is_decided_and_then_only_what_was_confirmed() {
    for (again, expected) in [(Some(1), 1), (Some(2), 0), (None, 0)] {
        let mut control = linked();
        hear(&mut control, "red:r1", &advert(None, 1), 1);
        control.handle_request(learn(10)).unwrap();
        assert_eq!(pvds(&control, "red").len(), 1);
        again.iter().for_each(|prefix| drop(hear(&mut control, "red:r1", &advert(None, *prefix), 2)));
        pass(&mut control, 2);
        assert_eq!(pvds(&control, "red").len(), expected, "{again:?}");
    }
}

#[test]
fn test_what_was_decided_holds_after_a_restart_and_a_new_port_begins_anew() {
    let mut before = decided(Some(&advert(None, 1)));
    actions(&mut before);
    let saved = before.routers_found();
    assert_eq!(saved, [(port("red:r1"), found())].into());
    let mut control = Control::new(1, BTreeMap::new());
    control.restore_routers(saved);
    control.handle_request(Request::Apply(before.desired().clone())).unwrap();
    assert_eq!(view(&control).state, RaGuardState::Forwarding);
    assert_eq!(guarded(hear(&mut control, "red:r1", &advert(None, 2), 1)), DropReason::RaPrefix);
    let next = control.desired().clone();
    control.handle_request(Request::LinkDel(port("red:r1"))).unwrap();
    control.handle_request(Request::Apply(next)).unwrap();
    assert_eq!(view(&control).state, RaGuardState::Learning);
    assert!(control.routers_found().is_empty());
}

#[test]
fn test_what_is_decided_is_stored_and_what_is_refused_changes_nothing() {
    let mut control = linked();
    control.handle_request(learn(10)).unwrap();
    actions(&mut control);
    pass(&mut control, 1);
    assert_eq!(actions(&mut control), ["save"]);
    control.handle_tick(at(30));
    assert!(actions(&mut control).is_empty());
    let as_host = |request| match request {
        Request::PortSet(port, change) => Request::PortSet(port, PortChange { role: Some(Role::Host), ..change }),
        other => other,
    };
    for refused in [learn(3601), as_host(relearn()), as_host(learn(10))] {
        let why = control.handle_request(refused).unwrap_err().to_string();
        assert!(why.starts_with("ra-guard-learn: "), "{why}");
        assert_eq!(view(&control).state, RaGuardState::Blocking);
    }
    control.handle_request(relearn()).unwrap();
    assert_eq!(actions(&mut control), ["save"], "though nothing differs");
    control.handle_request(learn(0)).unwrap();
    let why = control.handle_request(relearn()).unwrap_err().to_string();
    assert!(why.starts_with("ra-guard-relearn: "), "{why}");
}

#[test]
fn test_a_guest_that_is_not_there_is_waited_for() {
    let mut control = switch();
    add_router(&mut control, "red", "r1");
    control.handle_request(learn(10)).unwrap();
    pass(&mut control, 1);
    pass(&mut control, 100);
    assert_eq!(view(&control).left, Some(Duration::from_secs(10)));
    assert_ne!(tag(&control, "red:r1"), tag(&control, "red:vm1"));
}

/// The seconds of these in which routers are asked for, and that it is done as it should.
fn questions(control: &mut Control, seconds: std::ops::Range<u64>) -> Vec<u64> {
    let own = control.desired().port(&port("red:r1")).unwrap().mac;
    let asked = seconds.filter(|second| {
        control.handle_tick(at(*second));
        let frames = control.take_emissions();
        for Emission { port, frame } in &frames {
            assert_eq!(port.tag(), tag(control, "red:r1"));
            let ether = EtherHeader::parse(frame).unwrap();
            assert_eq!(ether.dst, MacAddr([0x33, 0x33, 0, 0, 0, 2]));
            assert!(ether.src != own && !ether.src.is_multicast());
            // This judges hop limit and checksum, too.
            let packet = NdPacket::validate(&frame[ether.l3..]).unwrap();
            assert_eq!((packet.src, packet.dst), (Ipv6Addr::UNSPECIFIED, "ff02::2".parse().unwrap()));
            let NdMessage::Solicit(message) = packet.message else { panic!("no solicitation") };
            assert_eq!(message.source_link_layer(), None, "there is none without an address (RFC 4861 section 4.1)");
        }
        !frames.is_empty()
    });
    asked.collect()
}

#[test]
fn test_routers_are_asked_for_while_it_learns_three_times_four_seconds_apart() {
    let mut control = switch();
    let lane = LaneSpec::Packet { netdev: "eth0".into() };
    let uplink = PortSpec { role: Role::Uplink, ..PortSpec::device(&name("r1"), path("red"), lane) };
    control.handle_request(Request::PortAdd(name("r1"), uplink)).unwrap();
    assert!(questions(&mut control, 0..10).is_empty(), "nothing is to be learnt");
    control.handle_request(learn(20)).unwrap();
    // Nobody is there who could hear it.
    add_router(&mut control, "red", "r2");
    let change = MediationEdit { learn: Some(Some(Duration::from_secs(20))), ..MediationEdit::default() };
    let change = PortChange { mediation: change, ..PortChange::default() };
    control.handle_request(Request::PortSet(port("red:r2"), change)).unwrap();
    assert_eq!(questions(&mut control, 10..60), [10, 14, 18]);
    assert_eq!(view(&control).state, RaGuardState::Blocking);
    control.handle_request(relearn()).unwrap();
    control.handle_request(learn(6)).unwrap();
    assert_eq!(questions(&mut control, 60..90), [60, 64], "what is decided needs no more questions");
}

#[test]
fn test_nobody_is_asked_over_a_link() {
    let mut control = linked();
    control.handle_request(learn(20)).unwrap();
    assert!(questions(&mut control, 0..30).is_empty());
}
