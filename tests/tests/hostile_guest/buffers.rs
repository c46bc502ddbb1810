// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Hostile receivers: nothing that they post, or do not, costs a sender or another receiver anything.

use dataplane::{DropReason, RingFault};
use tests::driver::{DESCRIPTOR_NEXT, Descriptor};
use tests::frames;
use tests::rig::{Moved, PortOptions, RawQueue, feature, mac, readable, writable};

use super::{BOB, CAROL, EVIL, LEN, SIZE, Scene};

/// A scene and the attacker's receive ring.
fn scene(features: u64) -> (Scene, RawQueue) {
    let mut scene = Scene::with(&PortOptions::with_features(features));
    let rx = scene.rig.raw_receive(EVIL, 128);
    (scene, rx)
}

/// Sends to the attacker and to everybody, and expects this of the attacker for each of the two frames.
fn expect(scene: &mut Scene, what: &str, reason: DropReason) {
    for to in [mac(EVIL).0, [0xff; 6]] {
        scene.rig.send(BOB, &frames::numbered(to, mac(BOB).0, 9, LEN));
        assert_eq!(scene.rig.moved(BOB), Moved::sent(1, LEN), "{what}");
        assert_eq!(scene.rig.moved(EVIL), Moved::default().dropped(reason, 1), "{what}");
    }
    assert_eq!(scene.rig.received(CAROL).len(), 1, "{what}");
    assert_eq!(scene.rig.moved(CAROL), Moved::received(1, LEN), "{what}");
    scene.others_are_well();
}

/// Posts a good buffer and expects a frame in it.
fn works(scene: &mut Scene, rx: &mut RawQueue) {
    rx.take_used();
    rx.chain(0, &[writable(rx.buffers().gpa(), 2048)]);
    rx.offer(&[0]);
    let sent = frames::numbered(mac(EVIL).0, mac(BOB).0, 9, LEN);
    scene.rig.send(BOB, &sent);
    assert_eq!(rx.take_used(), [(0, 112)]);
    assert_eq!(rx.buffers().read(12, LEN), sent);
    assert_eq!(scene.rig.moved(EVIL), Moved::received(1, LEN));
    scene.rig.moved(BOB);
}

#[test]
fn g15_posts_no_buffers_for_ever() {
    let (mut scene, mut rx) = scene(feature::BASIC);
    (0..100).for_each(|_| expect(&mut scene, "nothing posted", DropReason::RingFull));
    assert_eq!(rx.take_used(), []);
    works(&mut scene, &mut rx);
}

#[test]
fn g15_posts_tiny_buffers_that_cannot_be_merged() {
    for len in [1, 9, 11, 12, 13, 111] {
        let (mut scene, mut rx) = scene(feature::VERSION_1);
        rx.chain(1, &[writable(rx.buffers().gpa(), len)]);
        rx.offer(&[1]);
        expect(&mut scene, "too small", DropReason::BufferTooSmall);
        assert_eq!(rx.take_used(), [], "no buffer is spent on a frame that does not fit");
    }
}

#[test]
fn g15_posts_tiny_buffers_to_be_merged() {
    let (mut scene, mut rx) = scene(feature::BASIC);
    for head in 0..128 {
        rx.chain(head, &[writable(rx.buffers().gpa() + u64::from(head), 1)]);
    }
    rx.offer(&(0..128).collect::<Vec<_>>());
    expect(&mut scene, "112 buffers of one byte", DropReason::BufferTooSmall);
    assert_eq!(rx.take_used(), []);
    // 28 bytes fit into 28 of them: legal, if senseless.
    scene.rig.send(BOB, &frames::numbered(mac(EVIL).0, mac(BOB).0, 9, LEN)[..16]);
    let used: Vec<_> = (0..28).map(|head| (head, 1)).collect();
    assert_eq!(rx.take_used(), used);
    assert_eq!(scene.rig.moved(EVIL), Moved::received(1, 16));
    assert_eq!(rx.buffers().read(0, 12), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 28, 0]);
}

#[test]
fn g15_posts_tiny_buffers_of_which_no_number_would_do() {
    for (ring, posted, len, reason) in [
        // 112 bytes are wanted. A frame takes 64 buffers at most, and no more than the ring has.
        (128, 3, 1, DropReason::BufferTooSmall),
        (128, 3, 2, DropReason::RingFull),
        (8, 3, 13, DropReason::BufferTooSmall),
        (8, 8, 13, DropReason::BufferTooSmall),
        (8, 7, 14, DropReason::RingFull),
    ] {
        let mut scene = Scene::with(&PortOptions::with_features(feature::BASIC));
        let mut rx = scene.rig.raw_receive(EVIL, ring);
        (0..posted).for_each(|head| rx.chain(head, &[writable(rx.buffers().gpa(), len)]));
        rx.offer(&(0..posted).collect::<Vec<_>>());
        expect(&mut scene, "tiny, and too few so far", reason);
        assert_eq!(rx.take_used(), []);
    }
}

#[test]
fn g15_posts_chains_of_nothing_but_empty_buffers() {
    let (mut scene, mut rx) = scene(feature::BASIC);
    let table: Vec<u8> = (0..1024_u16)
        .flat_map(|at| {
            let flags = DESCRIPTOR_NEXT | writable(0, 0).flags;
            Descriptor { addr: 0, len: 0, flags, next: at + 1 }.to_bytes()
        })
        .collect();
    let addr = rx.fill(0, &table);
    rx.ring().set_descriptor(0, Descriptor { addr, len: 16 * 1024, flags: 4, next: 0 });
    rx.offer(&[0; 128]);
    expect(&mut scene, "empty buffers", DropReason::BadBuffer);
    assert_eq!(rx.take_used(), [(0, 0); 2], "each frame clears one away");
    (0..63).for_each(|_| expect(&mut scene, "empty buffers", DropReason::BadBuffer));
    works(&mut scene, &mut rx);
}

#[test]
fn g10_posts_buffers_that_cannot_be_written() {
    let (mut scene, mut rx) = scene(feature::BASIC);
    let at = rx.buffers().gpa();
    rx.chain(0, &[readable(at, 2048)]);
    rx.chain(1, &[writable(at, 100), readable(at, 2048)]);
    rx.offer(&[0, 1]);
    expect(&mut scene, "readable buffers", DropReason::BadBuffer);
    assert_eq!(rx.take_used(), [(0, 0), (1, 0)], "given back empty, so that they stand in nobody's way");
    works(&mut scene, &mut rx);
}

#[test]
fn g6_posts_buffers_outside_its_memory() {
    let (mut scene, mut rx) = scene(feature::BASIC);
    let end = 16 << 20;
    let victim = scene.rig.port(BOB).rx[0].queue().ring().desc().host_address();
    for addr in [end - 10, end, u64::MAX - 5, victim, 1 << 40] {
        rx.chain(0, &[writable(addr, 2048)]);
        rx.offer(&[0, 0]);
        expect(&mut scene, "outside", DropReason::BadBuffer);
    }
    works(&mut scene, &mut rx);
}

#[test]
fn g1_loops_the_chains_of_its_buffers() {
    let (mut scene, mut rx) = scene(feature::BASIC);
    let write = writable(rx.buffers().gpa(), 16);
    rx.ring().set_descriptor(0, Descriptor { flags: write.flags | DESCRIPTOR_NEXT, next: 0, ..write });
    rx.offer(&[0, 0]);
    expect(&mut scene, "a loop", DropReason::BadBuffer);
    works(&mut scene, &mut rx);
}

#[test]
fn g4_breaks_the_index_of_its_receive_ring() {
    for (index, head, fault) in [(1000, 0, RingFault::AvailIndex), (1, 128, RingFault::Head)] {
        let (mut scene, mut rx) = scene(feature::BASIC);
        rx.ring().set_avail_entry(0, head);
        rx.ring().set_avail_index(index);
        expect(&mut scene, "broken", DropReason::BrokenRing);
        assert_eq!(scene.rig.port(EVIL).port().fault(), Some(fault));
        rx.resync();
        expect(&mut scene, "still broken", DropReason::BrokenRing);
        scene.rig.port(EVIL).restart_receive(rx.ring());
        assert_eq!(scene.rig.port(EVIL).port().fault(), None, "cleared by a restart");
        works(&mut scene, &mut rx);
    }
}

#[test]
fn g15_posts_buffers_that_overlap_its_own_ring() {
    let (mut scene, mut rx) = scene(feature::BASIC);
    let parts = [rx.ring().desc(), rx.ring().avail(), rx.ring().used()].map(tests::memory::Window::gpa);
    for addr in parts {
        rx.chain(0, &[writable(addr, 112)]);
        rx.offer(&[0]);
        scene.rig.send(BOB, &frames::numbered(mac(EVIL).0, mac(BOB).0, 9, LEN));
        scene.rig.moved(BOB);
        scene.others_are_well();
        rx.resync();
        scene.rig.port(EVIL).restart_receive(rx.ring());
    }
    scene.rig.moved(EVIL);
    works(&mut scene, &mut rx);
    assert_eq!(usize::from(SIZE), 8, "the transmit ring was not touched");
}
