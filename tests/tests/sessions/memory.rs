// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest memory in several pieces, plugged and unplugged under traffic.
use tests::frontend::protocol;
use tests::guest::{GuestOptions, SyntheticGuest, ping};
use tests::memory::{Backing, Layout, Range};
use tests::weftd::Weftd;

/// Above every region that a layout makes.
const PLUGGED: Range = Range { gpa: 1 << 40, size: 64 << 20 };

fn daemon() -> Weftd {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    daemon
}

/// Takes all memory below the plugged region, so that whatever is allocated next lies in that.
fn exhaust(guest: &mut SyntheticGuest) {
    while guest.memory().allocate(1 << 12, 4096).gpa() < PLUGGED.gpa {}
}

#[test]
fn frames_cross_between_guests_with_memory_in_pieces() {
    let daemon = daemon();
    let pieces = |count: u64| (0..count).map(|piece| Range { gpa: piece << 32, size: 32 << 20 }).collect();
    let many = Layout { ranges: pieces(8), backing: Backing::SharedFile };
    let mut one = daemon.attach_as("one", GuestOptions { layout: many, ..GuestOptions::new("one", 1) });
    let adjacent = Layout::adjacent(64 << 20);
    let mut two = daemon.attach_as("two", GuestOptions { layout: adjacent, ..GuestOptions::new("two", 2) });
    (0..20).for_each(|sequence| ping(&mut one, &mut two, sequence));
}

/// Plugs a region, moves all queues and buffers of the guest into it, and moves frames.
fn hot_add(protocol: u64) -> (Weftd, [SyntheticGuest; 2], usize) {
    let daemon = daemon();
    let layout = Layout::flat(32 << 20);
    let mut one = daemon.attach_as("one", GuestOptions { layout, protocol, ..GuestOptions::new("one", 1) });
    let mut two = daemon.attach("two", 2);
    ping(&mut one, &mut two, 1);
    let region = one.add_memory(PLUGGED).expect("memory can be plugged into a running guest");
    ping(&mut one, &mut two, 2);
    exhaust(&mut one);
    one.reboot().expect("a guest can reboot");
    assert!(one.pairs()[0].rx.queue().ring().desc().gpa() >= PLUGGED.gpa, "the queues lie in the plugged memory");
    (3..20).for_each(|sequence| ping(&mut one, &mut two, sequence));
    (daemon, [one, two], region)
}

#[test]
fn a_region_is_plugged_one_by_one() {
    hot_add(GuestOptions::new("one", 1).protocol);
}

#[test]
fn a_region_is_plugged_by_a_new_table() {
    let protocol = GuestOptions::new("one", 1).protocol & !protocol::CONFIGURE_MEM_SLOTS;
    hot_add(protocol);
}

#[test]
fn a_region_is_unplugged_and_the_others_stay() {
    let daemon = daemon();
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    let region = one.add_memory(PLUGGED).expect("memory can be plugged into a running guest");
    ping(&mut one, &mut two, 1);
    one.remove_memory(region).expect("and unplugged again");
    ping(&mut one, &mut two, 2);
    let again = one.add_memory(PLUGGED).expect("its place is free then");
    assert_ne!(region, again);
    ping(&mut two, &mut one, 3);
    assert_eq!(daemon.port("one")["state"], "up");
}

/// The rings of a guest that lie in the region that goes: the session ends with a reason, and begins anew.
#[test]
fn a_region_that_is_in_use_is_not_missed_by_anybody_else() {
    let (daemon, [mut one, mut two], region) = hot_add(GuestOptions::new("one", 1).protocol);
    // Whether the switch acknowledges it or hangs up at once, it must not go on as if nothing had happened.
    let _ = one.remove_memory(region);
    let port = daemon.await_port("one", |port| port["state"] != "up");
    assert!(port["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{port}");
    one.hang_up();
    let mut fresh = daemon.attach("one", 1);
    ping(&mut fresh, &mut two, 1);
}
