// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Random lives of the simulated world, each with every oracle watching. `WEFT_SEED=N` repeats one.

use tests::seed::Rng;
use tests::sim::{LinkedWorld, World};

const STEPS: usize = 4000;

#[test]
fn two_tenants_with_the_same_addresses_never_meet() {
    for seed in 1..=8 {
        let mut world = World::new(Rng::from_env(seed), 2, 3);
        (0..STEPS).for_each(|_| world.step());
        world.finish();
    }
}

#[test]
fn one_crowded_tenant_conserves_every_frame() {
    for seed in 100..=103 {
        let mut world = World::new(Rng::from_env(seed), 1, 12);
        (0..STEPS).for_each(|_| world.step());
        world.finish();
    }
}

#[test]
fn a_tenant_alone_with_itself_reaches_nobody() {
    let mut world = World::new(Rng::from_env(7), 3, 1);
    (0..STEPS).for_each(|_| world.step());
    world.finish();
}

#[test]
fn frames_cross_links_that_exist_and_no_others() {
    for seed in 200..=207 {
        let mut world = LinkedWorld::new(Rng::from_env(seed), 5, 2);
        (0..STEPS).for_each(|_| world.step());
        assert!(world.finish() > 0, "some frames cross");
    }
}
