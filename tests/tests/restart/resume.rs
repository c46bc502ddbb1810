// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `kill -9` at any moment of a full load, as often as `WEFT_KILLS` says: nothing comes twice, damaged or out of order, and no ring is
//! stuck. How long it takes until frames come again is printed: from the kill, and from the moment when weftd is started again.
use std::thread;
use std::time::{Duration, Instant};

use tests::guest::{GuestOptions, Side};
use tests::seed::Rng;
use tests::wait::Deadline;
use tests::weftd::Weftd;

use crate::kill::daemon_with;
use crate::talker::Talker;

/// The variable that asks for more kills than a test should take.
const KILLS: &str = "WEFT_KILLS";
const KILLS_DEFAULT: usize = 5;
/// Frames that are sent with one kick under full load.
const BURST: usize = 64;

/// Sends and receives for `turns` turns.
fn talk(talkers: &mut [Talker; 2], rng: &mut Rng, turns: usize) {
    for _ in 0..turns {
        for talker in &mut *talkers {
            talker.send(rng, BURST);
            talker.receive();
        }
    }
}

/// Kills weftd, starts it again, and waits until both have got something since. Gives the times until then.
fn kill_once(daemon: &mut Weftd, talkers: &mut [Talker; 2], rng: &mut Rng) -> [Duration; 2] {
    let killed = Instant::now();
    daemon.kill_9();
    talk(talkers, rng, 1);
    let before = talkers.each_ref().map(|talker| talker.last.clone());
    let started = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| daemon.restart());
        talkers.iter_mut().for_each(|talker| talker.guest.reconnect(Deadline::patient()));
        let deadline = Deadline::patient();
        while talkers.iter().zip(&before).any(|(talker, before)| !talker.has_heard_since(before)) {
            assert!(!deadline.passed(), "nothing comes any more");
            talk(talkers, rng, 1);
        }
        [killed, started].map(|since| since.elapsed())
    })
}

/// There is a worker for each queue pair, and both deliver into the same rings.
fn resumes(side: Side, pairs: u16, seed: u64) {
    let mut rng = Rng::from_env(seed);
    let mut daemon = daemon_with(side, pairs);
    let options = |name: &str, number: u8| GuestOptions { side, queue_pairs: pairs, ..GuestOptions::new(name, number) };
    let (one, two) = (daemon.attach_as("one", options("one", 1)), daemon.attach_as("two", options("two", 2)));
    let (to_one, to_two) = (one.mac(), two.mac());
    let mut talkers = [Talker::new(one, to_two), Talker::new(two, to_one)];
    let kills = std::env::var(KILLS).map_or(KILLS_DEFAULT, |count| count.parse().expect("a number of kills"));
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..kills {
        let turns = rng.between(1, 200);
        talk(&mut talkers, &mut rng, turns);
        let took = kill_once(&mut daemon, &mut talkers, &mut rng);
        times.iter_mut().zip(took).for_each(|(times, took)| times.push(took));
        // No ring is stuck, whichever way.
        let [one, two] = &mut talkers;
        one.resume(two, &mut rng);
        two.resume(one, &mut rng);
    }
    eprintln!(
        "{kills} kills, {pairs} queue pairs, guests of side {side:?}: from the kill {}; from the start {}",
        spread(&mut times[0]),
        spread(&mut times[1])
    );
}

/// The shortest, the median, the 95th of a hundred and the longest.
fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    format!("{:?} / {:?} / {:?} / {:?}", at(0), at(50), at(95), at(100))
}

#[test]
fn frames_come_again_to_guests_that_connect() {
    resumes(Side::Connects, 1, 5);
}

#[test]
fn frames_come_again_to_guests_that_listen() {
    resumes(Side::Listens, 1, 6);
}

#[test]
fn frames_come_again_to_guests_whose_queues_are_of_two_workers() {
    resumes(Side::Connects, 2, 7);
}
