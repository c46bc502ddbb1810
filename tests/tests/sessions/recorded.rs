// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Our own frontend says to weft what real VMMs said, message for message, and weft serves it.
use tests::guest::{GuestOptions, Side, SyntheticGuest, ping};
use tests::memory::{Layout, Range};
use tests::recorder::{Recorded, Recorder, recorded};
use tests::wait::Deadline;
use tests::weftd::Weftd;

const MIB: u64 = 1 << 20;

/// A guest like the recorded one that has not connected yet, and its recorder.
fn actor(daemon: &Weftd, recorded: Recorded, side: Side) -> (SyntheticGuest, Recorder) {
    let pairs = recorded.pairs.to_string();
    let mode: &[&str] = if side == Side::Listens { &["--client"] } else { &[] };
    daemon.add_port("red", "one", 1, &[&["--queues", &pairs], mode].concat());
    let vmm = daemon.folder().join("one.vmm");
    let recorder = Recorder::start(side, &vmm, &daemon.port_path("one")).expect("there is room for two sockets");
    let options = GuestOptions {
        order: recorded.order,
        side,
        queue_pairs: recorded.pairs,
        protocol: recorded.protocol(),
        settles: false,
        layout: Layout::flat(256 * MIB),
        ..GuestOptions::new("one", 1)
    };
    (SyntheticGuest::detached(&vmm, options).expect("there is room for a guest"), recorder)
}

/// The life that was recorded, with frames between all its sections, where there can be any.
fn relive(recorded: Recorded, side: Side) {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    let (mut one, mut recorder) = actor(&daemon, recorded, side);
    daemon.add_port("red", "two", 2, &[]);
    let mut two = daemon.attach("two", 2);
    recorder.section("connect");
    one.connect(Deadline::patient()).expect("weft takes the order of every VMM");
    recorder.section("start");
    one.boot().expect("weft starts the rings");
    daemon.await_state("one", "up");
    ping(&mut one, &mut two, 1);
    recorder.section("pause");
    one.pause(true).expect("a VMM may pause its guest");
    recorder.section("resume");
    one.pause(false).expect("and let it run again");
    daemon.await_state("one", "up");
    ping(&mut two, &mut one, 2);
    recorder.section("reset");
    one.reboot().expect("a driver may reset its device");
    daemon.await_state("one", "up");
    ping(&mut one, &mut two, 3);
    recorder.section("plug");
    one.add_memory(Range { gpa: 1 << 32, size: 128 * MIB }).expect("memory may be plugged in");
    ping(&mut two, &mut one, 4);
    recorder.section("reconnect");
    daemon.restart();
    one.reconnect(Deadline::patient());
    two.reconnect(Deadline::patient());
    daemon.await_state("one", "up");
    ping(&mut one, &mut two, 5);
    recorder.section("quit");
    one.quit().expect("a VMM may end");
    daemon.await_port("one", |port| port["state"] != "up");
    recorded.assert_same(&recorder.text());
}

#[test]
fn weft_serves_what_was_recorded_of_vmms_that_connect() {
    recorded().into_iter().for_each(|recorded| relive(recorded, Side::Connects));
}

#[test]
fn weft_serves_what_was_recorded_of_vmms_that_listen() {
    recorded().into_iter().for_each(|recorded| relive(recorded, Side::Listens));
}
