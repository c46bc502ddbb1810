// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every byte of a guest's memory is at the destination when its rings have stopped.
use tests::frames::Mac;
use tests::guest::SyntheticGuest;
use tests::memory::Range;
use tests::seed::Rng;
use tests::weftd::Weftd;

use crate::load::{Case, scene, scene_with, stir, under_load};
use crate::log::Log;
use crate::migration::Migration;

/// Migrations of each kind of guest.
const MIGRATIONS: usize = 100;

/// One migration, with rounds and renewed logs as it pleases chance; it may be cancelled half-way. Returns its logs.
fn migrate(guest: &mut SyntheticGuest, other: Mac, rng: &mut Rng) -> Vec<Log> {
    let mut migration = Migration::begin(guest);
    for _ in 0..rng.between(0, 4) {
        stir(guest, other, rng);
        match rng.between(0, 3) {
            0 => migration.renew(guest),
            _ => drop(migration.round(guest)),
        }
    }
    stir(guest, other, rng);
    if rng.one_in(8) {
        return migration.cancel(guest);
    }
    let logs = migration.finish(guest);
    // The destination did not come up; the guest goes on here.
    guest.pause(false).expect("rings start again");
    logs
}

fn migrate_often(case: &Case, seed: u64) {
    migrate_often_on(Weftd::start(), case, seed);
}

fn migrate_often_on(daemon: Weftd, case: &Case, seed: u64) {
    let (daemon, mut one, two) = scene_with(daemon, case);
    let other = two.mac();
    let mut rng = Rng::from_env(seed);
    under_load(&mut one, two, seed + 1, |one| {
        let mut before: Vec<Log> = Vec::new();
        for number in 0..MIGRATIONS {
            let logs = migrate(one, other, &mut rng);
            stir(one, other, &mut rng);
            for log in before.iter().chain(&logs) {
                assert!(log.take().is_empty(), "a log of migration {number} or the one before is written to");
            }
            before = logs;
        }
    });
    let port = daemon.port("one");
    assert!(port["state"] == "up", "{port:#}");
}

#[test]
fn a_guest_with_one_queue_pair_arrives_whole() {
    migrate_often(&Case::all()[0], 0x51);
}

#[test]
fn a_guest_with_flags_and_split_buffers_arrives_whole() {
    migrate_often(&Case::all()[1], 0x52);
}

#[test]
fn a_guest_with_four_queue_pairs_and_indirect_tables_arrives_whole() {
    migrate_often(&Case::all()[2], 0x53);
}

/// Two workers deliver into the same rings and mark in the same log.
#[test]
fn a_guest_with_four_queue_pairs_and_two_workers_arrives_whole() {
    migrate_often_on(Weftd::start_with(&["--workers", "2"]), &Case::all()[2], 0x56);
}

/// Memory that is plugged in meanwhile is covered, and the queues that lie in it.
#[test]
fn memory_that_is_plugged_in_on_the_way_arrives_whole() {
    const PLUGGED: Range = Range { gpa: 1 << 34, size: 16 << 20 };
    let (_daemon, mut one, two) = scene(&Case::all()[0]);
    let other = two.mac();
    let mut rng = Rng::from_env(0x54);
    under_load(&mut one, two, 0x55, |one| {
        let mut migration = Migration::begin_with(one, Log::below(PLUGGED.gpa + PLUGGED.size));
        stir(one, other, &mut rng);
        one.add_memory(PLUGGED).expect("memory can be plugged in");
        migration.extend(one);
        (0..20).for_each(|_| stir(one, other, &mut rng));
        migration.round(one);
        while one.memory().allocate(1 << 12, 4096).gpa() < PLUGGED.gpa {}
        one.set_logged(true, Some(migration.log().share()));
        one.reboot().expect("a guest can reboot");
        let pages = (0..20).flat_map(|_| {
            stir(one, other, &mut rng);
            migration.round(one)
        });
        assert!(pages.filter(|page| *page >= PLUGGED.gpa).count() > 0, "the queues lie in the plugged memory");
        migration.finish(one);
    });
}
