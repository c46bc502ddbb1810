// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest with a failover pair moves while it uses its VF. QEMU has the guest let it go first (UNPLUG_PRIMARY), the guest goes on by
//! its standby, and at the other host it is offered a VF again.

use crate::lab::{Lab, PLAIN, Shape, moves};
use crate::table::Row;

#[test]
fn a_guest_moves_from_a_vf_to_a_vf() {
    let Some(mut lab) = Lab::open(Shape { has_vf: true, ..PLAIN }) else { return };
    let offer = |lab: &mut Lab| {
        let ((), outcome) = lab.during(|lab| lab.hosts[lab.at].offer_vf());
        // What waits in a NIC that opens late may come twice; that is no matter of the move.
        eprintln!("the VF at host {}: {outcome}", lab.at);
    };
    offer(&mut lab);
    let mut row = Row::new("from a VF to a VF");
    for _ in 0..moves(2) {
        let scene = lab.move_guest();
        eprintln!("from a VF: {scene}");
        // What a guest sent last by one NIC is overtaken by what it sends first by the other, now and then.
        scene.outcome.assert_once();
        row.add(&scene, PLAIN.offered());
        offer(&mut lab);
    }
}
