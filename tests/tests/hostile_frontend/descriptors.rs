// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! F1: every message with any number of file descriptors.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::scene::{End, Scene, bell};
use tests::frontend::{Frontend, Request};

/// Messages that take no descriptor, with the length of their payload.
const NONE: [(&str, usize); 16] = [
    ("GET_FEATURES", 0),
    ("SET_FEATURES", 8),
    ("SET_OWNER", 0),
    ("RESET_OWNER", 0),
    ("SET_VRING_NUM", 8),
    ("SET_VRING_ADDR", 40),
    ("SET_VRING_BASE", 8),
    ("GET_VRING_BASE", 8),
    ("GET_PROTOCOL_FEATURES", 0),
    ("SET_PROTOCOL_FEATURES", 8),
    ("GET_QUEUE_NUM", 0),
    ("SET_VRING_ENABLE", 8),
    ("SEND_RARP", 8),
    ("NET_SET_MTU", 8),
    ("GET_MAX_MEM_SLOTS", 0),
    ("RESET_DEVICE", 0),
];

fn borrowed(bells: &[OwnedFd]) -> Vec<BorrowedFd<'_>> {
    bells.iter().map(AsFd::as_fd).collect()
}

#[test]
fn messages_that_take_none_are_refused_with_one() {
    let mut scene = Scene::new();
    for (name, len) in NONE {
        let frontend = scene.negotiated();
        // A question has no answer that means no; the others could be ignored with a warning.
        let end = match name {
            "SEND_RARP" | "NET_SET_MTU" => End::Warned("came with 1 file descriptors, expected 0"),
            _ => End::Closed("came with 1 file descriptors, expected 0"),
        };
        scene.attack(name, frontend, end, |frontend| {
            frontend.send(Request::named(name), 0, &vec![0; len], &[bell().as_fd()]).expect("the port reads");
        });
    }
}

#[test]
fn a_flood_of_descriptors_leaves_none_behind() {
    let mut scene = Scene::new();
    let bells: Vec<OwnedFd> = (0..253).map(|_| bell()).collect();
    for request in Request::all().chain([Request(0), Request(4711)]) {
        for count in [2, 8, 32, 33, 253] {
            let mut frontend = scene.negotiated();
            // Refused or ignored, with an answer or an end: any of them, but nothing may stay open.
            let _ = frontend.send(request, 0, &[0; 8], &borrowed(&bells[..count]));
        }
        scene.traffic();
    }
    scene.check();
}

#[test]
fn more_than_a_message_can_carry_end_the_session() {
    let mut scene = Scene::new();
    let bells: Vec<OwnedFd> = (0..253).map(|_| bell()).collect();
    for count in [33, 253] {
        let frontend = scene.negotiated();
        scene.attack("too many", frontend, End::Closed("more file descriptors than one message"), |frontend| {
            let _ = frontend.send(Request::named("SET_VRING_CALL"), 0, &[0; 8], &borrowed(&bells[..count]));
        });
    }
}

/// Descriptors sent again and again over one session replace each other.
#[test]
fn doorbells_that_are_replaced_are_closed() {
    let mut scene = Scene::new();
    let mut frontend = scene.negotiated();
    let settled = |scene: &Scene, frontend: &mut Frontend| {
        frontend.get_features().expect("everything before is done");
        scene.daemon.open_files()
    };
    let all = |frontend: &mut Frontend| {
        for ring in 0..2 {
            for name in ["SET_VRING_CALL", "SET_VRING_KICK", "SET_VRING_ERR"] {
                frontend.tell_bell(Request::named(name), ring, Some(bell().as_fd())).expect("it is taken");
            }
        }
    };
    all(&mut frontend);
    let before = settled(&scene, &mut frontend);
    (0..50).for_each(|_| all(&mut frontend));
    let after = settled(&scene, &mut frontend);
    // Clients of the control socket come and go meanwhile, so a few more or less mean nothing; 300 would.
    assert!(after.abs_diff(before) < 10, "{before} descriptors, and {after} after 50 rounds");
    drop(frontend);
    scene.check();
}
