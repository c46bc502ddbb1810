// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Forged Router Advertisements, fewer than `cargo xtask soak --forged` sends: when all room is taken, more take none.

use allocation_counter::measure;
use dataplane::Role;
use tests::flood::Flood;

/// After so many all that is bounded is full, and after so many more it still is.
const FILL: u64 = 20_000;
const MORE: u64 = 40_000;
/// Bytes by which what is kept may differ: names are of different lengths.
const SLACK: i64 = 64 << 10;

fn flood(role: Role) {
    let mut flood = Flood::new(role);
    flood.forge(FILL);
    flood.check(role);
    let more = measure(|| flood.forge(MORE));
    flood.check(role);
    assert!(more.bytes_current <= SLACK, "{role:?}: {} bytes more", more.bytes_current);
}

#[test]
fn from_a_host_they_are_dropped_and_cost_nothing() {
    flood(Role::Host);
}

#[test]
fn from_a_router_they_fill_what_a_port_may_have_and_no_more() {
    flood(Role::Router);
}
