// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A weftd is killed while the guest moves, that of the host which it leaves or that of the host where it goes. Wherever QEMU then
//! lets the guest be, it is reached again from both hosts. The guest lands only when QEMU, which tries at intervals, has connected
//! to the switch of the destination again: where there is none, its VMM has been seen to go.

use qemu::{Moving, Pace};
use tests::setup::Must;
use tests::wait::{Deadline, until};

use crate::lab::{Lab, PLAIN, SLOW, moves};
use crate::table::Row;

#[test]
fn a_guest_outlives_a_switch_that_is_killed_while_it_moves() {
    let Some(mut lab) = Lab::open(PLAIN) else { return };
    let mut rows = ["weftd of the source killed", "weftd of the destination killed"].map(Row::new);
    for number in 0..2 * moves(1) {
        let is_source = number % 2 == 0;
        let (incoming, socket) = lab.incoming();
        let scene = lab.watch(|lab| {
            lab.guest.start_move(&socket, SLOW).must();
            lab.await_half_way();
            lab.kill(if is_source { lab.at } else { 1 - lab.at });
            if !is_source {
                let came_back = || incoming.is_connected().must();
                until("the destination's QEMU to find its switch again", Deadline::patient(), came_back);
            }
            lab.guest.change_pace(Pace::default()).must();
            let has_moved = lab.guest.wait_move().must() == Moving::Completed;
            has_moved.then(|| {
                let moved = lab.guest.hand_over(&incoming).must();
                lab.settle_at(incoming);
                moved
            })
        });
        let whose = if is_source { "source" } else { "destination" };
        eprintln!("weftd of the {whose} killed, the guest is at host {}: {scene}", lab.at);
        scene.outcome.assert_in_order();
        rows[number % 2].add(&scene, PLAIN.offered());
    }
}
