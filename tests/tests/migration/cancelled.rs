// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A move that is called off half way, or fails: the guest stays where it is and loses nothing, and the other port is idle again.

use qemu::{Guest, Moving};
use tests::setup::Must;

use crate::lab::{Lab, PLAIN, SLOW, moves};
use crate::table::Row;

#[test]
fn a_move_that_is_called_off_leaves_all_as_it_was() {
    let Some(mut lab) = Lab::open(PLAIN) else { return };
    let mut row = Row::new("called off half way");
    for _ in 0..moves(2) {
        lab.stay(&mut row, &Moving::Cancelled, |lab, _| lab.guest.cancel_move().must());
    }
    let mut row = Row::new("after those that were called off");
    let scene = lab.move_guest();
    eprintln!("after those that were called off: {scene}");
    scene.outcome.assert_in_order();
    row.add(&scene, PLAIN.offered());
}

#[test]
fn a_move_whose_destination_dies_leaves_all_as_it_was() {
    let Some(mut lab) = Lab::open(PLAIN) else { return };
    let mut row = Row::new("the destination's QEMU killed half way");
    for _ in 0..moves(2) {
        lab.stay(&mut row, &Moving::Failed, |_, incoming| incoming.kill());
    }
}

impl Lab {
    /// Begins a move that comes to this end half way, since the test does something then.
    fn stay(&mut self, row: &mut Row, end: &Moving, act: impl FnOnce(&Lab, &Guest)) {
        let (incoming, socket) = self.incoming();
        let scene = self.watch(|lab| {
            lab.guest.start_move(&socket, SLOW).must();
            lab.await_half_way();
            act(lab, &incoming);
            assert_eq!(&lab.guest.wait_move().must(), end);
            None
        });
        eprintln!("{end:?}: {scene}");
        scene.outcome.assert_in_order();
        assert!(scene.outcome.all().all(|report| report.lost() == 0), "{scene}");
        row.add(&scene, PLAIN.offered());
        drop(incoming);
        self.hosts[1].daemon.await_state("guest", "down");
    }
}
