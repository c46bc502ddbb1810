// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A device that starts in the middle of a migration. QEMU says LOG_ALL, starts the rings, and gives the log last
//! (`vhost_dev_start` in its hw/virtio/vhost.c); what is written before that counts as well.
use tests::frames::numbered;
use tests::guest::SyntheticGuest;
use tests::seed::Rng;
use tests::wait::Deadline;

use crate::load::{Case, deliver, scene, stir};
use crate::migration::{Migration, set_log};

/// Frames for a guest whose rings have been kicked and whose VMM has given no log yet.
const EARLY: u64 = 300;

/// The log comes late, and the guest arrives whole all the same.
fn arrives(mut migration: Migration, one: &mut SyntheticGuest, two: &mut SyntheticGuest) {
    let (to, from) = (one.mac(), two.mac());
    (0..EARLY).for_each(|number| two.send(&numbered(to, from, number, 1400)));
    two.drain(Deadline::patient());
    set_log(one, migration.log());
    // Few, so that what came early is not written over.
    deliver(one, two, 5);
    migration.round(one);
    deliver(one, two, 5);
    migration.finish(one);
    one.set_logged(false, None);
    one.pause(false).expect("rings start again");
    deliver(one, two, 10);
}

#[test]
fn a_session_that_begins_with_a_migration_is_logged_from_its_first_write() {
    for case in Case::all() {
        let (daemon, mut one, mut two) = scene(&case);
        deliver(&mut one, &mut two, 50);
        one.hang_up();
        daemon.await_state("one", "down");
        let migration = Migration::at_rest(&mut one);
        one.set_logged(true, None);
        one.reconnect(Deadline::patient());
        arrives(migration, &mut one, &mut two);
    }
}

#[test]
fn rings_that_stop_and_start_are_logged_where_the_vmm_looks() {
    for case in Case::all() {
        let (_daemon, mut one, mut two) = scene(&case);
        let mut migration = Migration::begin(&mut one);
        deliver(&mut one, &mut two, 50);
        one.pause(true).expect("rings stop");
        migration.put_aside(&mut one);
        one.set_logged(true, None);
        one.pause(false).expect("rings start again");
        arrives(migration, &mut one, &mut two);
    }
}

/// The guest reboots again and again; each time QEMU has another log.
#[test]
fn a_guest_that_reboots_on_the_way_arrives_whole() {
    for (seed, case) in (0x71..).zip(Case::all()) {
        let (_daemon, mut one, mut two) = scene(&case);
        let (other, mut rng) = (two.mac(), Rng::from_env(seed));
        let mut migration = Migration::begin(&mut one);
        for _ in 0..5 {
            deliver(&mut one, &mut two, 20);
            stir(&mut one, other, &mut rng);
            one.pause(true).expect("rings stop");
            migration.put_aside(&mut one);
            one.set_logged(true, Some(migration.log().share()));
            one.pause(false).expect("rings start again");
        }
        deliver(&mut one, &mut two, 20);
        migration.finish(&mut one);
    }
}
