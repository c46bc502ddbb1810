// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A move that is called off half way: the guest stays where it is and loses nothing, and the other port is idle again.

use qemu::Moving;
use tests::setup::Must;

use crate::lab::{Lab, PLAIN, SLOW};

#[test]
fn a_move_that_is_called_off_leaves_all_as_it_was() {
    let Some(mut lab) = Lab::open(PLAIN) else { return };
    for _ in 0..2 {
        let (incoming, socket) = lab.incoming();
        let ((), outcome) = lab.during(|lab| {
            lab.guest.start_move(&socket, SLOW).must();
            lab.await_half_way();
            lab.guest.cancel_move().must();
            assert_eq!(lab.guest.wait_move().must(), Moving::Cancelled);
        });
        eprintln!("called off: {outcome}");
        outcome.assert_in_order();
        assert!(outcome.all().all(|report| report.lost() == 0), "{outcome}");
        drop(incoming);
        lab.hosts[1].daemon.await_state("guest", "down");
    }
    let scene = lab.move_guest();
    eprintln!("after two that were called off: {scene}");
    scene.outcome.assert_in_order();
}
