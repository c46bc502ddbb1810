// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The IP addresses that a guest says are its own: which are believed, of whom, and how many.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use dataplane::limits::{ADDRESS_AGE, ADDRESSES_V4, ADDRESSES_V6};
use dataplane::{Address, DropReason, Limit, Limits, MacPolicy, Rate, Role};
use tests::rig::{PortOptions, Rig, mac};
use wire::build;

const GUEST: usize = 0;
const OTHER: usize = 1;
const IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const IP6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

fn scene(role: Role) -> Rig {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_role(role));
    rig.add(0, &PortOptions::default());
    rig
}

fn known(rig: &mut Rig, port: usize) -> Vec<String> {
    let now = rig.now();
    rig.port(port).port().addresses(now).iter().map(|address| address.ip.to_string()).collect()
}

/// ARP and Neighbor Discovery in which the guest says both addresses, from this hardware.
fn said_by(port: usize) -> [Vec<u8>; 2] {
    [
        build::arp_request((mac(port), IP), Ipv4Addr::new(192, 0, 2, 9)),
        build::neighbor_announcement(mac(port), IP6, false),
    ]
}

#[test]
fn what_a_guest_says_is_delivered_and_known() {
    let mut rig = scene(Role::Host);
    rig.send_all(GUEST, &said_by(GUEST));
    assert_eq!(rig.received(OTHER), said_by(GUEST));
    assert_eq!(known(&mut rig, GUEST), [IP.to_string(), IP6.to_string()]);
    assert!(known(&mut rig, OTHER).is_empty() && rig.snooped().is_empty() && !rig.worker().take_news());
    rig.send(GUEST, &build::arp_reply((mac(GUEST), Ipv4Addr::new(192, 0, 2, 5)), (mac(OTHER), IP)));
    assert_eq!(known(&mut rig, GUEST).len(), 3);
}

#[test]
fn nobody_speaks_for_another_port() {
    let mut rig = scene(Role::Host);
    rig.port(GUEST).port().set_macs(MacPolicy::Any);
    let lies = said_by(OTHER).map(|frame| [&frame[..6], &mac(GUEST).0, &frame[12..]].concat());
    rig.send_all(GUEST, &lies);
    assert_eq!(rig.received(OTHER), lies, "they are no frames that may not pass");
    rig.send_all(GUEST, &said_by(OTHER));
    assert_eq!(rig.moved(GUEST).drops, [(DropReason::SpoofedMac, 2)], "and these are");
    rig.send_all(GUEST, &said_by(77));
    assert_eq!(rig.received(OTHER).len(), 2, "a guest may have others behind it");
    assert!(known(&mut rig, GUEST).is_empty() && known(&mut rig, OTHER).is_empty());
}

#[test]
fn behind_an_uplink_are_others_and_a_router_answers_for_others() {
    let mut rig = scene(Role::Uplink);
    rig.send_all(GUEST, &said_by(GUEST));
    assert!(known(&mut rig, GUEST).is_empty());
    rig.port(GUEST).port().set_role(Role::Router);
    rig.send(GUEST, &build::arp_reply((mac(GUEST), Ipv4Addr::new(192, 0, 2, 5)), (mac(OTHER), IP)));
    assert!(known(&mut rig, GUEST).is_empty());
    rig.send_all(GUEST, &said_by(GUEST));
    assert_eq!(known(&mut rig, GUEST), [IP.to_string(), IP6.to_string()]);
}

#[test]
fn what_somebody_behind_an_uplink_claims_last_is_no_guest_s_any_more() {
    const UP: usize = 1;
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::default());
    rig.add(0, &PortOptions { macs: MacPolicy::Any, ..PortOptions::with_role(Role::Uplink) });
    let (own, all) = (said_by(GUEST), [IP.to_string(), IP6.to_string()]);
    rig.send_all(GUEST, &own);
    let router = build::arp_reply((mac(77), IP), (mac(GUEST), Ipv4Addr::new(192, 0, 2, 9)));
    let asked = {
        let mut frame = build::arp_request((mac(77), IP), Ipv4Addr::new(192, 0, 2, 9));
        frame[..6].copy_from_slice(&mac(GUEST).0);
        frame
    };
    let probe = build::arp_request((mac(77), Ipv4Addr::UNSPECIFIED), IP);
    rig.send_all(UP, &[router, asked, probe, build::arp_announcement(mac(77), Ipv4Addr::new(192, 0, 2, 5))]);
    assert_eq!(known(&mut rig, GUEST), all, "none of them claims it anew");
    // The guest itself, heard from where it was.
    let port = Arc::clone(rig.port(GUEST).port());
    let ring = port.detach_receiver(0).expect("no burst is under way").expect("a ring");
    rig.send_all(UP, &own);
    assert!(port.attach_receiver(0, ring).is_none());
    assert_eq!(known(&mut rig, GUEST), all);
    rig.send(UP, &build::arp_announcement(mac(77), IP));
    assert_eq!(known(&mut rig, GUEST), all[1..]);
    rig.send(UP, &build::neighbor_announcement(mac(77), IP6, false));
    assert!(known(&mut rig, GUEST).is_empty());
    rig.send_all(GUEST, &own);
    assert_eq!(known(&mut rig, GUEST), all, "it has them, and says so");
    assert_eq!(port.addresses_lost(), 0);
}

#[test]
fn what_is_dropped_says_nothing() {
    let mut rig = scene(Role::Host);
    let mut limits = Limits::default();
    limits.set(Limit::FloodFrames, Some(Rate { per_second: 1, burst: 1 }));
    rig.port(GUEST).port().set_limits(&limits);
    rig.send_all(GUEST, &said_by(GUEST));
    assert_eq!(rig.moved(GUEST).drops, [(DropReason::FloodPoliced, 1)]);
    assert_eq!(known(&mut rig, GUEST), [IP.to_string()]);
}

#[test]
fn a_flood_of_addresses_keeps_within_the_port_and_is_counted() {
    let mut rig = scene(Role::Host);
    rig.send_all(OTHER, &said_by(OTHER));
    let four = |number: u32| build::arp_announcement(mac(GUEST), Ipv4Addr::from(0x0a00_0001 + number));
    let six =
        |number: u32| build::neighbor_announcement(mac(GUEST), Ipv6Addr::from(u128::from(number) | 0xfd << 120), false);
    let frames: Vec<_> = (0..500).flat_map(|number| [four(number), six(number)]).collect();
    for burst in frames.chunks(50) {
        rig.send_all(GUEST, burst);
        assert_eq!(rig.received(OTHER).len(), burst.len());
    }
    let (now, namespace) = (rig.now(), Arc::clone(rig.namespace(0)));
    let port = rig.port(GUEST).port();
    assert_eq!(
        (port.addresses(now).len(), namespace.announcements(port, now).len()),
        (ADDRESSES_V4 + ADDRESSES_V6, 1 + ADDRESSES_V4 + ADDRESSES_V6)
    );
    assert_eq!(port.addresses_lost(), 1000 - (ADDRESSES_V4 + ADDRESSES_V6) as u64);
    assert_eq!(known(&mut rig, OTHER), [IP.to_string(), IP6.to_string()], "others are none of its business");
    assert!(rig.snooped().is_empty());
}

#[test]
fn a_move_that_is_long_prepared_makes_no_address_too_old() {
    let mut rig = scene(Role::Host);
    let (port, namespace) = (Arc::clone(rig.port(GUEST).port()), Arc::clone(rig.namespace(0)));
    let ring = port.detach_receiver(0).expect("no burst is under way").expect("a ring");
    port.set_away(true);
    let (second, taken) = (Duration::from_secs(1), Ipv4Addr::new(192, 0, 2, 7));
    let known = |ip: IpAddr, age| Address { ip, is_router: false, age };
    let old = ADDRESS_AGE - second * 60;
    let brought = [known(taken.into(), second), known(IP.into(), old), known(IP6.into(), Duration::ZERO)];
    port.restore_addresses(&brought, rig.now());
    rig.pass(ADDRESS_AGE);
    rig.send(OTHER, &build::arp_announcement(mac(OTHER), taken));
    rig.pass(ADDRESS_AGE * 2);
    let (hardware, four, six) = (
        build::rarp_announcement(mac(GUEST)),
        build::arp_announcement(mac(GUEST), IP),
        build::neighbor_announcement(mac(GUEST), IP6, false),
    );
    assert_eq!(namespace.announcements(&port, rig.now()), [hardware.clone()].as_slice(), "it has not come");
    assert!(port.attach_receiver(0, ring).is_none());
    let announced = [hardware.clone(), four, six.clone()];
    assert_eq!(namespace.announcements(&port, rig.now()), announced, "but what another has claimed meanwhile");
    rig.pass(second * 59);
    assert_eq!(namespace.announcements(&port, rig.now()), announced);
    rig.pass(second * 2);
    assert_eq!(namespace.announcements(&port, rig.now()), [hardware, six], "from then on they get older as all do");
    assert_eq!(port.addresses(rig.now()).len(), 2);
}

#[test]
fn an_address_is_announced_as_long_as_its_guest_goes_on_saying_it() {
    let mut rig = scene(Role::Host);
    let announced = |rig: &mut Rig, port: usize| {
        let (now, namespace) = (rig.now(), Arc::clone(rig.namespace(0)));
        namespace.announcements(rig.port(port).port(), now)
    };
    let (hardware, four) = (build::rarp_announcement(mac(GUEST)), build::arp_announcement(mac(GUEST), IP));
    rig.send_all(GUEST, &said_by(GUEST));
    assert_eq!(announced(&mut rig, GUEST).len(), 3);
    rig.pass(ADDRESS_AGE - Duration::from_secs(60));
    // It answers a neighbour.
    rig.send(GUEST, &build::arp_reply((mac(GUEST), IP), (mac(OTHER), Ipv4Addr::new(192, 0, 2, 9))));
    rig.pass(Duration::from_secs(61));
    assert_eq!(announced(&mut rig, GUEST), [hardware.clone(), four]);
    // It goes over to the other guest.
    rig.send(OTHER, &build::arp_announcement(mac(OTHER), IP));
    assert_eq!(announced(&mut rig, GUEST), [hardware]);
    assert_eq!(announced(&mut rig, OTHER).len(), 2);
}
