// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Another weftd takes over in the middle of a migration: what the one before has marked stays, and the other marks on.
use tests::frames::numbered;
use tests::seed::Rng;
use tests::wait::Deadline;

use crate::load::{Case, deliver, scene, stir, under_load};
use crate::migration::{Migration, set_log};

#[test]
fn a_guest_arrives_whole_though_weftd_is_upgraded_on_the_way() {
    for (seed, case) in (0x5a..).zip(Case::all()) {
        let (mut daemon, mut one, two) = scene(&case);
        let (other, mut rng) = (two.mac(), Rng::from_env(seed));
        under_load(&mut one, two, seed + 0x10, |one| {
            let mut migration = Migration::begin(one);
            stir(one, other, &mut rng);
            migration.round(one);
            daemon.upgrade();
            stir(one, other, &mut rng);
            let marked = migration.round(one);
            assert!(!marked.is_empty(), "the other marks what it writes");
            migration.renew(one);
            stir(one, other, &mut rng);
            migration.finish(one);
            one.pause(false).expect("rings start again");
        });
    }
}

/// QEMU has started the rings and not given the log yet: the other waits for it as well.
#[test]
fn a_log_that_has_not_come_is_waited_for_by_the_other() {
    for case in Case::all() {
        let (mut daemon, mut one, mut two) = scene(&case);
        deliver(&mut one, &mut two, 100);
        one.hang_up();
        daemon.await_state("one", "down");
        let migration = Migration::at_rest(&mut one);
        one.set_logged(true, None);
        one.reconnect(Deadline::patient());
        daemon.upgrade();
        (0..200).for_each(|number| two.send(&numbered(one.mac(), two.mac(), number, 1400)));
        two.drain(Deadline::patient());
        set_log(&mut one, migration.log());
        deliver(&mut one, &mut two, 5);
        migration.finish(&mut one);
    }
}
