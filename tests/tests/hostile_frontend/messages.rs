// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! F8, F10, F11, F12: logs, in-flight buffers, configuration space, and whatever else was never offered.
use std::os::fd::AsFd;

use super::scene::{End, Scene, bell, expect_no, say, words32, words64};
use tests::frontend::{FLAG_NEED_REPLY, Frontend, Request};

fn config(offset: u32, size: u32, flags: u32, bytes: usize) -> Vec<u8> {
    [words32(&[offset, size, flags]), vec![0xab; bytes]].concat()
}

/// Asks for configuration space and gives how many bytes came back.
fn ask(frontend: &mut Frontend, body: &[u8]) -> usize {
    let answer = frontend.query(Request::named("GET_CONFIG"), body, &[]).expect("it is answered");
    assert!(answer.len() >= 12, "an answer of {} bytes", answer.len());
    answer.len() - 12
}

/// F11.
#[test]
fn configuration_space_ends_where_it_ends() {
    let mut scene = Scene::new();
    let frontend = scene.negotiated();
    scene.attack("inside", frontend, End::Served, |frontend| {
        for (offset, size) in [(0, 1), (0, 24), (5, 7), (23, 1), (20, 200), (0, 256)] {
            assert_eq!(ask(frontend, &config(offset, size, 0, size as usize)), size as usize);
        }
    });
    let frontend = scene.negotiated();
    scene.attack("outside", frontend, End::Warned("configuration space"), |frontend| {
        for (offset, size) in [(0, 0), (u32::MAX, 1), (4096, 1), (1, 4096), (u32::MAX - 3, 8), (0, u32::MAX)] {
            assert_eq!(ask(frontend, &config(offset, size, 0, 4)), 0, "{offset} {size}: an empty answer means no");
        }
    });
    let frontend = scene.negotiated();
    scene.attack("a lie about its length", frontend, End::Warned("payload"), |frontend| {
        assert_eq!(ask(frontend, &config(0, 24, 0, 3)), 0);
        assert_eq!(ask(frontend, &config(0, 3, 0, 24)), 0);
    });
    let frontend = scene.negotiated();
    scene.attack("writing", frontend, End::Warned("SET_CONFIG"), |frontend| {
        expect_no(frontend, "SET_CONFIG", &config(0, 6, 0, 6), &[]);
        say(frontend, "SET_CONFIG", &config(0, 6, 1, 6), &[]);
        let mac = frontend.get_config(0, 6).expect("it is answered");
        assert_eq!(mac, [0x02, 0x77, 0x65, 0x66, 0x74, 3], "the port's address is the port's");
    });
}

/// F8: dirty logging was not offered.
#[test]
fn logs_that_were_not_offered_are_refused() {
    let mut scene = Scene::new();
    for (size, offset) in [(4096, 0), (u64::MAX, u64::MAX), (0, 0)] {
        let frontend = scene.negotiated();
        scene.attack("SET_LOG_BASE", frontend, End::Warned("was not negotiated"), |frontend| {
            expect_no(frontend, "SET_LOG_BASE", &words64(&[size, offset]), &[bell().as_fd()]);
        });
        let frontend = scene.negotiated();
        scene.attack("SET_LOG_BASE", frontend, End::Closed("was not negotiated"), |frontend| {
            say(frontend, "SET_LOG_BASE", &words64(&[size, offset]), &[bell().as_fd()]);
        });
    }
    let frontend = scene.negotiated();
    scene.attack("SET_LOG_FD", frontend, End::Served, |frontend| {
        (0..100).for_each(|_| say(frontend, "SET_LOG_FD", &[], &[bell().as_fd()]));
    });
}

/// F10, F14: questions that get the answer "no", and no session survives an endless number of them.
#[test]
fn features_that_were_not_offered_are_answered_no_and_not_for_ever() {
    let mut scene = Scene::new();
    for (name, body) in [
        ("GET_INFLIGHT_FD", [words64(&[u64::MAX, u64::MAX]), vec![0xff; 4]].concat()),
        ("SET_INFLIGHT_FD", [words64(&[0, 0]), vec![0; 4]].concat()),
        ("SET_DEVICE_STATE_FD", words32(&[0, 0])),
        ("CHECK_DEVICE_STATE", vec![]),
        ("POSTCOPY_ADVISE", vec![]),
        ("POSTCOPY_END", vec![]),
    ] {
        let (pipe, _end) = rustix::pipe::pipe().expect("a descriptor to spare");
        let frontend = scene.negotiated();
        scene.attack(name, frontend, End::Closed("too many messages of this session were refused"), |frontend| {
            let with_file = name.starts_with("SET_");
            for _ in 0..200 {
                let pipe = [pipe.as_fd()];
                let fds = if with_file { &pipe[..] } else { &[] };
                if frontend.send(Request::named(name), FLAG_NEED_REPLY, &body, fds).is_err() {
                    break;
                }
            }
        });
    }
}

/// F12: every message with a wish for an answer, and a payload of any length.
#[test]
fn every_message_with_any_payload_and_a_wish_for_an_answer() {
    let mut scene = Scene::new();
    for request in Request::all() {
        for len in [0, 1, 7, 8, 9, 39, 40, 41, 256, 4095, 4096] {
            let mut frontend = scene.negotiated();
            let _ = frontend.send(request, FLAG_NEED_REPLY, &vec![0xff; len], &[]);
            let _ = frontend.send(request, FLAG_NEED_REPLY, &vec![0; len], &[]);
        }
        scene.traffic();
    }
    scene.check();
}

/// The backend channel is not offered: it is taken, ignored and closed.
#[test]
fn a_backend_channel_is_ignored() {
    let mut scene = Scene::new();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a descriptor to spare");
    let frontend = scene.negotiated();
    scene.attack("SET_BACKEND_REQ_FD", frontend, End::Warned("SET_BACKEND_REQ_FD"), |frontend| {
        say(frontend, "SET_BACKEND_REQ_FD", &[], &[theirs.as_fd()]);
        expect_no(frontend, "SET_BACKEND_REQ_FD", &[], &[theirs.as_fd()]);
    });
    drop((ours, theirs));
}
