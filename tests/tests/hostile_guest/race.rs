// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A second virtual CPU rewrites everything while the worker looks at it. `cargo xtask soak` does this for as long as
//! one likes; here it is bounded work, whatever the scheduler does.

use tests::race::{Race, Tally, Target};

const ROUNDS: u64 = 4000;

fn race(target: Target) -> Tally {
    let tally = Race::new(target, 12).run(|tally| tally.rounds == ROUNDS);
    eprintln!("{target:?}: {tally:?}");
    tally
}

#[test]
fn g12_rewrites_descriptors() {
    race(Target::Descriptors);
}

#[test]
fn g12_rewrites_an_indirect_table() {
    assert!(race(Target::Table).arrived > 0, "the other chains are honest");
}

#[test]
fn g12_rewrites_lengths() {
    race(Target::Lengths);
}

#[test]
fn g12_rewrites_the_available_ring() {
    race(Target::Available);
}

#[test]
fn g12_rewrites_the_used_ring() {
    let tally = race(Target::Used);
    assert_eq!((tally.dropped, tally.broken), (0, 0), "nothing of it is ever read");
}

#[test]
fn g12_rewrites_virtio_net_headers() {
    assert!(race(Target::Offloads).arrived > 0, "most frames are honest");
}

#[test]
fn g12_rewrites_headers_and_addresses_of_its_frames() {
    assert!(race(Target::Headers).arrived > 0, "most frames are honest");
}

#[test]
fn g12_rewrites_its_receive_ring() {
    let tally = race(Target::Receive);
    assert!(tally.arrived > 4 * ROUNDS, "what it sends is not touched by it");
}
