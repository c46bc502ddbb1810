// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! F3 and F4: rings that do not exist, sizes that cannot be, and changes under a running ring.
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use super::scene::{End, RINGS, Scene, VICTIM, bell, expect_no, say, words32, words64};
use tests::driver::Ring;
use tests::frames::{BROADCAST, numbered};
use tests::frontend::{Frontend, RingAddresses};
use tests::guest::{SyntheticGuest, feature};
use tests::wait::Deadline;

/// Messages that name a ring in their first 32 bits.
const BY_WORD: [&str; 5] = ["SET_VRING_NUM", "SET_VRING_BASE", "SET_VRING_ENABLE", "GET_VRING_BASE", "SET_VRING_ADDR"];

#[test]
fn rings_that_do_not_exist_are_refused_by_number() {
    let mut scene = Scene::new();
    for ring in [RINGS, 255, 256, 0x1_0000, 0x8000_0000, u32::MAX] {
        let frontend = scene.negotiated();
        scene.attack("with a wish for an answer", frontend, End::Warned("names ring"), |frontend| {
            for name in ["SET_VRING_NUM", "SET_VRING_BASE", "SET_VRING_ENABLE"] {
                expect_no(frontend, name, &words32(&[ring, 1]), &[]);
            }
            expect_no(frontend, "SET_VRING_ADDR", &[words32(&[ring, 0]), words64(&[0; 4])].concat(), &[]);
            for name in ["SET_VRING_KICK", "SET_VRING_CALL", "SET_VRING_ERR"] {
                let index = if ring < 256 { u64::from(ring) } else { u64::from(ring) << 16 };
                expect_no(frontend, name, &words64(&[index]), &[bell().as_fd()]);
            }
        });
        for name in BY_WORD {
            let frontend = scene.negotiated();
            let rest = if name == "SET_VRING_ADDR" { 36 } else { 4 };
            scene.attack(name, frontend, End::Closed("names ring"), |frontend| {
                say(frontend, name, &[words32(&[ring]), vec![0; rest]].concat(), &[]);
            });
        }
    }
}

#[test]
fn sizes_and_bases_that_cannot_be_are_refused() {
    let mut scene = Scene::new();
    let frontend = scene.negotiated();
    scene.attack("sizes", frontend, End::Warned("power of two"), |frontend| {
        for size in [0, 3, 257, 32769, 65535, 0x1_0000, 0x1_0001, 0x1_0100, u32::MAX] {
            expect_no(frontend, "SET_VRING_NUM", &words32(&[0, size]), &[]);
        }
    });
    let frontend = scene.negotiated();
    scene.attack("bases", frontend, End::Warned("at most 65535"), |frontend| {
        for base in [0x1_0000, u32::MAX] {
            expect_no(frontend, "SET_VRING_BASE", &words32(&[0, base]), &[]);
        }
    });
    let frontend = scene.negotiated();
    scene.attack("states", frontend, End::Warned("0 or 1"), |frontend| {
        for state in [2, u32::MAX] {
            expect_no(frontend, "SET_VRING_ENABLE", &words32(&[1, state]), &[]);
        }
    });
}

/// A guest on the attacker's port whose rings run and are busy.
fn running(scene: &Scene) -> SyntheticGuest {
    let mut guest = scene.daemon.attach(VICTIM, 3);
    let from = guest.mac();
    (0..20).for_each(|number| guest.send(&numbered(BROADCAST, from, number, 100)));
    guest.drain(Deadline::patient());
    guest
}

/// Changes one thing under running rings, with frames in them, and leaves.
fn under_way(what: &str, change: impl Fn(&mut Frontend, [RingAddresses; 2])) {
    let mut scene = Scene::new();
    for _ in 0..3 {
        let mut guest = running(&scene);
        let from = guest.mac();
        (0..50).for_each(|number| guest.send(&numbered(BROADCAST, from, number, 100)));
        let pair = &guest.pairs()[0];
        let addresses = [pair.rx.queue(), pair.tx.queue()].map(|queue| RingAddresses::from(queue.ring()));
        change(guest.frontend(), addresses);
        scene.traffic();
        drop(guest);
        eprintln!("{what}");
        scene.check();
    }
}

#[test]
fn the_size_changes_under_a_running_ring() {
    under_way("size", |frontend, _| {
        for size in [128, 32768, 1, 256, 2, 512] {
            (0..2).for_each(|ring| say(frontend, "SET_VRING_NUM", &words32(&[ring, size]), &[]));
        }
    });
}

#[test]
fn the_base_changes_under_a_running_ring() {
    under_way("base", |frontend, _| {
        for base in [0, 17, 65535, 32768] {
            (0..2).for_each(|ring| say(frontend, "SET_VRING_BASE", &words32(&[ring, base]), &[]));
        }
    });
}

#[test]
fn the_features_change_under_a_running_ring() {
    under_way("features", |frontend, _| {
        for features in
            [feature::BASE, 0, feature::BASE | feature::EVENT_IDX, feature::PROTOCOL_FEATURES, feature::LINUX]
        {
            say(frontend, "SET_FEATURES", &words64(&[features]), &[]);
        }
    });
}

#[test]
fn the_addresses_change_under_a_running_ring() {
    under_way("addresses", |frontend, [rx, tx]| {
        let swapped = [RingAddresses { used: tx.used, ..rx }, RingAddresses { desc: rx.avail & !15, ..tx }, rx, tx];
        for at in swapped {
            for ring in 0..2 {
                let _ = frontend.set_vring_addr(ring, at);
            }
        }
    });
}

#[test]
fn rings_are_switched_on_and_off_under_load() {
    under_way("enable", |frontend, _| {
        for round in 0..200 {
            (0..2).for_each(|ring| say(frontend, "SET_VRING_ENABLE", &words32(&[ring, round & 1]), &[]));
        }
    });
}

/// A ring that ends beyond its region, or lies across two, is not run.
#[test]
fn rings_that_leave_guest_memory_end_the_session() {
    let mut scene = Scene::new();
    let mut guest = scene.daemon.attach(VICTIM, 3);
    let region = &guest.memory().regions()[0];
    let end = region.host_address() + region.range().size;
    let ring = guest.pairs()[0].tx.queue().ring();
    let at = RingAddresses { desc: end - 16, ..RingAddresses::from(ring) };
    guest.frontend().acknowledge(true);
    // The start is inside, so it may be acknowledged; the ring cannot run.
    let _ = guest.frontend().set_vring_addr(1, at);
    assert!(guest.frontend().wait_closed(Deadline::patient()), "a ring of 256 entries does not fit");
    scene.daemon.await_reason(VICTIM, "ring 1");
    guest.hang_up();
    scene.check();
    for outside in [0, end, u64::MAX - 15, 8] {
        let frontend = scene.negotiated();
        scene.attack("outside", frontend, End::Warned("an address in guest memory"), |frontend| {
            let body = [words32(&[0, 0]), words64(&[outside, outside, outside, 0])].concat();
            expect_no(frontend, "SET_VRING_ADDR", &body, &[]);
        });
    }
}

/// Both rings, and all three parts of each, in the same place.
#[test]
fn rings_that_overlap_each_other_harm_their_guest_only() {
    let mut scene = Scene::new();
    let mut guest = running(&scene);
    let ring = Ring::new(guest.memory(), 256);
    let place = ring.desc().host_address();
    let at = RingAddresses { desc: place, used: place, avail: place, flags: 0, log: 0 };
    for number in 0..2 {
        let _ = guest.frontend().set_vring_addr(number, at);
    }
    for word in 0..200_u16 {
        ring.desc().store_u16(usize::from(word) * 2, word.wrapping_mul(331), Ordering::SeqCst);
        guest.pairs()[0].tx.queue().bells().kick();
    }
    scene.traffic();
    guest.hang_up();
    scene.check();
}
