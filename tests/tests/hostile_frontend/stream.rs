// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! F2: the stream itself. Wrong headers, pieces, dawdling, descriptors in odd places.
use std::os::fd::AsFd;

use super::scene::{End, Scene, bell, words32};
use tests::frontend::{FLAG_NEED_REPLY, FLAG_REPLY, Request};
use tests::wait::Deadline;

/// GET_FEATURES.
const ASK: u32 = 1;
/// SET_VRING_KICK.
const KICK: u32 = 12;

#[test]
fn headers_that_no_frontend_sends_end_the_session() {
    let mut scene = Scene::new();
    for (what, header, reason) in [
        ("version 0", [ASK, 0, 0], "protocol version 0"),
        ("version 2", [ASK, 2, 0], "protocol version 2"),
        ("version 3", [ASK, 3, 0], "protocol version 3"),
        ("a reply", [ASK, 1 | FLAG_REPLY, 0], "wrong direction"),
        ("reserved bits", [ASK, 1 | 1 << 4, 0], "reserved flag bits"),
        ("all flags", [ASK, u32::MAX, 0], "protocol version 3"),
        ("4097 bytes", [KICK, 1, 4097], "4097 bytes"),
        ("no end of bytes", [KICK, 1, u32::MAX], "4294967295 bytes"),
        ("a payload where none belongs", [ASK, 1, 1], "payload of 1 bytes"),
        ("an unknown message", [4711, 1, 0], "message 4711 is unknown"),
        ("message 0", [0, 1, 0], "message 0 is unknown"),
        ("the last message", [u32::MAX, 1, 0], "message 4294967295 is unknown"),
        ("message 44", [44, 1, 0], "message 44 is unknown"),
    ] {
        let frontend = scene.connect();
        scene.attack(what, frontend, End::Closed(reason), |frontend| {
            // One byte of a payload, in case it is waited for.
            let bytes = [words32(&header), vec![0; usize::from(header[2] == 1)]].concat();
            frontend.send_raw(&bytes, &[]).expect("the port reads");
        });
    }
}

#[test]
fn other_protocols_end_the_session() {
    let mut scene = Scene::new();
    for text in ["GET / HTTP/1.1\r\nHost: weft\r\n\r\n", "{\"method\":\"org.varlink.service.GetInfo\"}\0"] {
        let frontend = scene.connect();
        scene.attack(text, frontend, End::Closed("the frontend broke the protocol"), |frontend| {
            frontend.send_raw(text.as_bytes(), &[]).expect("the port reads");
        });
    }
}

#[test]
fn messages_in_any_pieces_are_understood() {
    let mut scene = Scene::new();
    let ask = Request::named("GET_FEATURES").header(0, 0);
    let frontend = scene.connect();
    scene.attack("byte by byte", frontend, End::Served, |frontend| {
        for byte in ask {
            frontend.send_raw(&[byte], &[]).expect("the port reads");
        }
        let answer = frontend.reply(Request::named("GET_FEATURES")).expect("it is answered");
        assert_eq!(answer.len(), 8);
    });
    let frontend = scene.connect();
    scene.attack("many in one piece", frontend, End::Served, |frontend| {
        frontend.send_raw(&ask.repeat(100), &[]).expect("the port reads");
        for _ in 0..100 {
            frontend.reply(Request::named("GET_FEATURES")).expect("each is answered");
        }
    });
    let frontend = scene.connect();
    scene.attack("two, cut in the middle of the second", frontend, End::Served, |frontend| {
        frontend.send_raw(&[&ask[..], &ask[..5]].concat(), &[]).expect("the port reads");
        frontend.reply(Request::named("GET_FEATURES")).expect("the first is answered");
        frontend.send_raw(&ask[5..], &[]).expect("the port reads");
        frontend.reply(Request::named("GET_FEATURES")).expect("and the second");
    });
}

#[test]
fn descriptors_that_come_late_end_the_session() {
    let mut scene = Scene::new();
    let kick = [&Request::named("SET_VRING_KICK").header(0, 8)[..], &[0; 8]].concat();
    for at in [12, 13] {
        let frontend = scene.negotiated();
        scene.attack("late descriptors", frontend, End::Closed("in the middle of a message"), |frontend| {
            frontend.send_raw(&kick[..at], &[]).expect("the port reads");
            // The daemon reads a header and then the rest, so these come with the rest.
            frontend.send_raw(&kick[at..], &[bell().as_fd()]).expect("the port reads");
        });
    }
}

/// A slow loris.
#[test]
fn who_dawdles_in_a_header_is_dropped() {
    let mut scene = Scene::new();
    let frontend = scene.connect();
    scene.attack("half a header", frontend, End::Closed("begun and not finished"), |frontend| {
        frontend.send_raw(&[1, 0, 0, 0, 1], &[]).expect("the port reads");
    });
}

#[test]
fn who_dawdles_in_a_payload_is_dropped() {
    let mut scene = Scene::new();
    let frontend = scene.negotiated();
    scene.attack("half a payload", frontend, End::Closed("begun and not finished"), |frontend| {
        let header = Request::named("SET_VRING_KICK").header(FLAG_NEED_REPLY, 8);
        frontend.send_raw(&header, &[bell().as_fd()]).expect("the port reads");
    });
}

#[test]
fn who_connects_and_says_nothing_is_dropped() {
    let mut scene = Scene::new();
    let frontend = scene.connect();
    scene.attack("nothing", frontend, End::Closed("said nothing"), |_| {});
}

#[test]
fn who_hangs_up_in_the_middle_is_forgotten() {
    let mut scene = Scene::new();
    for bytes in [&[1, 0, 0][..], &[1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[12, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 1]] {
        let frontend = scene.connect();
        frontend.send_raw(bytes, &[bell().as_fd()]).expect("the port reads");
        drop(frontend);
        scene.check();
    }
}

/// A frontend that asks and never reads costs nothing but its own session.
#[test]
fn who_never_reads_the_answers_is_not_waited_for() {
    let mut scene = Scene::new();
    let frontend = scene.connect();
    let ask = Request::named("GET_FEATURES").header(0, 0).repeat(500);
    // Until its own socket is full: the daemon reads no further while answers wait.
    let deadline = Deadline::patient();
    while frontend.try_send_raw(&ask).is_ok() {
        assert!(!deadline.passed(), "the daemon reads without end");
    }
    scene.traffic();
    drop(frontend);
    scene.check();
}
