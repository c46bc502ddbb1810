// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest moves to a host that has taken its port over (`weft migrate prepare`) and had none before.

use std::net::Ipv6Addr;

use tests::setup::Must;
use tests::wait::{Deadline, until};

use crate::connection::Connection;
use crate::hosts::{PREFIXES, ROUTERS};
use crate::lab::{Lab, PLAIN, moves};
use crate::table::Row;

#[test]
fn a_guest_moves_to_and_fro_with_its_port() {
    let Some(mut lab) = Lab::open(PLAIN) else { return };
    lab.hosts[1].lack_guest();
    let connection = Connection::open(&lab.hosts[0], &lab.guest);
    lab.hosts[0].speak_and_die();
    for told in [false, true] {
        let what = if told { "to and fro, each prepared, the destination told" } else { "to and fro, each prepared" };
        let mut row = Row::new(what);
        for number in 1..=moves(2) {
            let before = lab.advertisements();
            let waiting = told.then(|| lab.prepare_and_wait());
            if !told {
                lab.prepare();
            }
            let scene = lab.move_guest();
            eprintln!("{what}, move {number}: {scene}");
            scene.outcome.assert_in_order();
            row.add(&scene, PLAIN.offered());
            if told {
                scene.assert_none_lost_while_it_ran();
            }
            arrived(&lab);
            if let Some(waiting) = waiting {
                assert_eq!(waiting.end(), (0, "guest: its guest has moved\n".to_owned()));
            }
            connection.iter().for_each(Connection::await_more);
            until("a router's words after landing", Deadline::patient(), || lab.advertisements() > before);
        }
    }
}

#[test]
fn a_guest_that_comes_to_other_routers_gives_up_those_of_before() {
    let Some(mut lab) = Lab::open(PLAIN) else { return };
    lab.hosts[1].lack_guest();
    for host in &lab.hosts {
        host.keep_routers_out();
        host.speak_and_die();
    }
    until("the guest to believe its router", Deadline::patient(), || routers(&lab) == [ROUTERS[0]]);
    until("its address", Deadline::patient(), || in_use(&lab, PREFIXES[0]));
    let mut row = Row::new("to other routers, each prepared");
    for there in [1, 0] {
        lab.prepare();
        let scene = lab.move_guest();
        eprintln!("to other routers: {scene}");
        scene.outcome.assert_in_order();
        row.add(&scene, PLAIN.offered());
        arrived(&lab);
        until("the routers of there", Deadline::patient(), || routers(&lab) == [ROUTERS[there]]);
        until("an address of there", Deadline::patient(), || in_use(&lab, PREFIXES[there]));
        assert!(!in_use(&lab, PREFIXES[1 - there]), "{}", addresses(&lab));
    }
}

/// Both know where the guest is.
fn arrived(lab: &Lab) {
    lab.hosts[lab.at].daemon.await_port("guest", |port| port["handover"].is_null() && port["state"] == "up");
    lab.hosts[1 - lab.at].daemon.await_port("guest", |port| port["handover"] == "moved");
}

/// The default routers that the guest believes in.
fn routers(lab: &Lab) -> Vec<Ipv6Addr> {
    let routes = lab.guest.run_ok("ip -6 route").must();
    let ways = routes.lines().filter_map(|line| line.strip_prefix("default via ")?.split(' ').next());
    ways.filter_map(|way| way.parse().ok()).collect()
}

/// Whether the guest has an address of that prefix by which it would speak of itself.
fn in_use(lab: &Lab, prefix: Ipv6Addr) -> bool {
    let all = addresses(lab);
    let of_prefix = |line: &&str| {
        let address = line.trim_start().strip_prefix("inet6 ").and_then(|line| line.split('/').next());
        let address: Option<Ipv6Addr> = address.and_then(|address| address.parse().ok());
        address.is_some_and(|address| address.segments()[..4] == prefix.segments()[..4])
    };
    all.lines().filter(of_prefix).any(|line| !line.contains("deprecated"))
}

fn addresses(lab: &Lab) -> String {
    lab.guest.run_ok("ip -6 addr show dev eth0").must()
}
