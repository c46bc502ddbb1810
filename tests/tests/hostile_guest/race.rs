// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A second virtual CPU rewrites everything while the worker looks at it.

use tests::driver::Descriptor;
use tests::rig::{Moved, RawQueue, mac, meanwhile, readable};
use tests::seed::Rng;
use wire::MacAddr;

use super::{BOB, CAROL, CHAIN, EVIL, SIZE, Scene, frame};

/// Rounds of each race: bounded work, whatever the scheduler does.
const ROUNDS: u32 = 20_000;

/// Runs `flip` again and again on another thread while the worker serves `offer`s, and returns how many frames arrived.
fn race(scene: &mut Scene, flip: impl Fn(&mut Rng, &RawQueue) + Send) -> u64 {
    let shared = scene.tx.clone();
    let mut rng = Rng::from_env(12);
    meanwhile(move || flip(&mut rng, &shared), || (0..ROUNDS).map(|round| step(scene, round)).sum())
}

/// Offers a ring full of chains and checks what arrives; puts a broken ring back into service.
fn step(scene: &mut Scene, round: u32) -> u64 {
    scene.tx.offer(&[0, 2, 4]);
    scene.rig.poll_once();
    let mut arrived = 0;
    for port in [BOB, CAROL] {
        for got in scene.rig.received(port) {
            assert_eq!(got[6..12], mac(EVIL).0, "the source MAC that was checked is the one that arrives");
            arrived += 1;
        }
        let moved = scene.rig.moved(port);
        let (rx, checksums) = (moved.rx, moved.checksums);
        assert_eq!(moved, Moved { rx, checksums, ..Moved::default() }, "no receiver loses anything");
    }
    if scene.rig.port(EVIL).port().fault().is_some() {
        scene.tx.resync();
        let ring = scene.tx.ring().clone();
        scene.rig.restart_transmit(EVIL, &ring);
    }
    if round.is_multiple_of(64) {
        scene.others_are_well();
    }
    arrived
}

/// A scene with three chains of two descriptors, at heads 0, 2 and 4.
fn scene() -> Scene {
    let scene = Scene::new();
    let at = scene.honest();
    for head in [0, 2, 4] {
        scene.tx.chain(head, &[readable(at, 30), readable(at + 30, CHAIN - 30)]);
    }
    scene
}

#[test]
fn g12_rewrites_descriptors() {
    let mut scene = scene();
    let at = scene.honest();
    race(&mut scene, |rng, tx| {
        let index = rng.between(0, 5) as u16;
        let random = rng.next_u64();
        let descriptor = match rng.between(0, 3) {
            0 => readable(at, CHAIN),
            1 => Descriptor { addr: random, len: random as u32, flags: random as u16 & 7, next: random as u16 },
            2 => Descriptor { addr: at, len: random as u32 & 0xff, flags: 1, next: random as u16 % SIZE },
            _ => Descriptor { addr: tx.ring().desc().gpa(), len: 32, flags: 4, next: 0 },
        };
        tx.ring().set_descriptor(index, descriptor);
    });
}

#[test]
fn g12_rewrites_the_available_ring() {
    let mut scene = scene();
    race(&mut scene, |rng, tx| {
        tx.ring().set_avail_entry(rng.next_u64() as u16, rng.between(0, usize::from(SIZE)) as u16);
        if rng.one_in(16) {
            tx.ring().set_avail_index(tx.ring().used_index().wrapping_add(rng.between(0, 20) as u16));
        }
    });
}

#[test]
fn g12_rewrites_headers_and_addresses_of_its_frames() {
    let mut scene = scene();
    let honest = [&[0; 12], &frame(MacAddr::BROADCAST)[..]].concat();
    let arrived = race(&mut scene, |rng, tx| {
        let at = rng.between(0, 33);
        tx.fill(at, &[rng.next_u64() as u8]);
        tx.fill(at, &honest[at..=at]);
    });
    assert!(arrived > 0, "most frames are honest");
}

#[test]
fn g12_rewrites_the_used_ring() {
    let mut scene = scene();
    let arrived = race(&mut scene, |rng, tx| {
        tx.ring().used().write(4 * rng.between(0, 15), &rng.bytes(4));
    });
    assert_eq!(arrived, u64::from(ROUNDS) * 3 * 2, "nothing of it is ever read");
}
