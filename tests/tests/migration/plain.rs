// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest moves to the other host and back, keeps its connection, and hears there of routers that are dead.

use tests::setup::Must;
use tests::wait::{Deadline, until};

use crate::connection::Connection;
use crate::lab::{Lab, PLAIN};

/// The variable that asks for more moves than a test should take.
const MOVES: &str = "WEFT_MIGRATIONS";
const MOVES_DEFAULT: usize = 3;

#[test]
fn a_guest_moves_to_and_fro_under_its_streams() {
    let Some(mut lab) = Lab::open(PLAIN) else { return };
    let moves = std::env::var(MOVES).map_or(MOVES_DEFAULT, |count| count.parse().expect("a number of moves"));
    let connection = Connection::open(&lab.hosts[0], &lab.guest);
    lab.hosts[0].speak_and_die();
    for number in 1..=moves {
        let before = advertisements(&lab);
        let scene = lab.move_guest();
        eprintln!("move {number}: {scene}");
        scene.outcome.assert_in_order();
        connection.iter().for_each(Connection::await_more);
        until("a router's words after landing", Deadline::patient(), || advertisements(&lab) > before);
    }
}

/// Router Advertisements that the guest has heard.
fn advertisements(lab: &Lab) -> u64 {
    let counted = "awk '$1 == \"Icmp6InRouterAdvertisements\" { print $2 }' /proc/net/snmp6";
    lab.guest.run_ok(counted).must().trim().parse().expect("a number")
}
