// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! F5: messages in any order, twice, or never.
use std::os::fd::{AsFd, BorrowedFd};

use super::scene::{End, Scene, VICTIM, bell, expect_no, say, words32, words64};
use tests::driver::{Shape, VnetHeader};
use tests::frames::{BROADCAST, numbered};
use tests::frontend::{Frontend, FrontendError, Request};
use tests::guest::{SyntheticGuest, feature};

/// Harmless in any order: nothing is served before everything is known.
#[test]
fn whatever_comes_too_early_is_remembered_or_refused() {
    let mut scene = Scene::new();
    let frontend = scene.negotiated();
    scene.attack("kick before memory", frontend, End::Served, |frontend| {
        for ring in 0..2 {
            frontend.set_vring_kick(ring, Some(bell().as_fd())).expect("it is remembered");
            frontend.set_vring_enable(ring, true).expect("it is remembered");
            frontend.set_vring_num(ring, 256).expect("it is remembered");
        }
    });
    let frontend = scene.connect();
    scene.attack("enable first of all", frontend, End::Served, |frontend| {
        for ring in 0..2 {
            frontend.set_vring_enable(ring, true).expect("QEMU does it");
        }
    });
    let frontend = scene.negotiated();
    scene.attack("addresses before memory", frontend, End::Warned("an address in guest memory"), |frontend| {
        let body = [words32(&[0, 0]), words64(&[4096, 8192, 12288, 0])].concat();
        expect_no(frontend, "SET_VRING_ADDR", &body, &[]);
    });
    let frontend = scene.connect();
    scene.attack("features that were never asked for", frontend, End::Served, |frontend| {
        frontend.set_features(feature::BASE).expect("they are offered all the same");
    });
    let frontend = scene.connect();
    scene.attack("features that are not offered", frontend, End::Closed("the feature word"), |frontend| {
        say(frontend, "SET_FEATURES", &words64(&[1 << 60]), &[]);
    });
    let frontend = scene.connect();
    scene.attack("protocol features that are not offered", frontend, End::Closed("the feature word"), |frontend| {
        say(frontend, "SET_PROTOCOL_FEATURES", &words64(&[u64::MAX]), &[]);
    });
    let frontend = scene.connect();
    scene.attack("what was not negotiated", frontend, End::Closed("was not negotiated"), |frontend| {
        say(frontend, "GET_MAX_MEM_SLOTS", &[], &[]);
    });
}

#[test]
fn what_comes_twice_is_served_twice() {
    let mut scene = Scene::new();
    let frontend = scene.negotiated();
    scene.attack("owner, features, stop", frontend, End::Served, |frontend| {
        for _ in 0..20 {
            frontend.set_owner().expect("a second owner is the same one");
            let features = frontend.get_features().expect("it is answered");
            frontend.set_features(features & feature::LINUX).expect("the same again");
            for ring in 0..2 {
                frontend.get_vring_base(ring).expect("a ring that does not run stops at once");
            }
        }
    });
}

#[test]
fn a_guest_resets_in_the_middle_of_everything() {
    let mut scene = Scene::new();
    for name in ["RESET_OWNER", "SET_OWNER", "GET_FEATURES"] {
        let mut guest = scene.daemon.attach(VICTIM, 3);
        let from = guest.mac();
        for number in 0..30 {
            guest.send(&numbered(BROADCAST, from, number, 100));
            say(guest.frontend(), name, &[], &[]);
        }
        scene.traffic();
        guest.hang_up();
        scene.check();
    }
}

/// Every message of a real start, each from a list of half of them left out, in every rotation.
#[test]
fn a_start_in_every_rotation_does_no_harm() {
    let mut scene = Scene::new();
    let steps: [fn(&mut SyntheticGuest); 6] = [
        |guest| told(guest, |link, _| link.set_vring_enable(0, false)),
        |guest| told(guest, |link, _| link.set_vring_enable(1, true)),
        |guest| told(guest, |link, bell| link.set_vring_kick(1, Some(bell))),
        |guest| told(guest, |link, _| link.get_vring_base(0).map(drop)),
        |guest| told(guest, |link, _| link.get_vring_base(1).map(drop)),
        |guest| told(guest, |link, _| link.set_features(feature::LINUX)),
    ];
    let mut guest = scene.daemon.attach(VICTIM, 3);
    for start in 0..steps.len() {
        for step in steps.iter().cycle().skip(start).take(steps.len()) {
            step(&mut guest);
            let from = guest.mac();
            let tx = &mut guest.pairs()[0].tx;
            let frame = numbered(BROADCAST, from, 1, 100);
            // The ring may be stopped, and full then.
            let _ = tx.send(&Shape::whole(), VnetHeader::default(), &frame);
            tx.reclaim();
        }
        scene.traffic();
    }
    guest.hang_up();
    scene.check();
}

/// Sends one message with a bell of the guest's transmit queue at hand; its outcome does not matter.
fn told(guest: &mut SyntheticGuest, step: fn(&mut Frontend, BorrowedFd) -> Result<(), FrontendError>) {
    let bell = guest.pairs()[0].tx.queue().bells().kick_fd().try_clone_to_owned().expect("a descriptor to spare");
    let _ = step(guest.frontend(), bell.as_fd());
}

/// GET_VRING_BASE of a ring that never ran, and of one whose session has just begun.
#[test]
fn a_ring_that_never_ran_stops_at_its_base() {
    let mut scene = Scene::new();
    let frontend = scene.negotiated();
    scene.attack("base", frontend, End::Served, |frontend| {
        frontend.set_vring_base(1, 77).expect("it is remembered");
        assert_eq!(frontend.get_vring_base(1).expect("it is answered"), 77);
        assert!(frontend.transcript().contains(&Request::named("GET_VRING_BASE")));
    });
}
