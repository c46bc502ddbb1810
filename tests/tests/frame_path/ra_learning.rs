// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Routers that are not heard yet, or not at all: control may hear them, nobody else does, and each is counted.

use std::net::Ipv6Addr;

use dataplane::limits::SNOOP_PORT;
use dataplane::{DropReason, MacPolicy, RaGuard, Role, RouterGate};
use tests::rig::{Moved, PortOptions, Rig, mac};
use wire::build::{self, Ether, Ip};

use super::guard::{LINK_LOCAL, rogues};
use super::snoop::{HOST, OTHER, ROUTER, advertisement, scene, solicit, tag};
use super::{frame, numbered};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// A scene whose router is behind this gate.
fn gated(gate: RouterGate) -> Rig {
    let mut rig = scene();
    rig.port(ROUTER).port().set_router_gate(gate);
    rig
}

/// An IPv6 packet of the router whose headers lead to this number.
fn odd(number: u8, bytes: &[u8]) -> Vec<u8> {
    Ether::new(mac(HOST), mac(ROUTER)).ip(Ip::v6(LINK_LOCAL, ALL_NODES).hops(255)).raw(number, bytes)
}

#[test]
fn while_it_is_learnt_control_alone_hears_advertisements_and_nobody_a_redirect() {
    let mut rig = gated(RouterGate::Learning);
    for (dress, frame) in rogues() {
        rig.send(ROUTER, &frame);
        let heard = if dress == "a redirect" { vec![] } else { vec![(tag(ROUTER), true)] };
        assert_eq!((rig.received(HOST).len(), rig.received(OTHER).len(), rig.taken()), (0, 0, heard), "{dress}");
        assert_eq!(rig.moved(ROUTER).drops, [(DropReason::RaLearning, 1)], "{dress}");
    }
    let count = SNOOP_PORT as u64 + 3;
    rig.send_all(ROUTER, &vec![advertisement(0); SNOOP_PORT + 3]);
    assert_eq!(rig.moved(ROUTER).drops, [(DropReason::RaLearning, count)], "those too that control does not hear");
    assert_eq!((rig.taken().len(), rig.received(HOST).len()), (SNOOP_PORT, 0));
}

#[test]
fn behind_a_closed_gate_nobody_hears_a_router_in_any_dress() {
    let mut rig = gated(RouterGate::Closed);
    for (dress, frame) in rogues() {
        rig.send(ROUTER, &frame);
        assert_eq!(rig.moved(ROUTER), Moved::sent(1, frame.len()).dropped(DropReason::RaBlocked, 1), "{dress}");
        assert_eq!((rig.received(HOST).len(), rig.taken()), (0, vec![]), "{dress}");
    }
    rig.port(ROUTER).port().set_router_gate(RouterGate::Open);
    for (dress, frame) in rogues() {
        rig.send(ROUTER, &frame);
        assert_eq!(rig.received(HOST), [frame], "{dress}: it opens with the next burst");
    }
}

#[test]
fn what_could_hide_a_router_does_not_pass_either_and_all_else_does() {
    for gate in [RouterGate::Learning, RouterGate::Closed] {
        let mut rig = gated(gate);
        for (frame, reason) in [
            (odd(60, &[60, 200, 0, 0, 0, 0, 0, 0]), DropReason::Unclassifiable),
            (odd(253, &[58; 24]), DropReason::UnrecognisedHeader),
        ] {
            rig.send(ROUTER, &frame);
            assert_eq!(rig.moved(ROUTER).drops, [(reason, 1)], "{gate:?}");
        }
        let neighbor = build::neighbor_announcement(mac(ROUTER), LINK_LOCAL, false);
        let others =
            [frame(mac(OTHER), mac(ROUTER)), neighbor, solicit(ROUTER, 1), numbered(mac(OTHER), mac(ROUTER), 2, 900)];
        rig.send_all(ROUTER, &others);
        assert_eq!((rig.received(OTHER), rig.moved(ROUTER).drops), (others.to_vec(), vec![]), "{gate:?}");
        rig.taken();
        rig.send(HOST, &build::advertisement(mac(HOST), LINK_LOCAL, 1800, &[]));
        assert_eq!(rig.moved(HOST).drops, [(DropReason::RogueRouter, 1)], "a host is one as before");
    }
}

#[test]
fn rules_come_before_what_is_learnt() {
    let mut rig = gated(RouterGate::Learning);
    let elsewhere = ["fe80::9".parse().expect("an address")].into();
    rig.port(ROUTER).port().set_ra_guard(&RaGuard { routers: elsewhere, ..RaGuard::default() });
    rig.send(ROUTER, &advertisement(0));
    assert_eq!((rig.moved(ROUTER).drops, rig.taken()), (vec![(DropReason::RaRouter, 1)], vec![]));
}

#[test]
fn an_end_of_a_link_has_a_gate_of_its_own() {
    for (gate, reason, heard) in
        [(RouterGate::Learning, DropReason::RaLearning, 2), (RouterGate::Closed, DropReason::RaBlocked, 1)]
    {
        let mut rig = Rig::new();
        for (namespace, role) in [(0, Role::Router), (0, Role::Host), (1, Role::Router), (1, Role::Host)] {
            rig.add(namespace, &PortOptions { macs: MacPolicy::Any, ..PortOptions::with_role(role) });
        }
        rig.link(1, 2);
        rig.port(2).port().set_router_gate(gate);
        rig.send(0, &advertisement(0));
        assert_eq!((rig.moved(2).drops, rig.received(3).len()), (vec![(reason, 1)], 0), "where it comes out");
        assert_eq!((rig.moved(0).drops, rig.taken().len()), (vec![], heard), "and where it was sent it is heard");
    }
}
