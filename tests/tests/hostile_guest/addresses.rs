// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Attacks on the MAC table, and frames at the wrong time.

use dataplane::{DropReason, Kind, MacPolicy, Negotiated, Role};
use tests::frames;
use tests::rig::{Moved, PortOptions, Rig, feature, mac, readable};
use wire::MacAddr;

use super::{BOB, CAROL, DAVE, EVIL, LEN, SIZE, Scene, frame};

/// Frames of the MAC flood: far more than any table holds.
const FLOOD: u32 = 1 << 17;

fn invented(number: u32) -> MacAddr {
    let [a, b, c, d] = number.to_be_bytes();
    MacAddr([2, 0xee, a, b, c, d])
}

#[test]
fn g20_floods_the_mac_table_with_invented_sources() {
    let evil = PortOptions { macs: MacPolicy::Any, ..PortOptions::with_features(feature::BASIC) };
    let mut scene = Scene::with(&evil);
    scene.rig.port(CAROL).port().set_macs(MacPolicy::Any);
    let honest = [MacAddr([2, 0xcc, 0, 0, 0, 1]), MacAddr([2, 0xcc, 0, 0, 0, 2])];
    for from in honest {
        scene.rig.send(CAROL, &frames::numbered(mac(BOB).0, from.0, 1, LEN));
    }
    scene.rig.received(BOB);
    for number in 0..FLOOD {
        // To the attacker itself, so that only the table is attacked.
        let at = scene.tx.fill(0, &[&[0; 12], &mac(EVIL).0[..], &invented(number).0, &[0x88, 0xb5, 0, 0]].concat());
        scene.tx.chain(0, &[readable(at, 28)]);
        scene.tx.offer(&[0]);
        scene.rig.poll();
    }
    scene.look_away();
    assert_eq!(scene.rig.moved(EVIL).drops, [(DropReason::Hairpin, u64::from(FLOOD))]);
    let table = scene.rig.namespace(0).fdb();
    assert!(table.used() <= table.capacity() + 3, "ports' own addresses are let in beyond it");
    let kept = honest.iter().filter(|&&from| table.lookup(from).is_some()).count();
    assert_eq!(kept, 2, "a flood pushes out only its own");
    let newcomer = MacAddr([2, 0xcc, 0, 0, 0, 3]);
    scene.rig.send(CAROL, &frames::numbered(mac(BOB).0, newcomer.0, 1, LEN));
    scene.rig.received(BOB);
    scene.look_away();
    assert!(scene.rig.namespace(0).fdb().lookup(newcomer).is_some(), "and makes room for others");
    scene.others_are_well();
}

#[test]
fn g20_flaps_an_address_between_two_ports() {
    let mut rig = Rig::with_ports(3, &PortOptions { macs: MacPolicy::Any, ..PortOptions::default() });
    let flapping = invented(1);
    let used = rig.namespace(0).fdb().used();
    for round in 0..20_000 {
        rig.send(round % 2, &frames::numbered(mac(2).0, flapping.0, 1, 60));
        rig.received(2);
    }
    assert_eq!(rig.namespace(0).fdb().used(), used + 1, "one address is one entry");
    let learned = rig.namespace(0).fdb().entries(rig.now()).into_iter().find(|entry| entry.kind == Kind::Learned);
    assert_eq!(learned.map(|entry| usize::from(entry.port.0)), Some(1), "where it was last");
    assert_eq!(rig.moved(2), Moved::received(20_000, 20_000 * 60));
}

#[test]
fn g20_spoofs_another_port_and_the_router() {
    for policy in [MacPolicy::Own, MacPolicy::Any] {
        let mut scene = Scene::new();
        scene.rig.port(CAROL).port().set_role(Role::Router);
        scene.rig.port(EVIL).port().set_macs(policy);
        for victim in [BOB, CAROL] {
            let spoofed = frames::numbered([0xff; 6], mac(victim).0, 1, LEN);
            let at = scene.tx.fill(0, &[&[0; 12], &spoofed[..]].concat());
            scene.tx.chain(0, &[readable(at, 112)]);
            scene.tx.offer(&[0]);
            scene.expect("spoofed", &Moved::sent(1, LEN).dropped(DropReason::SpoofedMac, 1));
        }
    }
}

#[test]
fn g20_spoofs_a_port_of_another_tenant_to_no_effect_there() {
    let mut scene = Scene::new();
    scene.rig.port(EVIL).port().set_macs(MacPolicy::Any);
    let spoofed = frames::numbered([0xff; 6], mac(DAVE).0, 1, LEN);
    let at = scene.tx.fill(0, &[&[0; 12], &spoofed[..]].concat());
    scene.tx.chain(0, &[readable(at, 112)]);
    scene.tx.offer(&[0]);
    scene.arrives(&spoofed);
    scene.others_are_well();
}

#[test]
fn g23_sends_before_anything_was_negotiated() {
    let mut scene = Scene::new();
    scene.rig.port(EVIL).port().set_negotiated(Negotiated(0));
    let at = scene.honest();
    scene.tx.chain(0, &[readable(at, 112)]);
    scene.tx.offer(&[0]);
    // A legacy header has ten bytes, so the frame begins two bytes early: with a source that is nobody's.
    scene.expect("too early", &Moved::sent(1, LEN + 2).dropped(DropReason::BadSource, 1));
}

#[test]
fn g23_has_frames_sent_to_it_before_it_can_receive() {
    let mut scene = Scene::new();
    drop(scene.rig.port(EVIL).port().detach_receiver(0));
    scene.rig.send(BOB, &frames::numbered(mac(EVIL).0, mac(BOB).0, 1, LEN));
    assert_eq!(scene.rig.moved(EVIL), Moved::default().dropped(DropReason::PortDown, 1));
    scene.rig.moved(BOB);
    scene.others_are_well();
    let mut rx = scene.rig.raw_receive(EVIL, SIZE);
    assert_eq!(rx.take_used(), [], "and finds none of them later");
    assert_eq!(frame(mac(BOB)).len(), LEN);
}
