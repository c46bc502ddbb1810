// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Order within a flow, whichever workers its frames meet.

use std::time::Duration;

use tests::guest::SyntheticGuest;
use tests::seed::Rng;
use tests::wait::Deadline;
use tests::weftd::Weftd;

use crate::traffic;

fn with_workers(workers: &str, seed: u64, between: traffic::Between) {
    traffic::run(&Weftd::start_with(&["--workers", workers]), seed, between);
}

#[test]
fn two_workers_keep_every_flow_whole_and_in_order() {
    with_workers("2", 0x5eed_0001, |_, _| {});
}

#[test]
fn four_workers_keep_every_flow_whole_and_in_order() {
    with_workers("4", 0x5eed_0101, |_, _| {});
}

/// Its queues stop and start, and land on other workers, while everybody's frames are under way.
#[test]
fn guests_that_pause_and_attach_again_lose_and_reorder_nothing() {
    with_workers("3", 0x5eed_0201, |guest: &mut SyntheticGuest, rng: &mut Rng| {
        if rng.one_in(100) {
            guest.pause(true).expect("the switch follows");
            guest.pause(false).expect("the switch follows");
        }
        if rng.one_in(200) {
            guest.detach().expect("the switch follows");
            guest.reconnect(Deadline::after(Duration::from_secs(60)));
        }
    });
}
