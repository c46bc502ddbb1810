// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest with a failover pair moves while it uses its VF. QEMU has the guest let it go first (UNPLUG_PRIMARY), the guest goes on by
//! its standby, and at the other host it is offered a VF again.

use qemu::Moving;
use tests::setup::Must;

use crate::lab::{Lab, PLAIN, SLOW, Shape, moves};
use crate::table::Row;

/// Requests, more than find no room in its rings, that a guest may lose while it runs: what is in its NICs when it changes from one to the
/// other. Who went on by the VF until the guest stops would lose hundreds.
const LOST_MAX: u64 = 30;

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
        let is_explained = scene.lost_while_it_ran() <= scene.explained() + LOST_MAX;
        assert!(is_explained, "it was not steered to its standby when its VF was taken: {scene}");
        row.add(&scene, PLAIN.offered());
        offer(&mut lab);
    }
}

#[test]
fn a_move_that_is_called_off_gives_a_guest_its_vf_back() {
    let Some(mut lab) = Lab::open(Shape { has_vf: true, ..PLAIN }) else { return };
    lab.hosts[0].offer_vf();
    let mut row = Row::new("from a VF, called off half way");
    let (incoming, socket) = lab.incoming();
    let scene = lab.watch(|lab| {
        lab.guest.start_move(&socket, SLOW).must();
        lab.await_half_way();
        assert_ne!(lab.hosts[0].vf_state(), "on-vf", "a guest is not moved with its VF");
        lab.guest.cancel_move().must();
        assert_eq!(lab.guest.wait_move().must(), Moving::Cancelled);
        lab.hosts[0].await_vf();
        None
    });
    // When it is offered its VF again, what waits in a NIC that opens late may come twice.
    eprintln!("from a VF, called off: {scene}");
    assert!(scene.lost_while_it_ran() <= scene.explained() + LOST_MAX, "{scene}");
    row.add(&scene, PLAIN.offered());
    drop(incoming);
    lab.hosts[1].daemon.await_state("guest", "down");
    let scene = lab.move_guest();
    eprintln!("from a VF after a move that was called off: {scene}");
    scene.outcome.assert_once();
    lab.hosts[1].offer_vf();
}
