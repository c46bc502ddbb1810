// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Learning, ageing, moving, flooding, static entries.

use std::sync::Arc;
use std::time::Duration;

use dataplane::{DropReason, Kind, MacPolicy, PortSlot, Role};
use tests::rig::{Moved, PortOptions, Rig, mac};
use wire::MacAddr;

use super::frame;

/// A MAC that is no port's own.
const GUEST: MacAddr = MacAddr([2, 0xaa, 0, 0, 0, 1]);
const UNKNOWN: MacAddr = MacAddr([2, 0xbb, 0, 0, 0, 1]);

fn bridging() -> PortOptions {
    PortOptions { macs: MacPolicy::Any, ..PortOptions::default() }
}

/// How many frames each port of the rig got.
fn arrivals(rig: &mut Rig, ports: usize) -> Vec<usize> {
    (0..ports).map(|port| rig.received(port).len()).collect()
}

#[test]
fn a_port_is_reachable_before_it_has_said_anything() {
    let mut rig = Rig::with_ports(3, &PortOptions::default());
    let sent = frame(mac(2), mac(0));
    rig.send(0, &sent);
    assert_eq!(rig.received(2), [sent]);
    assert_eq!(rig.received(1), [[0_u8; 0]; 0]);
    assert_eq!(rig.moved(0), Moved::sent(1, 100));
    assert_eq!(rig.moved(1), Moved::default());
    assert_eq!(rig.moved(2), Moved::received(1, 100));
}

#[test]
fn unknown_and_group_addresses_reach_everybody_else_of_the_namespace_and_nobody_of_another() {
    let mut rig = Rig::with_ports(3, &PortOptions::default());
    let strangers = [rig.add(1, &PortOptions::default()), rig.add(1, &PortOptions::default())];
    for to in [UNKNOWN, MacAddr::BROADCAST, MacAddr([0x33, 0x33, 0, 0, 0, 1]), MacAddr([1, 0, 0x5e, 0, 0, 1])] {
        rig.send(0, &frame(to, mac(0)));
        assert_eq!(arrivals(&mut rig, 5), [0, 1, 1, 0, 0], "{to}");
    }
    // Nor does a frame to the address of a port of another namespace: in this one it is unknown.
    rig.send(0, &frame(mac(3), mac(0)));
    assert_eq!(arrivals(&mut rig, 5), [0, 1, 1, 0, 0]);
    assert!(strangers.iter().all(|&port| rig.moved(port) == Moved::default()));
}

#[test]
fn who_is_alone_reaches_nobody_and_is_told() {
    let mut rig = Rig::with_ports(1, &PortOptions::default());
    rig.send(0, &frame(MacAddr::BROADCAST, mac(0)));
    rig.send(0, &frame(UNKNOWN, mac(0)));
    assert_eq!(rig.moved(0), Moved::sent(2, 200).dropped(DropReason::NoReceiver, 2));
}

#[test]
fn a_frame_to_its_own_port_goes_nowhere() {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    rig.send(0, &frame(mac(0), mac(0)));
    assert_eq!(rig.moved(0), Moved::sent(1, 100).dropped(DropReason::Hairpin, 1));
    assert_eq!(rig.moved(1), Moved::default());
}

#[test]
fn an_address_is_learned_moves_with_its_guest_and_ages() {
    let mut rig = Rig::with_ports(3, &bridging());
    rig.send(1, &frame(mac(0), GUEST));
    rig.received(0);
    rig.send(0, &frame(GUEST, mac(0)));
    assert_eq!(arrivals(&mut rig, 3), [0, 1, 0], "learned");

    rig.send(2, &frame(mac(0), GUEST));
    rig.received(0);
    rig.send(0, &frame(GUEST, mac(0)));
    assert_eq!(arrivals(&mut rig, 3), [0, 0, 1], "moved at once");

    rig.pass(Duration::from_secs(299));
    rig.send(0, &frame(GUEST, mac(0)));
    assert_eq!(arrivals(&mut rig, 3), [0, 0, 1], "still known");
    rig.pass(Duration::from_secs(2));
    rig.send(0, &frame(GUEST, mac(0)));
    assert_eq!(arrivals(&mut rig, 3), [0, 1, 1], "forgotten: being talked to does not keep an address");
}

#[test]
fn talking_keeps_an_address_and_a_shorter_age_forgets_it_sooner() {
    let mut rig = Rig::with_ports(3, &bridging());
    for _ in 0..4 {
        rig.send(1, &frame(mac(0), GUEST));
        rig.pass(Duration::from_secs(200));
    }
    rig.received(0);
    rig.send(0, &frame(GUEST, mac(0)));
    assert_eq!(arrivals(&mut rig, 3), [0, 1, 0], "800 s old, seen 200 s ago");
    rig.namespace(0).set_age(Duration::from_secs(10));
    rig.pass(Duration::from_secs(1));
    rig.send(0, &frame(GUEST, mac(0)));
    assert_eq!(arrivals(&mut rig, 3), [0, 1, 1]);
}

#[test]
fn a_static_entry_neither_ages_nor_moves_and_outlives_a_flush() {
    let mut rig = Rig::with_ports(3, &bridging());
    rig.namespace(0).fdb().add_static(GUEST, PortSlot(1)).unwrap();
    rig.pass(Duration::from_secs(10_000));
    rig.namespace(0).fdb().flush();
    rig.send(2, &frame(mac(0), GUEST));
    assert_eq!(rig.moved(2), Moved::sent(1, 100).dropped(DropReason::SpoofedMac, 1), "pinned to another port");
    rig.send(0, &frame(GUEST, mac(0)));
    assert_eq!(arrivals(&mut rig, 3), [0, 1, 0]);
    rig.send(1, &frame(mac(0), GUEST));
    assert_eq!(arrivals(&mut rig, 3), [1, 0, 0], "its own port may use it");
    assert!(rig.namespace(0).fdb().remove(GUEST));
    rig.send(0, &frame(GUEST, mac(0)));
    assert_eq!(arrivals(&mut rig, 3), [0, 1, 1], "removed means unknown");
}

#[test]
fn a_flush_forgets_what_was_learned_and_no_port() {
    let mut rig = Rig::with_ports(3, &bridging());
    rig.send(1, &frame(mac(0), GUEST));
    rig.received(0);
    assert_eq!(rig.namespace(0).fdb().flush(), 1);
    rig.send(0, &frame(GUEST, mac(0)));
    assert_eq!(arrivals(&mut rig, 3), [0, 1, 1]);
    rig.send(0, &frame(mac(2), mac(0)));
    assert_eq!(arrivals(&mut rig, 3), [0, 0, 1]);
}

#[test]
fn a_port_that_was_unplugged_is_forgotten_with_all_behind_it() {
    let mut rig = Rig::with_ports(3, &bridging());
    rig.send(2, &frame(mac(0), GUEST));
    rig.received(0);
    rig.stop(2);
    assert!(rig.namespace(0).unplug(PortSlot(2)).is_some());
    for to in [GUEST, mac(2)] {
        rig.send(0, &frame(to, mac(0)));
        assert_eq!(arrivals(&mut rig, 3), [0, 1, 0], "{to} is unknown, and flooding does not reach port 2");
    }
}

#[test]
fn dropped_frames_teach_nothing() {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    rig.send(1, &frame(mac(0), GUEST));
    let entries = rig.namespace(0).fdb().entries(rig.now());
    assert!(entries.iter().all(|entry| entry.kind == Kind::Port), "{entries:?}");
}

/// A rig of a guest, a port whose guest is elsewhere, another host, and two uplinks.
fn with_one_away() -> Rig {
    let mut rig = Rig::with_ports(3, &PortOptions::default());
    for _ in 0..2 {
        rig.add(0, &PortOptions { macs: MacPolicy::Any, ..PortOptions::with_role(Role::Uplink) });
    }
    rig.stop(1);
    rig
}

#[test]
fn a_guest_that_is_elsewhere_is_reached_by_the_uplink_where_it_is_heard() {
    let mut rig = with_one_away();
    rig.send(0, &frame(mac(1), mac(0)));
    assert_eq!(arrivals(&mut rig, 5), [0, 0, 0, 0, 0], "nobody knows where it is");
    for uplink in [3, 4] {
        rig.send(uplink, &frame(mac(0), mac(1)));
        assert_eq!(arrivals(&mut rig, 5), [1, 0, 0, 0, 0], "its frames are let in");
        rig.send(0, &frame(mac(1), mac(0)));
        let mut expected = [0; 5];
        expected[uplink] = 1;
        assert_eq!(arrivals(&mut rig, 5), expected, "it is where it was heard last");
    }
    rig.pass(Duration::from_secs(10_000));
    rig.send(0, &frame(mac(1), mac(0)));
    assert_eq!(arrivals(&mut rig, 5), [0, 0, 0, 0, 1], "and stays there");
}

#[test]
fn a_guest_that_is_at_home_is_not_elsewhere() {
    let mut rig = with_one_away();
    rig.send(3, &frame(mac(0), mac(1)));
    rig.received(0);
    rig.start(1);
    let (namespace, port) = (Arc::clone(rig.namespace(0)), Arc::clone(rig.port(1).port()));
    namespace.take_home(&port);
    rig.send(0, &frame(mac(1), mac(0)));
    assert_eq!(arrivals(&mut rig, 5), [0, 1, 0, 0, 0], "it has come");
    rig.moved(3);
    rig.send(3, &frame(mac(0), mac(1)));
    assert_eq!(rig.moved(3), Moved::sent(1, 100).dropped(DropReason::SpoofedMac, 1), "and nobody else is it");
    assert_eq!(arrivals(&mut rig, 5), [0; 5]);
}

#[test]
fn only_an_uplink_may_say_that_a_guest_is_behind_it() {
    let mut rig = with_one_away();
    rig.add(0, &bridging());
    for _ in 0..2 {
        rig.moved(5);
        rig.send(5, &frame(mac(0), mac(1)));
        assert_eq!(rig.moved(5), Moved::sent(1, 100).dropped(DropReason::SpoofedMac, 1));
        // Nor when it is known to be away.
        rig.send(3, &frame(mac(0), mac(1)));
        rig.received(0);
    }
    rig.namespace(0).fdb().add_static(GUEST, PortSlot(1)).unwrap();
    rig.send(3, &frame(mac(0), GUEST));
    assert_eq!(arrivals(&mut rig, 6), [0; 6], "what an operator has said stays");
}

#[test]
fn what_is_known_of_a_guest_elsewhere_ends_with_its_port_and_with_the_uplink() {
    let mut rig = with_one_away();
    rig.send(3, &frame(mac(0), mac(1)));
    assert!(rig.namespace(0).unplug(PortSlot(3)).is_some());
    rig.pass(Duration::from_secs(1));
    let kind_of = |rig: &Rig| {
        let entries = rig.namespace(0).fdb().entries(rig.now());
        entries.into_iter().find(|entry| entry.mac == mac(1)).map(|entry| (entry.port, entry.kind))
    };
    assert_eq!(kind_of(&rig), Some((PortSlot(1), Kind::Port)), "it is looked for at its port again");
    rig.send(4, &frame(mac(0), mac(1)));
    assert_eq!(kind_of(&rig), Some((PortSlot(4), Kind::Away)));
    assert!(rig.namespace(0).unplug(PortSlot(1)).is_some());
    assert_eq!(kind_of(&rig), None);
}
