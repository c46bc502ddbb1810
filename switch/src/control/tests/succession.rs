// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A switch in another process goes on where this one is: what it is told before the rings stop, and what is told last.

use super::handover::{destination, export, import, source};
use super::learning::{add_router, advert, at, hear, lasting, pvds, ras, routed};
use super::*;
use crate::handover::{Learnt, Rest};
use crate::mediation::MediationEdit;
use crate::ra_learning::{RaGuardState, RaLearningView, RoutersFound};
use dataplane::{DropReason, PortStats, Traffic};

const GUEST: MacAddr = MacAddr([2, 0, 0, 0, 9, 9]);
const LATE: MacAddr = MacAddr([2, 0, 0, 0, 9, 10]);

/// `red:r1` may use any address, and `red:r2` too.
fn scene() -> Control {
    let mut control = routed();
    add_router(&mut control, "red", "r2");
    for router in ["red:r1", "red:r2"] {
        let change = PortChange { macs: Some(MacPolicy::Any), ..PortChange::default() };
        control.handle_request(Request::PortSet(port(router), change)).unwrap();
    }
    control
}

fn seen(control: &Control, mac: MacAddr, at_port: &str, second: u64) {
    let record = control.plant.port(&port(at_port)).unwrap();
    let table = control.plant.set_of(&record.spec.namespace).unwrap().plane();
    table.fdb().learn(mac, record.device.slot(), at(second));
}

fn place(control: &Control, mac: MacAddr) -> Option<String> {
    macs(control, "red").into_iter().find(|one| one.starts_with(&mac.to_string()))
}

/// What is told, `told` first, and what has happened when the rest is.
fn rest_after(before: &mut Control, second: u64, told: &mut Learnt, then: impl FnOnce(&mut Control)) -> Rest {
    *told = before.learnt(at(second));
    told.ras.clear();
    then(before);
    before.rest(told, at(second + 1))
}

#[test]
fn test_what_is_learnt_after_it_was_told_is_known_all_the_same() {
    let (mut before, mut after, mut told) = (scene(), scene(), Learnt::default());
    seen(&before, GUEST, "red:r1", 1);
    hear(&mut before, "red:r1", &advert(Some("a.example"), 1), 1);
    let rest = rest_after(&mut before, 10, &mut told, |before| {
        seen(before, GUEST, "red:r2", 10);
        seen(before, LATE, "red:r1", 10);
        hear(before, "red:r1", &lasting(Some("a.example"), 1, 0), 10);
        hear(before, "red:r1", &advert(Some("b.example"), 2), 10);
    });
    assert_eq!(rest.learnt.macs.values().map(Vec::len).sum::<usize>(), 2, "what was told is not told again");
    after.succeed(&told, Duration::ZERO, at(10));
    assert!(place(&after, GUEST).is_some_and(|place| place.contains(" r1 ")));
    // The rings run again, and somebody has moved on meanwhile.
    seen(&after, LATE, "red:r2", 40);
    after.take_rest(rest, Duration::from_secs(30), at(41));
    assert!(place(&after, GUEST).is_some_and(|place| place.contains(" r2 ")));
    assert!(place(&after, LATE).is_some_and(|place| place.contains(" r2 ")), "where it was seen last");
    assert_eq!(pvds(&after, "red"), ["b.example."], "what was taken back is not there");
    after.handle_tick(at(10 + 99));
    assert_eq!(ras(&after, "red").len(), 1);
    after.handle_tick(at(10 + 101));
    assert!(ras(&after, "red").is_empty(), "of its lifetime the time has passed that it was on the way");
}

#[test]
fn test_all_goes_at_once_where_nothing_was_told_before_or_nothing_follows() {
    let (mut before, mut after) = (scene(), scene());
    hear(&mut before, "red:r1", &advert(None, 1), 1);
    seen(&before, GUEST, "red:r1", 1);
    let told = before.learnt(at(2));
    let rest = before.rest(&told, at(2));
    assert_eq!(rest.learnt, Learnt::default(), "it was told");
    after.succeed(&told, Duration::ZERO, at(2));
    assert_eq!((pvds(&after, "red").len(), place(&after, GUEST).is_some()), (1, true));
    after.take_rest(rest, Duration::ZERO, at(2));
    assert_eq!((pvds(&after, "red").len(), place(&after, GUEST).is_some()), (1, true));
    let rest = before.rest(&Learnt::default(), at(2));
    assert_eq!(rest.learnt, told);
}

fn counted(control: &Control, path: &str) -> PortStats {
    control.plant.port(&port(path)).unwrap().device.stats()
}

fn of_namespace(control: &Control, namespace: &str) -> PortStats {
    control.operator().namespace(&path(namespace)).unwrap().stats
}

#[test]
fn test_counters_go_on_from_where_they_were() {
    let (mut before, mut after) = (scene(), scene());
    let traffic = |frames| Traffic { frames, bytes: 100 * frames };
    let stats = PortStats { rx: traffic(3), tx: traffic(5), software_segments: 7, ..PortStats::default() };
    before.plant.port(&port("red:r1")).unwrap().device.add_stats(&stats);
    before.plant.port(&port("red:r1")).unwrap().device.refuse_router(DropReason::RaBlocked);
    before.plant.port(&port("red:r2")).unwrap().device.add_stats(&stats);
    before.plant.port(&port("red/dev:r1")).unwrap().device.add_stats(&stats);
    before.handle_request(Request::PortDel { port: port("red/dev:r1"), force: true }).unwrap();
    after.handle_request(Request::PortDel { port: port("red:r2"), force: true }).unwrap();
    // It has counted something by itself before it is told.
    after.plant.port(&port("red:r1")).unwrap().device.add_stats(&stats);
    let rest = before.rest(&Learnt::default(), at(1));
    after.take_rest(rest, Duration::ZERO, at(1));
    let now = counted(&after, "red:r1");
    assert_eq!((now.rx, now.tx, now.software_segments), (traffic(6), traffic(10), 14));
    assert_eq!(now.drops.get(DropReason::RaBlocked), 1);
    assert_eq!(counted(&after, "red/dev:r1"), PortStats::default(), "its own are of a port of that name that is gone");
    assert_eq!(of_namespace(&after, "red/dev").rx, traffic(3));
    assert_eq!(of_namespace(&after, "red").rx, traffic(9), "no matter whether a port is here");
    // And so on.
    let mut third = scene();
    third.take_rest(after.rest(&Learnt::default(), at(2)), Duration::ZERO, at(2));
    let totals = ["red", "red/dev", "blue"].map(|namespace| of_namespace(&third, namespace));
    assert_eq!(totals, ["red", "red/dev", "blue"].map(|namespace| of_namespace(&after, namespace)));
}

/// Nobody but `red:r1` leads to a router, by a link, so that somebody is there at once; its guard learns for so long.
fn learning(seconds: u64) -> Control {
    let mut control = switch();
    let (ends, mtu, routers) = ([port("red:r1"), port("blue:r1")], None, true);
    control.handle_request(Request::LinkAdd { ends, mtu, routers }).unwrap();
    let mediation = MediationEdit { learn: Some(Some(Duration::from_secs(seconds))), ..MediationEdit::default() };
    let change = PortChange { mediation, ..PortChange::default() };
    control.handle_request(Request::PortSet(port("red:r1"), change)).unwrap();
    control
}

fn guard(control: &Control) -> RaLearningView {
    control.operator().port(&"red:r1".parse().unwrap()).unwrap().ra_learning
}

#[test]
fn test_a_guard_that_learns_goes_on_learning() {
    let (mut before, mut after) = (learning(10), learning(10));
    before.handle_tick(at(100));
    hear(&mut before, "red:r1", &advert(None, 1), 101);
    before.handle_tick(at(103));
    let rest = before.rest(&Learnt::default(), at(104));
    after.take_rest(rest.clone(), Duration::from_secs(5), at(109));
    let noted = guard(&before).found;
    let expected = |state, left| RaLearningView { state, left, found: noted.clone() };
    assert_eq!(guard(&after), expected(RaGuardState::Learning, Some(Duration::from_secs(6))));
    after.handle_tick(at(110));
    after.handle_tick(at(116));
    assert_eq!(guard(&after), expected(RaGuardState::Forwarding, None), "who was heard there is heard here");
    // Where it is to learn for a shorter time it does, and where it does not learn nothing is noted.
    let mut shorter = learning(3);
    shorter.take_rest(rest.clone(), Duration::ZERO, at(109));
    assert_eq!(guard(&shorter).left, Some(Duration::from_secs(3)));
    let mut other = scene();
    other.take_rest(rest.clone(), Duration::ZERO, at(109));
    assert_eq!(guard(&other), RaLearningView::default());
    // More than a guard ever notes is nothing that it has noted.
    let many = (0..100).map(|number| MacAddr([2, 0, 0, 0, 1, number])).collect();
    let found = RoutersFound { macs: many, ..RoutersFound::default() };
    let lie = Rest { learning: [(port("red:r1"), (Duration::ZERO, found))].into(), ..Rest::default() };
    let mut lied_to = learning(10);
    lied_to.take_rest(lie, Duration::ZERO, at(109));
    assert_eq!(guard(&lied_to).found, RoutersFound::default());
}

#[test]
fn test_a_guest_that_comes_later_is_told_which_routers_are_none_here() {
    let (source, mut there) = (source(), destination());
    let other = "fe80::2".parse().unwrap();
    hear(&mut there, "red/dev:up", &wire::build::advertisement(MacAddr([2, 0, 0, 0, 0, 8]), other, 100, &[]), 1);
    import(&mut there, &export(&source, 1, 1), 0).unwrap();
    let vm1 = port("red/dev:vm1");
    let mut rest = there.rest(&Learnt::default(), at(7));
    assert_eq!(rest.withdrawing[&vm1].len(), 2);
    // A restart knows from its store that the guest has not come.
    let mut after = destination();
    after.restore_moves(there.moves().clone());
    after.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "red/dev"))).unwrap();
    rest.withdrawing.get_mut(&vm1).unwrap()[1].octets.clear();
    let here = [(port("red/dev:up"), rest.withdrawing[&vm1].clone())];
    rest.withdrawing.extend(here);
    after.take_rest(rest.clone(), Duration::ZERO, at(8));
    assert_eq!(after.awaited.withdrawing, [(vm1.clone(), vec![rest.withdrawing[&vm1][0].clone()])].into());
}
