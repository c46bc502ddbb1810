// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports that go from one switch to another: what they take along, what is refused, and where they stand.

use super::learning::{ROUTER, add_router, advert, at, hear, lasting, pvds, ras, routed};
use super::stated::said;
use super::*;
use crate::handover::{Handover, Landed, Missing, Move, MoveId, Passage, RaLeft};
use crate::stated::PvdKey;

pub(super) fn id(number: u64) -> MoveId {
    MoveId { number, secret: 7 }
}

/// Where a move of vm1 begins: in red/dev, of which a router has said something.
pub(super) fn source() -> Control {
    let mut control = routed();
    for vm in ["vm0", "vm2"] {
        control.handle_request(Request::PortAdd(name(vm), spec(vm, "red/dev"))).unwrap();
    }
    let mut moving = PortSpec { mtu: 1400, queue_pairs: 2, ..spec("vm1", "red/dev") };
    limited(1000).into_iter().for_each(|(limit, rate)| moving.limits.set(limit, rate));
    control.handle_request(Request::PortAdd(name("vm1"), moving)).unwrap();
    control.handle_offered(&port("red/dev:vm1"), 0x31);
    control.handle_request(Request::FdbAdd(key("red/dev", 0x77), name("vm1"))).unwrap();
    hear(&mut control, "red/dev:r1", &advert(None, 1), 0);
    hear(&mut control, "red/dev:r1", &lasting(Some("a.example"), 2, 1000), 0);
    control
}

/// Where it ends: the namespace with an uplink, behind which the same router is.
pub(super) fn destination() -> Control {
    let mut control = switch();
    control.handle_request(Request::NamespaceAdd(path("red/dev"), NamespaceSpec::default())).unwrap();
    let uplink = PortSpec { role: Role::Uplink, macs: MacPolicy::Any, ..spec("up", "red/dev") };
    control.handle_request(Request::PortAdd(name("up"), uplink)).unwrap();
    actions(&mut control);
    control
}

pub(super) fn export(control: &Control, number: u64, seconds: u64) -> Move {
    control.export_port(&port("red/dev:vm1"), id(number), at(seconds)).unwrap()
}

pub(super) fn import(control: &mut Control, moved: &Move, way: u64) -> Result<Landed, Refusal> {
    let port = control.import_port(moved, Missing::Refused)?;
    let learnt =
        if port.already { Landed::default() } else { control.import_learnt(moved, Duration::from_secs(way), at(5)) };
    Ok(Landed { already: port.already, pvds: port.pvds, ..learnt })
}

pub(super) fn standing(control: &Control) -> Option<Handover> {
    control.operator().port(&"red/dev:vm1".parse().unwrap()).unwrap().handover
}

#[test]
fn test_a_port_takes_along_what_its_guest_knows_and_is_staged() {
    let (source, mut there) = (source(), destination());
    let moved = export(&source, 1, 40);
    assert_eq!((moved.numbers.port.as_slice(), moved.offered, moved.entries.len()), (&[4, 6][..], 0x31, 1));
    let landed = import(&mut there, &moved, 20).unwrap();
    assert_eq!(landed, Landed { learnt: 2, ..Landed::default() });
    let view = there.operator().port(&"red/dev:vm1".parse().unwrap()).unwrap();
    assert_eq!(view.spec, moved.spec);
    let base = there.operator().observer(&path("red/dev")).unwrap();
    assert_eq!(there.view(base).unwrap().port(&name("vm1").into()).unwrap().number, 4, "its tenant knows it so");
    assert_eq!(standing(&there), Some(Handover::Staged));
    assert_eq!(actions(&mut there), ["open red/dev:vm1 0x31", "save", "save"], "its features never shrink");
    assert_eq!(pvds(&there, "red/dev"), ["a.example.", "fe80::1%up"], "behind the port here that leads there");
    assert!(macs(&there, "red/dev").contains(&"02:00:00:00:00:77 vm1 Static".to_owned()));
    assert_eq!(standing(&source), None, "the source has given nothing up");
}

#[test]
fn test_lifetimes_go_on_while_they_are_on_the_way() {
    let (source, mut there) = (source(), destination());
    let moved = export(&source, 1, 40);
    // Of 100 s and 1000 s, 60 s have passed when they land.
    import(&mut there, &moved, 20).unwrap();
    there.handle_tick(at(5 + 39));
    assert_eq!(ras(&there, "red/dev").len(), 2);
    there.handle_tick(at(5 + 41));
    assert_eq!(pvds(&there, "red/dev"), ["a.example."]);
    let mut late = destination();
    let landed = import(&mut late, &moved, 61).unwrap();
    assert_eq!((landed.learnt, landed.refused), (1, 1), "what has ended on the way is nothing any more");
}

#[test]
fn test_only_what_is_lacking_is_learnt() {
    let (mut source, mut there) = (source(), destination());
    let both = PvdKey { namespace: path("red/dev"), name: "both.example".parse().unwrap() };
    let one = PvdKey { name: "one.example".parse().unwrap(), ..both.clone() };
    for key in [&both, &one] {
        source.handle_request(Request::PvdAdd(key.clone(), said(&[]))).unwrap();
    }
    let own = said(&["2001:db8:9::/64"]);
    there.handle_request(Request::PvdAdd(both.clone(), own.clone())).unwrap();
    // The same router is heard here, of one PvD.
    hear(&mut there, "red/dev:up", &lasting(Some("a.example"), 9, 50), 1);
    let landed = import(&mut there, &export(&source, 1, 1), 0).unwrap();
    assert_eq!(landed, Landed { learnt: 1, known: 1, pvds: 1, ..Landed::default() });
    assert_eq!(there.desired().pvd(&both), Ok(&own), "what is said here holds here");
    let view = there.operator();
    let kept = view.ras(&path("red/dev"), 0, 9).unwrap();
    assert_eq!(kept.iter().filter(|ra| ra.entry.pvd.is_some()).count(), 1);
    assert!(kept.iter().all(|ra| ra.entry.router == ROUTER));
}

#[test]
fn test_routers_are_taken_in_by_the_rules_of_the_port_that_leads_to_them() {
    let source = source();
    let moved = export(&source, 1, 1);
    let refused = |there: &mut Control| import(there, &moved, 0).unwrap().refused;
    let mut nobody = destination();
    nobody.handle_request(Request::PortDel { port: port("red/dev:up"), force: true }).unwrap();
    assert_eq!(refused(&mut nobody), 2, "no port leads to them");
    let mut two = destination();
    let second = PortSpec { role: Role::Uplink, ..spec("up2", "red/dev") };
    two.handle_request(Request::PortAdd(name("up2"), second)).unwrap();
    assert_eq!(refused(&mut two), 2, "who knows which");
    add_router(&mut two, "red/dev", "r1");
    two.handle_request(Request::PortDel { port: port("red/dev:vm1"), force: true }).unwrap();
    assert_eq!(refused(&mut two), 0, "one of that name does");
    let mut ruled = destination();
    let guard =
        crate::ra_guard::RaGuardEdit { pvds: Some(["a.example".parse().unwrap()].into()), ..Default::default() };
    let mediation = crate::mediation::MediationEdit { guard, ..Default::default() };
    let change = PortChange { mediation, ..PortChange::default() };
    ruled.handle_request(Request::PortSet(port("red/dev:up"), change)).unwrap();
    import(&mut ruled, &moved, 0).unwrap();
    let lying = |ra: RaLeft| Move { ras: vec![ra], ..moved.clone() };
    let first = moved.ras[0].clone();
    for ra in [
        RaLeft { octets: Vec::new(), ..first.clone() },
        RaLeft { octets: vec![134; 70_000], ..first.clone() },
        RaLeft { router: "2001:db8::1".parse().unwrap(), ..first.clone() },
        RaLeft { mac: MacAddr::BROADCAST, ..first },
    ] {
        assert_eq!(import(&mut destination(), &lying(ra), 0).unwrap().refused, 1);
    }
}

#[test]
fn test_what_a_move_says_may_be_refused_and_then_nothing_has_changed() {
    let mut source = source();
    let key = PvdKey { namespace: path("red/dev"), name: "one.example".parse().unwrap() };
    source.handle_request(Request::PvdAdd(key, said(&["2001:db8:9::/64"]))).unwrap();
    let good = export(&source, 1, 1);
    let with = |change: fn(&mut Move)| {
        let mut moved = good.clone();
        change(&mut moved);
        moved
    };
    let taken = |there: &mut Control, request| drop(there.handle_request(request).unwrap());
    let mut there = destination();
    taken(&mut there, Request::PortAddAs(name("four"), spec("four", "red/dev"), vec![4]));
    let why = |there: &mut Control, moved: &Move| {
        let before = (there.desired().clone(), there.offered().clone(), ports(there), macs(there, "red/dev"));
        let why = import(there, moved, 0).unwrap_err().to_string();
        let after = (there.desired().clone(), there.offered().clone(), ports(there), macs(there, "red/dev"));
        assert_eq!(after, before, "{why}");
        assert!(actions(there).is_empty() && there.moves().is_empty() && there.plant.away.is_empty(), "{why}");
        assert!(ras(there, "red/dev").is_empty() && pvds(there, "red/dev").iter().all(|pvd| pvd == "two.example."));
        why
    };
    actions(&mut there);
    assert_eq!(why(&mut there, &good), r#"number "4" is in use by another of namespace "red/dev""#);
    let mut there = destination();
    taken(&mut there, Request::PortAdd(name("other"), PortSpec { mac: good.spec.mac, ..spec("other", "red/dev") }));
    actions(&mut there);
    assert!(why(&mut there, &good).contains(r#"is in use by port "red/dev:other""#));
    let mut there = destination();
    taken(&mut there, Request::PortAdd(name("vm1"), spec("vm1", "red/dev")));
    actions(&mut there);
    assert_eq!(why(&mut there, &good), r#"port "red/dev:vm1" exists already"#);
    let mut there = destination();
    let key = PvdKey { namespace: path("red/dev"), name: "two.example".parse().unwrap() };
    taken(&mut there, Request::PvdAdd(key, said(&["2001:db8:9::/64"])));
    actions(&mut there);
    assert!(why(&mut there, &good).contains("two.example"), "the prefix is another's");
    let mut there = destination();
    let large = with(|moved| moved.spec.mtu = 9000);
    let carries =
        r#"mtu: "9000" is not valid (expected 1500 at most, which is what the namespace's uplink here carries)"#;
    assert_eq!(why(&mut there, &large), carries);
    assert!(why(&mut there, &with(|moved| moved.spec.queue_pairs = 9)).starts_with("queues: \"9\""));
    assert!(why(&mut there, &with(|moved| moved.numbers.port = vec![])).starts_with("numbers"));
    assert!(why(&mut there, &with(|moved| moved.numbers.port = vec![4, 5, 6])).starts_with("numbers"));
    assert!(why(&mut there, &with(|moved| moved.numbers.port = vec![0, 1])).contains("number"));
    assert!(why(&mut there, &with(|moved| moved.entries.push(MacAddr::BROADCAST))).contains("entries"));
    assert!(why(&mut there, &with(|moved| moved.entries.push(moved.entries[0]))).contains("exists already"));
    assert!(why(&mut there, &with(|moved| moved.spec.mac = MacAddr([0; 6]))).starts_with("mac"));
    let elsewhere = with(|moved| {
        moved.port = "green:vm1".parse().unwrap();
        moved.spec.namespace = "green".parse().unwrap();
    });
    assert_eq!(import(&mut there, &elsewhere, 0).unwrap_err().to_string(), r#"namespace "green" not found"#);
    let spread = with(|moved| moved.spec.namespace = path("red"));
    assert!(why(&mut there, &spread).starts_with("port"));
    import(&mut there, &good, 0).unwrap();
}

#[test]
fn test_the_same_move_comes_once_and_an_older_one_not_at_all() {
    let (source, mut there) = (source(), destination());
    let first = export(&source, 5, 1);
    import(&mut there, &first, 0).unwrap();
    actions(&mut there);
    let again = import(&mut there, &first, 0).unwrap();
    assert_eq!(again, Landed { already: true, ..Landed::default() });
    assert!(actions(&mut there).is_empty(), "nothing has changed");
    for number in [4, 5] {
        let other = Move { id: MoveId { number, secret: 8 }, ..first.clone() };
        let why = import(&mut there, &other, 0).unwrap_err().to_string();
        assert!(why.contains("exported later than number 5"), "{why}");
        assert!(!why.contains("0007"), "whoever names the move by which it came may speak of its guest: {why}");
    }
    let mut newer = export(&source, 6, 1);
    newer.spec.mtu = 1300;
    import(&mut there, &newer, 0).unwrap();
    assert_eq!(there.desired().port(&port("red/dev:vm1")).unwrap().mtu, 1300, "the guest has not come, so that counts");
}

#[test]
fn test_both_sides_follow_the_guest_and_a_guest_that_comes_back_is_at_home() {
    let (mut source, mut there) = (source(), destination());
    let vm1 = port("red/dev:vm1");
    assert!(source.stay(&vm1).is_err() && source.export_port(&port("red/dev:vm9"), id(1), at(1)).is_err());
    let moved = export(&source, 1, 1);
    import(&mut there, &moved, 0).unwrap();
    assert!(there.export_port(&vm1, id(2), at(1)).is_err() && there.depart(&vm1, id(2)).is_err());
    assert!(there.stay(&vm1).unwrap_err().to_string().contains("weft port del"));
    source.depart(&vm1, moved.id).unwrap();
    assert_eq!(standing(&source), Some(Handover::Leaving));
    source.stay(&vm1).unwrap();
    assert_eq!(standing(&source), None);
    source.depart(&vm1, moved.id).unwrap();
    source.handle_due(at(6));
    assert_eq!(standing(&source), Some(Handover::Leaving), "nobody has heard it elsewhere");
    // What the frame path does and control takes note of, when the guest is heard there and its rings run here.
    gone(&mut source);
    source.depart(&vm1, moved.id).unwrap();
    assert!(source.stay(&vm1).is_err() && source.export_port(&vm1, id(2), at(6)).is_err());
    there.moves.insert(vm1.clone(), Passage { away: false, ..there.moves[&vm1] });
    // And back again, to the port that it has left.
    let device = Arc::clone(&there.plant.port(&vm1).unwrap().device);
    device.set_away(false);
    let (back, other) = (export(&there, 2, 6), export(&there, 3, 6));
    let other = Move { spec: PortSpec { queue_pairs: 1, ..other.spec.clone() }, ..other };
    let why = |source: &mut Control| import(source, &other, 0).unwrap_err().to_string();
    assert!(why(&mut source).contains("comes back as another"));
    import(&mut source, &back, 0).unwrap();
    assert_eq!(standing(&source), Some(Handover::Staged));
    assert!(why(&mut source).contains("a move that came before and differs"), "no guest has been there");
}

#[test]
fn test_a_move_that_cannot_be_had_leaves_the_port_as_it_was_and_may_come_again() {
    let (mut source, mut there) = (source(), destination());
    let (vm1, moved) = (port("red/dev:vm1"), export(&source, 1, 1));
    import(&mut there, &moved, 0).unwrap();
    source.depart(&vm1, moved.id).unwrap();
    gone(&mut source);
    let back = Move { id: id(2), ..moved };
    let before = source.moves().get(&vm1).copied();
    for _ in 0..2 {
        assert!(!import(&mut source, &back, 0).unwrap().already, "it has not come by that");
        assert_eq!(standing(&source), Some(Handover::Staged));
        source.import_failed(&vm1, before);
        assert_eq!(standing(&source), Some(Handover::Moved));
    }
    assert_eq!(source.moves().get(&vm1).copied(), before);
}

/// The guest of vm1 has left.
pub(super) fn gone(control: &mut Control) {
    let vm1 = port("red/dev:vm1");
    control.plant.port(&vm1).unwrap().device.set_away(true);
    control.moves.insert(vm1.clone(), Passage { away: true, ..control.moves[&vm1] });
    assert_eq!(standing(control), Some(Handover::Moved));
}

#[test]
fn test_where_a_move_stands_outlives_a_restart() {
    let (mut source, mut there) = (source(), destination());
    let moved = export(&source, 1, 1);
    import(&mut there, &moved, 0).unwrap();
    source.depart(&port("red/dev:vm1"), moved.id).unwrap();
    let again = |control: &Control| {
        let mut next = Control::restored(1, control.offered().clone(), control.numbers());
        next.restore_moves(control.moves().clone());
        next.handle_request(Request::Apply(control.desired().clone())).unwrap();
        next
    };
    assert_eq!(standing(&again(&source)), Some(Handover::Leaving));
    let mut next = again(&there);
    assert_eq!(standing(&next), Some(Handover::Staged));
    assert!(import(&mut next, &moved, 0).unwrap().already);
    next.handle_request(Request::PortDel { port: port("red/dev:vm1"), force: true }).unwrap();
    assert!(next.moves().is_empty(), "nothing is left of a port that is gone");
}

#[test]
fn test_where_other_routers_are_those_of_before_are_taken_back() {
    let (source, mut there) = (source(), destination());
    let other = "fe80::2".parse().unwrap();
    hear(&mut there, "red/dev:up", &wire::build::advertisement(MacAddr([2, 0, 0, 0, 0, 8]), other, 100, &[]), 1);
    let landed = import(&mut there, &export(&source, 1, 1), 0).unwrap();
    assert_eq!((landed.learnt, landed.refused), (0, 2), "nothing is learnt of another network");
    there.handle_due(at(6));
    assert!(there.take_emissions().is_empty(), "the guest is not here");
    // What control does when its rings run.
    let vm1 = port("red/dev:vm1");
    let withdrawn = there.awaited.withdrawing.remove(&vm1).unwrap();
    let frames = there.plant.take_back(&vm1, withdrawn);
    assert_eq!(frames.len(), 2);
    for emission in frames {
        let packet = wire::nd::NdPacket::validate(&emission.frame[14..]).unwrap();
        let wire::nd::NdMessage::Advert(message) = packet.message else { panic!("an advertisement") };
        assert_eq!((packet.src, message.header.lifetime), (ROUTER, 0));
        assert_eq!(&emission.frame[..6], &there.desired().port(&vm1).unwrap().mac.0, "to that guest alone");
        let advert = pvd::Advert::new(1, packet.src, message).unwrap();
        let mut registry = pvd::Registry::new(pvd::Limits::default(), 1);
        assert_eq!(registry.learn(&advert, Duration::ZERO), Ok(pvd::Learnt::Void), "nothing of it lasts");
    }
}
