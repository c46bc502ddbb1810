// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest with two queue pairs moves under as much load as it can answer, while it writes its memory.

use tests::setup::Must;

use crate::lab::{Lab, PLAIN, Shape, moves};
use crate::table::Row;

/// About as much as an emulated guest can answer.
const LOADED: Shape = Shape { queue_pairs: 2, pace: [2000, 500], ..PLAIN };

/// What the guest writes again and again.
const WRITES: &str = "while :; do head -c 8388608 /dev/urandom >/tmp/written; done";

#[test]
fn a_loaded_guest_with_two_queue_pairs_moves() {
    let Some(mut lab) = Lab::open(LOADED) else { return };
    lab.guest.spawn(WRITES).must();
    let mut row = Row::new("two queue pairs under load");
    for number in 1..=moves(2) {
        let scene = lab.move_guest();
        eprintln!("under load, move {number}: {scene}");
        scene.outcome.assert_in_order();
        row.add(&scene, LOADED.offered());
    }
}
