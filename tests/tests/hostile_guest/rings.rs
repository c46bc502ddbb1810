// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Indices, flags, and rings in odd places.

use dataplane::RingFault;
use tests::driver::Ring;
use tests::rig::{Moved, PortOptions, RawQueue, feature, mac, readable};
use wire::MacAddr;

use super::{BOB, CAROL, CHAIN, EVIL, LEN, SIZE, Scene, frame};

#[test]
fn g3_names_heads_past_the_table() {
    for head in [SIZE, SIZE + 1, 32_768, 65_535] {
        let mut scene = Scene::new();
        scene.works();
        scene.tx.offer(&[head]);
        scene.broken("a head past the table", RingFault::Head);
    }
}

#[test]
fn g3_has_what_came_before_the_bad_head_served() {
    let mut scene = Scene::new();
    let at = scene.honest();
    scene.tx.chain(0, &[readable(at, CHAIN)]);
    scene.tx.offer(&[0, SIZE]);
    scene.arrives(&frame(MacAddr::BROADCAST));
    assert_eq!(scene.tx.take_used(), [(0, 0)]);
    assert_eq!(scene.rig.port(EVIL).port().fault(), Some(RingFault::Head));
    scene.others_are_well();
}

#[test]
fn g4_moves_its_index_by_more_than_the_ring_holds() {
    for jump in [SIZE + 1, 2 * SIZE, 32_767, 32_768, 65_535] {
        let mut scene = Scene::new();
        (0..3).for_each(|_| scene.works());
        scene.tx.ring().set_avail_index(3_u16.wrapping_add(jump));
        scene.broken("an index out of reach", RingFault::AvailIndex);
    }
}

#[test]
fn g4_breaks_its_index_while_the_worker_wants_to_sleep() {
    let mut scene = Scene::new();
    scene.tx.ring().set_avail_index(1000);
    assert!(!scene.rig.worker().arm(), "a broken ring keeps nobody awake");
    scene.broken("an index out of reach", RingFault::AvailIndex);
}

#[test]
fn g11_lays_its_rings_over_each_other() {
    let mut scene = Scene::new();
    let space = scene.rig.port(EVIL).memory().allocate(0x1000, 4096);
    let place = |desc: usize, avail: usize, used: usize| {
        let part = |at| space.part(at, 0x400);
        Ring::over(SIZE, part(desc), part(avail), part(used))
    };
    for (desc, avail, used) in [(0, 0, 0), (0x400, 0, 0), (0, 0x400, 0), (0, 0, 0x400), (0x10, 0x12, 0x14), (0, 2, 4)] {
        for seed in 0..20_u64 {
            space.write(0, &tests::seed::Rng::new(seed).bytes(0x800));
            let mut raw = scene.tx.over(place(desc, avail, used));
            scene.rig.restart_transmit(EVIL, raw.ring());
            overlapped(&mut scene, &mut raw);
        }
    }
}

/// Uses a ring whose parts overlap for a while: whatever comes of it, it comes to nobody else.
fn overlapped(scene: &mut Scene, raw: &mut RawQueue) {
    let at = scene.honest();
    raw.chain(0, &[readable(at, CHAIN)]);
    for _ in 0..50 {
        raw.offer(&[0]);
        scene.rig.poll_once();
        for port in [BOB, CAROL] {
            scene.rig.received(port);
            let moved = scene.rig.moved(port);
            assert_eq!(moved, Moved { rx: moved.rx, ..Moved::default() }, "frames at most");
        }
    }
    scene.others_are_well();
}

#[test]
fn g11_lays_its_used_ring_over_its_frames() {
    let mut scene = Scene::new();
    let at = scene.honest();
    let (desc, avail) = (scene.tx.ring().desc().clone(), scene.tx.ring().avail().clone());
    let over = Ring::over(SIZE, desc, avail, scene.tx.buffers().part(24, 0x100));
    over.set_used_index(0);
    scene.tx.ring().set_avail_index(0);
    let mut raw = scene.tx.over(over);
    scene.rig.restart_transmit(EVIL, raw.ring());
    scene.tx.fill(0, &[&[0; 12], &frame(MacAddr::BROADCAST)[..12]].concat());
    raw.chain(0, &[readable(at, CHAIN)]);
    for count in 1..100 {
        raw.offer(&[0]);
        assert_eq!(scene.rig.poll(), 1);
        assert_eq!(raw.ring().used_index(), count);
        for port in [BOB, CAROL] {
            assert_eq!(scene.rig.received(port)[0][6..12], mac(EVIL).0);
            scene.rig.moved(port);
        }
    }
    assert_eq!(scene.rig.moved(EVIL), Moved::sent(99, 99 * LEN));
    scene.others_are_well();
}

#[test]
fn g16_wishes_for_senseless_interrupts() {
    for features in [feature::BASIC, feature::BASIC & !feature::EVENT_IDX] {
        let mut scene = Scene::with(&PortOptions::with_features(features));
        let mut rng = tests::seed::Rng::from_env(16);
        for _ in 0..1000 {
            scene.tx.ring().set_used_event(rng.next_u64() as u16);
            scene.tx.ring().set_avail_flags(rng.next_u64() as u16);
            scene.works();
            scene.rig.worker().arm();
            scene.rig.worker().disarm();
        }
        assert!(scene.rig.port(EVIL).take_calls() <= 1000, "at most one a burst");
        scene.others_are_well();
    }
}

#[test]
fn g17_writes_the_used_index_itself() {
    let mut scene = Scene::new();
    let at = scene.honest();
    scene.tx.chain(0, &[readable(at, CHAIN)]);
    for (count, lie) in [(1, 1000), (2, 65_535), (3, 0), (4, 2)] {
        scene.tx.ring().set_used_index(lie);
        scene.tx.offer(&[0]);
        scene.arrives(&frame(MacAddr::BROADCAST));
        assert_eq!(scene.tx.ring().used_index(), count, "ours counts");
    }
}

#[test]
fn g17_lies_about_the_used_index_over_a_restart() {
    let mut scene = Scene::new();
    scene.works();
    scene.tx.ring().set_used_index(40_000);
    let ring = scene.tx.ring().clone();
    scene.rig.restart_transmit(EVIL, &ring);
    scene.broken("an available index that does not fit", RingFault::AvailIndex);
}

#[test]
fn g19_resets_its_rings_all_the_time() {
    let mut scene = Scene::new();
    for round in 0..1000 {
        let at = scene.honest();
        scene.tx.chain(0, &[readable(at, CHAIN)]);
        scene.tx.offer(&[0]);
        if round % 2 == 0 {
            let ring = scene.tx.ring().clone();
            scene.rig.restart_transmit(EVIL, &ring);
        }
        scene.arrives(&frame(MacAddr::BROADCAST));
    }
    scene.others_are_well();
}
