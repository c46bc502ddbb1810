// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! F6: the file behind guest memory shrinks under traffic. That session ends with a reason; nobody else notices.
use rustix::fs::{FallocateFlags, fallocate};

use super::scene::{Scene, VICTIM};
use tests::frames::{BROADCAST, numbered};
use tests::guest::{GuestOptions, SyntheticGuest};
use tests::memory::{Backing, Layout};
use tests::wait::Deadline;
use tests::weftd::Weftd;

/// A guest on the attacker's port whose memory is not sealed.
fn unsealed(scene: &Scene) -> SyntheticGuest {
    let layout = Layout::flat(64 << 20).backed_by(Backing::Unsealed);
    scene.daemon.attach_as(VICTIM, GuestOptions { layout, ..GuestOptions::new(VICTIM, 3) })
}

/// Cuts the guest's memory to `left` bytes with frames in its rings, and sees the session end.
fn cut(left: u64) {
    let mut scene = Scene::new();
    for _ in 0..3 {
        let mut guest = unsealed(&scene);
        let from = guest.mac();
        (0..200).for_each(|number| guest.send(&numbered(BROADCAST, from, number, 1000)));
        guest.truncate_memory(0, left).expect("it is not sealed");
        // Broadcasts of the others touch the victim's receive ring; its own ring is touched by a kick.
        for _ in 0..20 {
            guest.pairs()[0].tx.queue().bells().kick();
            scene.traffic();
            scene.broadcast();
        }
        assert!(guest.frontend().wait_closed(Deadline::patient()), "the session goes on without its memory");
        scene.daemon.await_reason(VICTIM, "truncated");
        guest.hang_up();
        scene.check();
    }
}

#[test]
fn all_memory_goes_under_traffic() {
    cut(0);
}

/// The rings stay, what they point to goes.
#[test]
fn the_buffers_go_under_traffic() {
    cut(1 << 16);
}

/// The control thread touches memory too, when a ring starts: it must live through that.
#[test]
fn memory_goes_before_the_rings_start() {
    let mut scene = Scene::new();
    for _ in 0..3 {
        let mut guest = unsealed(&scene);
        guest.pause(true).expect("a VMM may pause its guest");
        guest.truncate_memory(0, 0).expect("it is not sealed");
        let _ = guest.pause(false);
        assert!(guest.frontend().wait_closed(Deadline::patient()), "rings without memory cannot run");
        scene.daemon.await_reason(VICTIM, "truncated");
        guest.hang_up();
        scene.check();
    }
}

/// A hole is no truncation: it reads as zeroes, and the switch goes on.
#[test]
fn a_hole_in_a_sealed_file_harms_its_guest_only() {
    let mut scene = Scene::new();
    let mut guest = scene.daemon.attach(VICTIM, 3);
    let from = guest.mac();
    (0..200).for_each(|number| guest.send(&numbered(BROADCAST, from, number, 1000)));
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let region = &guest.memory().regions()[0];
    fallocate(region.file(), punch, 0, region.range().size).expect("tmpfs can have holes");
    for _ in 0..20 {
        scene.traffic();
        scene.broadcast();
    }
    guest.hang_up();
    scene.check();
}

/// With `seals = "require"` memory that could shrink is not taken at all.
#[test]
fn seals_can_be_required() {
    let mut scene = Scene::with(Weftd::start_configured("[daemon]\nseals = \"require\"\n"));
    let layout = Layout::flat(64 << 20).backed_by(Backing::Unsealed);
    let options = GuestOptions { layout, ..GuestOptions::new(VICTIM, 3) };
    let refused = SyntheticGuest::attach(&scene.daemon.port_path(VICTIM), options).expect_err("it is not sealed");
    scene.daemon.await_reason(VICTIM, "not sealed against shrinking");
    drop(refused);
    scene.check();
}

/// With the default, `warn`, it is taken and told.
#[test]
fn missing_seals_are_told() {
    let mut scene = Scene::new();
    let guest = unsealed(&scene);
    let port = scene.daemon.await_reason(VICTIM, "not sealed against shrinking");
    assert_eq!(port["state"], "up", "{port}");
    drop(guest);
    scene.check();
}
