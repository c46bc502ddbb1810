// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest moves to the other host and back, keeps its connection, and hears there of routers that are dead.

use tests::wait::{Deadline, until};

use crate::connection::Connection;
use crate::lab::{Lab, PLAIN, moves};
use crate::table::Row;

#[test]
fn a_guest_moves_to_and_fro_under_its_streams() {
    let Some(mut lab) = Lab::open(PLAIN) else { return };
    let connection = Connection::open(&lab.hosts[0], &lab.guest);
    lab.hosts[0].speak_and_die();
    let mut row = Row::new("to and fro, with a TCP connection");
    for number in 1..=moves(3) {
        let before = lab.advertisements();
        let scene = lab.move_guest();
        eprintln!("move {number}: {scene}");
        scene.outcome.assert_in_order();
        row.add(&scene, PLAIN.offered());
        connection.iter().for_each(Connection::await_more);
        until("a router's words after landing", Deadline::patient(), || lab.advertisements() > before);
    }
}
