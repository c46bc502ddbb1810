// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! F9: kick, call and error descriptors that are something else, full, shared, or missing.
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::scene::{End, Scene, VICTIM, bell, expect_no, say, words64};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{read, write};
use tests::driver::{Shape, VnetHeader};
use tests::frames::{BROADCAST, number_of, numbered};
use tests::frontend::Request;
use tests::guest::{SyntheticGuest, ping};
use tests::wait::Deadline;

/// The highest count of an eventfd: one more would block.
const FULL: u64 = u64::MAX - 1;

const BELLS: [&str; 3] = ["SET_VRING_KICK", "SET_VRING_CALL", "SET_VRING_ERR"];

#[test]
fn descriptors_that_are_no_eventfd_are_refused() {
    let mut scene = Scene::new();
    let (pipe, end) = rustix::pipe::pipe().expect("a descriptor to spare");
    write(&end, b"abc").expect("a pipe has room");
    let (socket, _peer) = UnixStream::pair().expect("a descriptor to spare");
    let timer =
        rustix::time::timerfd_create(rustix::time::TimerfdClockId::Monotonic, rustix::time::TimerfdFlags::empty());
    let files = [
        pipe,
        OwnedFd::from(socket),
        timer.expect("a descriptor to spare"),
        File::open("/dev/zero").expect("every Linux has it").into(),
    ];
    for name in BELLS {
        for file in &files {
            let frontend = scene.negotiated();
            scene.attack(name, frontend, End::Warned("no eventfd"), |frontend| {
                expect_no(frontend, name, &words64(&[1]), &[file.as_fd()]);
            });
            let frontend = scene.negotiated();
            scene.attack(name, frontend, End::Closed("no eventfd"), |frontend| {
                say(frontend, name, &words64(&[1]), &[file.as_fd()]);
            });
        }
    }
}

#[test]
fn the_flag_for_no_descriptor_must_be_true() {
    let mut scene = Scene::new();
    for name in BELLS {
        let frontend = scene.negotiated();
        scene.attack(name, frontend, End::Warned("file descriptors, expected"), |frontend| {
            expect_no(frontend, name, &words64(&[1 | 1 << 8]), &[bell().as_fd()]);
            expect_no(frontend, name, &words64(&[1]), &[]);
        });
    }
}

fn blocking() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC).expect("a test has descriptors to spare")
}

/// Makes every write of one more block, for whoever holds the same open file.
fn jam(bell: &OwnedFd) {
    let mut scrap = [0; 8];
    let flags = fcntl_getfl(bell).expect("it is open");
    fcntl_setfl(bell, flags | OFlags::NONBLOCK).expect("it is ours");
    let _ = read(bell, &mut scrap);
    write(bell, &FULL.to_ne_bytes()).expect("it was empty");
    fcntl_setfl(bell, flags & !OFlags::NONBLOCK).expect("it is ours");
}

/// Makes frames go in and out of the attacker's guest, which rings its bells.
fn stir(scene: &mut Scene, guest: &mut SyntheticGuest) {
    let from = guest.mac();
    for number in 0..40 {
        let frame = numbered(BROADCAST, from, number, 100);
        let tx = &mut guest.pairs()[0].tx;
        tx.reclaim();
        let _ = tx.send(&Shape::whole(), VnetHeader::default(), &frame);
        tx.queue().bells().kick();
        tx.queue().arm();
        while guest.recv().is_some() {}
        guest.pairs()[0].rx.queue().arm();
        scene.broadcast();
    }
}

/// A bell that is full was rung; the switch does not wait for room in it.
#[test]
fn a_full_call_stops_nobody() {
    let mut scene = Scene::new();
    let mut guest = scene.daemon.attach(VICTIM, 3);
    let bells = [blocking(), blocking()];
    bells.iter().for_each(jam);
    for (ring, bell) in bells.iter().enumerate() {
        guest.frontend().set_vring_call(ring as u16, Some(bell.as_fd())).expect("it is an eventfd");
        guest.frontend().set_vring_err(ring as u16, Some(bell.as_fd())).expect("it is an eventfd");
    }
    guest.frontend().get_features().expect("everything before is done");
    stir(&mut scene, &mut guest);
    guest.hang_up();
    scene.check();
}

/// The frontend shares the open file, so it can make the bell blocking again, and full, after it was checked.
#[test]
fn a_call_that_is_made_blocking_afterwards_stops_nobody_for_long() {
    let mut scene = Scene::new();
    let mut guest = scene.daemon.attach(VICTIM, 3);
    let bells = [blocking(), blocking()];
    for (ring, bell) in bells.iter().enumerate() {
        guest.frontend().set_vring_call(ring as u16, Some(bell.as_fd())).expect("it is an eventfd");
    }
    guest.frontend().get_features().expect("everything before is done");
    bells.iter().for_each(jam);
    stir(&mut scene, &mut guest);
    guest.hang_up();
    scene.check();
}

/// The same for kicks, which the switch reads: blocking, and emptied by the frontend before the switch comes to it.
#[test]
fn a_kick_that_is_emptied_by_its_owner_stops_nobody() {
    let mut scene = Scene::new();
    let mut guest = scene.daemon.attach(VICTIM, 3);
    let kick = blocking();
    guest.frontend().set_vring_kick(1, Some(kick.as_fd())).expect("it is an eventfd");
    guest.frontend().get_features().expect("everything before is done");
    let nonblocking = |on: bool| {
        let flags = fcntl_getfl(&kick).expect("it is open");
        let flags = if on { flags | OFlags::NONBLOCK } else { flags & !OFlags::NONBLOCK };
        fcntl_setfl(&kick, flags).expect("it is ours");
    };
    let mut scrap = [0; 8];
    for round in 0..2000 {
        write(&kick, &1_u64.to_ne_bytes()).expect("it has room");
        // The switch wakes up, and finds what woke it gone.
        nonblocking(true);
        let _ = read(&kick, &mut scrap);
        nonblocking(false);
        if round % 100 == 0 {
            scene.traffic();
        }
    }
    guest.hang_up();
    scene.check();
}

#[test]
fn one_eventfd_for_everything_is_served() {
    let mut scene = Scene::new();
    let mut guest = scene.daemon.attach(VICTIM, 3);
    let bell = bell();
    for ring in 0..2 {
        for name in BELLS {
            let request = Request::named(name);
            guest.frontend().tell_bell(request, ring, Some(bell.as_fd())).expect("it is an eventfd");
        }
    }
    guest.frontend().get_features().expect("everything before is done");
    stir(&mut scene, &mut guest);
    guest.hang_up();
    scene.check();
}

/// A guest that polls gives no call, and a frontend that gives no kick wants the switch to poll.
#[test]
fn rings_without_bells_are_served_by_polling() {
    let mut scene = Scene::new();
    let mut guest = scene.daemon.attach(VICTIM, 3);
    for ring in 0..2 {
        guest.frontend().set_vring_kick(ring, None).expect("no kick is fine");
        guest.frontend().set_vring_call(ring, None).expect("no call is fine");
    }
    let from = guest.mac();
    for number in 0..3 {
        guest.send(&numbered(BROADCAST, from, number, 100));
        let [one, _] = scene.honest();
        let heard = one.recv_until(Deadline::patient(), |got| number_of(&got.frame) == Some(number));
        assert!(heard.is_some(), "a frame from a ring without a kick");
    }
    guest.hang_up();
    scene.check();
}

/// Closing our side of a bell is no trouble: the daemon has its own.
#[test]
fn bells_that_nobody_hears_are_rung_in_vain() {
    let mut scene = Scene::new();
    let mut guest = scene.daemon.attach(VICTIM, 3);
    for ring in 0..2 {
        let bell = blocking();
        guest.frontend().set_vring_call(ring, Some(bell.as_fd())).expect("it is an eventfd");
    }
    stir(&mut scene, &mut guest);
    let [one, two] = scene.honest();
    ping(one, two, 9999);
    guest.hang_up();
    scene.check();
}
