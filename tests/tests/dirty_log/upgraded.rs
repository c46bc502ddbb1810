// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Another weftd takes over in the middle of a migration: what the one before has marked stays, and the other marks on.
use tests::seed::Rng;

use crate::load::{Case, scene, stir, under_load};
use crate::migration::Migration;

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
