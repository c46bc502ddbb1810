// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports whose guests are at another switch, or on their way there.

use std::sync::Arc;

use dataplane::{DropReason, LaneSet, MacPolicy, Port, PortSlot, Role, Steering};
use tests::rig::{Moved, PortOptions, Rig, mac};
use wire::MacAddr;

use super::numbered;

const PEER: MacAddr = MacAddr([2, 0, 0, 0, 9, 9]);
const NESTED: MacAddr = MacAddr([2, 0, 0, 0, 7, 7]);

/// A guest that stays, one that moves, and an uplink.
fn scene() -> Rig {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    rig.add(0, &PortOptions { macs: MacPolicy::Any, ..PortOptions::with_role(Role::Uplink) });
    rig
}

fn moving(rig: &mut Rig) -> Arc<Port> {
    Arc::clone(rig.port(1).port())
}

fn frames(to: MacAddr, from: MacAddr, numbers: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    numbers.map(|number| numbered(to, from, number, 100)).collect()
}

/// The guest's rings stop as its session stops them.
fn stop(rig: &mut Rig) {
    let now = rig.now();
    moving(rig).pause(0, now);
    rig.stop(1);
}

#[test]
fn a_guest_that_has_not_come_yet_is_behind_the_uplinks() {
    let mut rig = scene();
    rig.stop(1);
    moving(&mut rig).set_away(true);
    rig.namespace(0).fdb().add_static(NESTED, PortSlot(1)).unwrap();
    for to in [mac(1), NESTED] {
        rig.send(0, &numbered(to, mac(0), 1, 100));
        assert_eq!(rig.received(2).len(), 1, "it follows the guest");
        rig.moved(2);
        rig.send(2, &numbered(to, PEER, 2, 100));
        assert_eq!(rig.moved(2), Moved::sent(1, 100).dropped(DropReason::GuestAway, 1), "and is not sent back");
        rig.send(2, &numbered(mac(0), to, 3, 100));
        assert_eq!(rig.received(0).len(), 1, "it speaks from there");
    }
    rig.start(1);
    let port = moving(&mut rig);
    rig.namespace(0).take_home(&port);
    for to in [mac(1), NESTED] {
        rig.send(0, &numbered(to, mac(0), 4, 100));
        assert_eq!((rig.received(1).len(), rig.received(2).len()), (1, 0), "it has come");
    }
}

#[test]
fn what_comes_while_a_guest_is_on_its_way_follows_it_in_order_and_nothing_twice() {
    let mut rig = scene();
    moving(&mut rig).set_leaving(true);
    rig.send(2, &numbered(mac(0), PEER, 0, 100));
    rig.received(0);
    stop(&mut rig);
    let mine = frames(mac(1), mac(0), 0..5);
    rig.send_all(0, &mine);
    rig.send(2, &numbered(mac(1), PEER, 7, 100));
    rig.send(0, &numbered(MacAddr::BROADCAST, mac(0), 8, 100));
    assert_eq!(rig.received(2), [numbered(MacAddr::BROADCAST, mac(0), 8, 100)], "who is outside has had that");
    // It is heard there.
    rig.send(2, &numbered(mac(0), mac(1), 9, 100));
    assert_eq!(rig.received(2), mine);
    assert_eq!(rig.received(0), [numbered(mac(0), mac(1), 9, 100)]);
    let later = frames(mac(1), mac(0), 5..7);
    rig.send_all(0, &later);
    assert_eq!(rig.received(2), later);
    assert_eq!(rig.moved(1), Moved::default().dropped(DropReason::PortDown, 2), "the peer's and the broadcast");
}

#[test]
fn what_comes_for_a_guest_that_stays_after_all_waits_for_it() {
    let mut rig = scene();
    let port = moving(&mut rig);
    port.set_leaving(true);
    stop(&mut rig);
    let all = frames(mac(1), mac(0), 0..5);
    rig.send_all(0, &all[..4]);
    rig.start(1);
    assert!(port.resume());
    rig.send_all(0, &all[4..]);
    assert!(rig.received(1).is_empty(), "nobody overtakes");
    let now = rig.now();
    assert!(port.release(now));
    assert_eq!(rig.received(1), all);
    assert!(!port.resume(), "once");
    rig.moved(1);
    port.set_leaving(false);
    stop(&mut rig);
    rig.send_all(0, &all);
    assert_eq!(rig.moved(1).drops, [(DropReason::PortDown, 5)], "nobody waits for a guest that is not on its way");
}

/// A VMM takes its VF from such a guest before it moves it, and may put it back.
#[test]
fn what_comes_for_a_guest_of_two_lanes_on_its_way_waits_and_control_steers_what_comes_after() {
    for stays in [false, true] {
        let mut rig = scene();
        let far = rig.add_lane(1, 0);
        let port = moving(&mut rig);
        port.set_leaving(true);
        port.steer_lanes(Steering::all(LaneSet::BOTH));
        stop(&mut rig);
        let waiting = frames(mac(1), mac(0), 0..3);
        rig.send_all(0, &waiting);
        port.steer_lanes(Steering::default());
        rig.send(0, &numbered(mac(1), mac(0), 3, 100));
        assert_eq!(
            (far.received().len(), rig.moved(1)),
            (0, Moved::default()),
            "it waits, whatever control says meanwhile"
        );
        let all = frames(mac(1), mac(0), 0..4);
        if stays {
            rig.start(1);
            assert!(port.resume() && port.release(rig.now()), "it goes where control wants it now");
            assert_eq!(rig.received(1), all);
        } else {
            rig.send(2, &numbered(mac(0), mac(1), 9, 100));
            assert_eq!(rig.received(2), all, "it follows the guest");
        }
        assert_eq!((port.steering(), port.is_held(), far.received().len()), (Steering::default(), false, 0));
    }
}

/// Its VF may be taken from it while its rings are being stopped.
#[test]
fn what_control_wants_held_meanwhile_is_held_when_the_guest_is_elsewhere() {
    let mut rig = scene();
    rig.add_lane(1, 0);
    let port = moving(&mut rig);
    port.set_leaving(true);
    port.steer_lanes(Steering::all(LaneSet::BOTH));
    stop(&mut rig);
    port.steer_lanes(Steering::HELD);
    rig.send(2, &numbered(mac(0), mac(1), 9, 100));
    assert!(port.is_held() && !port.wants_release(), "nothing leads there but what control says");
    port.steer_lanes(Steering::default());
    assert!(port.wants_release() && port.release(rig.now()) && !port.is_held());
}
