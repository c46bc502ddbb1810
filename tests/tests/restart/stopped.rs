// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The whole of weftd stands still (SIGSTOP) and goes on, as under a debugger, in a frozen cgroup or on a host that swaps: guests find
//! what they have said and been told in their rings, once.
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tests::frames::number_of;
use tests::guest::{GuestOptions, Side, ping};
use tests::seed::Rng;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

use crate::kill::daemon;
use crate::talker::Talker;

/// How often it stands still for no longer than until rings are full.
const SHORT: u64 = 10;
/// How long it does at last: several of its ticks, and of the looks of its own watchdog.
const LONG: Duration = Duration::from_secs(5);
const BURST: usize = 64;

/// Waits until no thread of the daemon runs.
fn await_stopped(daemon: &Weftd) {
    let threads = format!("/proc/{}/task", daemon.pid());
    let is_stopped = |stat: String| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'));
    until("all threads to stand still", Deadline::patient(), || {
        let all = fs::read_dir(&threads).expect("the daemon is there");
        all.flatten().all(|thread| fs::read_to_string(thread.path().join("stat")).is_ok_and(is_stopped))
    });
}

fn talk(talkers: &mut [Talker; 2], rng: &mut Rng) {
    for talker in talkers {
        talker.send(rng, BURST);
        talker.receive();
    }
}

/// Stops the daemon at whatever it does. Guests say what there is room for, and longer if `lasts`; then it goes on.
fn stop_and_go_on(daemon: &Weftd, talkers: &mut [Talker; 2], rng: &mut Rng, lasts: Duration) {
    daemon.signal(Signal::STOP);
    await_stopped(daemon);
    talkers.iter_mut().for_each(Talker::receive);
    let (since, heard) = (Instant::now(), talkers.each_ref().map(|talker| talker.last.clone()));
    until("rings to be full", Deadline::patient(), || {
        let said = talkers.each_ref().map(|talker| talker.next.clone());
        talk(talkers, rng);
        said == talkers.each_ref().map(|talker| talker.next.clone()) && since.elapsed() >= lasts
    });
    assert_eq!(talkers.each_ref().map(|talker| talker.last.clone()), heard, "nobody is there who could have said that");
    daemon.signal(Signal::CONT);
}

fn stands_still(side: Side, seed: u64) {
    let mut rng = Rng::from_env(seed);
    let mut daemon = daemon(side);
    let options = |name: &str, number: u8| GuestOptions { side, ..GuestOptions::new(name, number) };
    let (one, two) = (daemon.attach_as("one", options("one", 1)), daemon.attach_as("two", options("two", 2)));
    let (to_one, to_two) = (one.mac(), two.mac());
    let mut talkers = [Talker::new(one, to_two), Talker::new(two, to_one)];
    let pid = daemon.pid();
    for time in 0..=SHORT {
        (0..rng.between(1, 100)).for_each(|_| talk(&mut talkers, &mut rng));
        let lasts = if time < SHORT { Duration::ZERO } else { LONG };
        stop_and_go_on(&daemon, &mut talkers, &mut rng, lasts);
        // No ring is stuck, whichever way.
        let [one, two] = &mut talkers;
        one.resume(two, &mut rng);
        two.resume(one, &mut rng);
    }
    for talker in &mut talkers {
        talker.guest.drain(Deadline::patient());
        talker.receive();
    }
    assert!(daemon.alive() && daemon.pid() == pid && daemon.json(&["status"])["pid"].as_u64() == Some(pid.into()));
    assert!(!daemon.log().contains("session ended"), "nobody had to connect anew: {}", daemon.log());
    all_arrives_once(&daemon, talkers.map(|talker| talker.guest));
}

/// What fits into the rings of both comes out on the other side, all of it, in order.
fn all_arrives_once(daemon: &Weftd, [mut one, mut two]: [tests::guest::SyntheticGuest; 2]) {
    const FRAMES: u64 = 200;
    ping(&mut one, &mut two, 1);
    daemon.signal(Signal::STOP);
    await_stopped(daemon);
    let (from, to) = (one.mac(), two.mac());
    (0..FRAMES).for_each(|number| one.send(&tests::frames::numbered(to, from, number, 200)));
    daemon.signal(Signal::CONT);
    let mut seen = Vec::new();
    two.recv_until(Deadline::patient(), |got| {
        seen.extend(number_of(&got.frame));
        seen.last() == Some(&(FRAMES - 1))
    });
    assert_eq!(seen, (0..FRAMES).collect::<Vec<_>>());
    one.drain(Deadline::patient());
    ping(&mut one, &mut two, 2);
}

#[test]
fn guests_that_connect_find_everything_once_when_weftd_goes_on() {
    stands_still(Side::Connects, 7);
}

#[test]
fn guests_that_listen_find_everything_once_when_weftd_goes_on() {
    stands_still(Side::Listens, 8);
}
