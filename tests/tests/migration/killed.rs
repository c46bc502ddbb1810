// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A weftd is killed while the guest moves. Where it is that of the host which the guest leaves, the guest is reached at the other
//! from both. Where it is that of the other host, the move is called off: QEMU gives up a guest that lands where there is no switch.

use qemu::{Moving, Pace};
use tests::setup::Must;

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
            if is_source {
                lab.guest.change_pace(Pace::default()).must();
            } else {
                lab.guest.cancel_move().must();
            }
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
