// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Forged Router Advertisements against a real weftd, fewer than `cargo xtask soak --forged` sends.
#![forbid(unsafe_code)]

use tests::flood::{Besieged, Siege};

/// Enough to fill all that is bounded many times over.
const FRAMES: u64 = 100_000;
/// Kilobytes by which the daemon may grow when it is full: what lists take while they are sent.
const GROWTH_MAX: u64 = 4096;

fn flood(kind: Besieged) {
    let mut siege = Siege::new(kind);
    siege.fill();
    siege.check();
    let before = siege.memory_kb();
    siege.flood(FRAMES);
    siege.check();
    let after = siege.memory_kb();
    assert!(after <= before + GROWTH_MAX, "{before} kB have become {after} kB");
    siege.ask();
}

#[test]
fn a_host_that_forges_is_heard_by_nobody() {
    flood(Besieged::ByHost);
}

#[test]
fn a_router_that_forges_takes_no_more_than_its_share() {
    flood(Besieged::ByRouter);
}

#[test]
fn a_quota_holds_under_a_flood() {
    flood(Besieged::ByRouterWithQuota);
}

#[test]
fn a_host_that_sees_one_pvd_gets_nothing_of_a_flood_of_others() {
    flood(Besieged::ByMediatedRouter);
}
