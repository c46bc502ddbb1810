// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A weftd is killed while the guest moves, that of the host which it leaves or that of the host where it goes. Wherever QEMU then
//! lets the guest be, it is reached again from both hosts. The guest lands only when QEMU, which tries at intervals, has connected
//! to the switch of the destination again: where there is none, its VMM has been seen to go.

use qemu::{Moving, Pace};
use tests::setup::Must;
use tests::wait::{Deadline, until};

use crate::lab::{Lab, PLAIN, SLOW};

#[test]
fn a_guest_outlives_a_switch_that_is_killed_while_it_moves() {
    let Some(mut lab) = Lab::open(PLAIN) else { return };
    for is_source in [true, false] {
        let (incoming, socket) = lab.incoming();
        let host = if is_source { lab.at } else { 1 - lab.at };
        let (ended, outcome) = lab.during(|lab| {
            lab.guest.start_move(&socket, SLOW).must();
            lab.await_half_way();
            lab.kill(host);
            if !is_source {
                let came_back = || incoming.is_connected().must();
                until("the destination's QEMU to find its switch again", Deadline::patient(), came_back);
            }
            lab.guest.change_pace(Pace::default()).must();
            let ended = lab.guest.wait_move().must();
            if ended == Moving::Completed {
                incoming.take_over(&lab.guest).must();
                lab.settle_at(incoming);
            }
            ended
        });
        let whose = if is_source { "source" } else { "destination" };
        eprintln!("weftd of the {whose} killed, the guest is at host {} ({ended:?}): {outcome}", lab.at);
        outcome.assert_in_order();
    }
}
