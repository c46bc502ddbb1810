// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `kill -9` in the middle of a migration, at any moment of a full load. The VMM connects to the next weftd, with another log.
//!
//! What a weftd has written into a receive buffer before it was killed, and not told the guest, is nobody's, and need not be
//! copied. So all frames are of one length, and in the end all buffers have been used once more.
use tests::guest::SyntheticGuest;
use tests::seed::Rng;
use tests::wait::Deadline;
use tests::weftd::Weftd;

use crate::load::{Case, deliver, say, scene};
use crate::migration::Migration;

/// Kills of each kind of guest.
const KILLS: usize = 6;
/// More than a receive queue has buffers.
const ALL_BUFFERS: usize = 200;

/// Load with rounds between, for so many turns.
fn run(migration: &mut Migration, [one, two]: [&mut SyntheticGuest; 2], rng: &mut Rng, turns: usize) {
    for _ in 0..turns {
        let count = rng.between(1, 100);
        say(two, one.mac(), count);
        say(one, two.mac(), 5);
        for guest in [&mut *one, &mut *two] {
            while guest.recv().is_some() {}
        }
        if rng.one_in(8) {
            migration.round(one);
        }
    }
}

/// weftd is killed, and another started. QEMU fetches what is in the log and has another for the next start.
fn die(daemon: &mut Weftd, guests: [&mut SyntheticGuest; 2], migration: &mut Migration) {
    daemon.kill_9();
    let [one, _] = guests.map(|guest| {
        guest.hang_up();
        guest
    });
    migration.put_aside(one);
    daemon.restart();
}

fn kill_on_the_way(daemon: &mut Weftd, [one, two]: [&mut SyntheticGuest; 2], rng: &mut Rng) {
    let mut migration = Migration::begin(one);
    let turns = rng.between(1, 60);
    run(&mut migration, [&mut *one, &mut *two], rng, turns);
    // Whatever the worker is doing with these.
    let count = rng.between(1, 100);
    say(two, one.mac(), count);
    die(daemon, [&mut *one, &mut *two], &mut migration);
    if rng.one_in(2) {
        // And the next one before it is given a log.
        one.set_logged(true, None);
        [&mut *one, &mut *two].into_iter().for_each(|guest| guest.reconnect(Deadline::patient()));
        say(two, one.mac(), 100);
        two.drain(Deadline::patient());
        die(daemon, [&mut *one, &mut *two], &mut migration);
    }
    one.set_logged(true, Some(migration.log().share()));
    [&mut *one, &mut *two].into_iter().for_each(|guest| guest.reconnect(Deadline::patient()));
    let turns = rng.between(1, 20);
    run(&mut migration, [&mut *one, &mut *two], rng, turns);
    deliver(one, two, ALL_BUFFERS);
    migration.finish(one);
    one.set_logged(false, None);
    one.pause(false).expect("rings start again");
}

#[test]
fn a_guest_arrives_whole_though_weftd_is_killed_on_the_way() {
    for (seed, case) in (0x81..).zip(Case::all()) {
        let mut rng = Rng::from_env(seed);
        let (mut daemon, mut one, mut two) = scene(&case);
        for _ in 0..KILLS {
            kill_on_the_way(&mut daemon, [&mut one, &mut two], &mut rng);
        }
        let port = daemon.port("one");
        assert!(port["state"] == "up", "{port:#}");
    }
}
