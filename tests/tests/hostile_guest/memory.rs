// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest whose memory is taken away under its running rings. Without the guard the first of these kills the process.

use dataplane::{DropReason, RingFault};
use tests::frames;
use tests::memory::{Backing, Layout};
use tests::rig::{Moved, PortOptions, mac, readable, writable};

use super::{BOB, CAROL, CHAIN, EVIL, LEN, Scene};

/// An attacker whose memory can be truncated: rings and buffers in the first region, the second is empty.
fn scene() -> Scene {
    sys::install_fault_guard().expect("a signal handler");
    let memory = Layout::adjacent(32 << 20).backed_by(Backing::Unsealed);
    Scene::with(&PortOptions { memory, ..PortOptions::default() })
}

#[test]
fn its_rings_vanish_while_it_sends() {
    let mut scene = scene();
    scene.works();
    let at = scene.honest();
    scene.tx.chain(0, &[readable(at, CHAIN)]);
    scene.tx.offer(&[0]);
    scene.rig.port(EVIL).memory().truncate(0, 0).unwrap();
    scene.expect("truncated", &Moved::default());
    assert_eq!(scene.rig.port(EVIL).port().fault(), Some(RingFault::Memory), "the cause, not the symptom");
    assert!(scene.rig.port(EVIL).map().poisoned(), "which ends its session");
    (0..100).for_each(|_| scene.expect("and stays so", &Moved::default()));
}

#[test]
fn its_frames_vanish_and_its_rings_do_not() {
    let mut scene = scene();
    let far = 16 << 20;
    scene.tx.chain(0, &[readable(far, CHAIN)]);
    scene.tx.offer(&[0]);
    scene.rig.port(EVIL).memory().truncate(1, 0).unwrap();
    // Zeroes are read, and a source of zeroes is nobody's.
    scene.expect("truncated", &Moved::sent(1, LEN).dropped(DropReason::BadSource, 1));
    assert_eq!(scene.tx.take_used(), [(0, 0)]);
    assert_eq!(scene.rig.port(EVIL).port().fault(), Some(RingFault::Memory));
}

#[test]
fn its_buffers_vanish_under_what_it_receives() {
    let mut scene = scene();
    let mut rx = scene.rig.raw_receive(EVIL, 8);
    rx.chain(0, &[writable(16 << 20, 2048)]);
    rx.offer(&[0; 8]);
    scene.rig.port(EVIL).memory().truncate(1, 0).unwrap();
    let sent = frames::numbered([0xff; 6], mac(BOB).0, 1, LEN);
    scene.rig.send(BOB, &sent);
    assert_eq!(scene.rig.received(CAROL), [&sent[..]]);
    assert_eq!(scene.rig.port(EVIL).port().fault(), Some(RingFault::Memory));
    scene.look_away();
    scene.rig.moved(EVIL);
    scene.rig.send(BOB, &sent);
    assert_eq!(scene.rig.moved(EVIL), Moved::default().dropped(DropReason::BrokenRing, 1));
    assert_eq!(scene.rig.received(CAROL), [&sent[..]]);
    scene.look_away();
    scene.others_are_well();
}

#[test]
fn its_receive_ring_vanishes() {
    let mut scene = scene();
    let rx = scene.rig.raw_receive(EVIL, 8);
    rx.ring().set_used_index(3);
    rx.ring().set_avail_index(3);
    scene.rig.port(EVIL).restart_receive(rx.ring());
    scene.rig.port(EVIL).memory().truncate(0, 0).unwrap();
    scene.rig.send(BOB, &frames::numbered(mac(EVIL).0, mac(BOB).0, 1, LEN));
    assert_eq!(scene.rig.moved(EVIL), Moved::default().dropped(DropReason::BrokenRing, 1));
    assert_eq!(scene.rig.port(EVIL).port().fault(), Some(RingFault::Memory));
    scene.rig.moved(BOB);
    scene.others_are_well();
}
