// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Copies of Router Advertisements and Solicitations for control: of which frames, how many, and that they cost no frame.

use std::net::Ipv6Addr;

use dataplane::limits::{SNOOP_LEN, SNOOP_PORT, SNOOP_SLOTS};
use dataplane::{DropReason, Limit, Limits, MacPolicy, PortTag, Rate, Role, SnoopKind, SnoopStats};
use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, Rig, feature, mac, meanwhile, readable};
use wire::MacAddr;
use wire::build::{self, Ether, Ip, solicitation};
use wire::icmp6::kind;

use super::frame;
use super::guard::{LINK_LOCAL, fragment, rogues};

pub(super) const ROUTER: usize = 0;
pub(super) const HOST: usize = 1;
pub(super) const OTHER: usize = 2;

/// A router and two hosts that may send long frames, each with a tag.
pub(super) fn scene() -> Rig {
    let mut rig = Rig::new();
    for role in [Role::Router, Role::Host, Role::Host] {
        let port = rig.add(0, &PortOptions { role, mtu: 65535, ..PortOptions::with_features(feature::SENDER) });
        rig.port(port).port().set_tag(tag(port));
    }
    rig
}

pub(super) fn tag(port: usize) -> PortTag {
    PortTag(1 << 40 | port as u64)
}

/// An advertisement of the router with so many bytes of options.
pub(super) fn advertisement(options: usize) -> Vec<u8> {
    build::advertisement(mac(ROUTER), LINK_LOCAL, 1800, &vec![1; options])
}

/// A solicitation of a port with this source address.
pub(super) fn solicit(port: usize, number: u16) -> Vec<u8> {
    solicitation(mac(port), Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 1, number))
}

fn snooped(advertisements: u64, solicitations: u64, lost: u64) -> SnoopStats {
    SnoopStats { advertisements, solicitations, lost }
}

#[test]
fn advertisements_and_solicitations_are_delivered_and_handed_over() {
    let mut rig = scene();
    let (asked, told) = (solicit(HOST, 1), advertisement(8));
    rig.send(HOST, &asked);
    assert!(rig.worker().take_news() && !rig.worker().take_news());
    rig.send(ROUTER, &told);
    assert_eq!(rig.received(OTHER), [asked.clone(), told.clone()]);
    let expected = [(tag(HOST), SnoopKind::Solicitation, asked), (tag(ROUTER), SnoopKind::Advertisement, told)];
    assert_eq!(rig.snooped(), expected);
    assert_eq!(rig.moved(HOST).snooped, snooped(0, 1, 0));
    assert_eq!(rig.moved(ROUTER).snooped, snooped(1, 0, 0));
}

#[test]
fn a_router_that_is_alone_is_heard_all_the_same() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_role(Role::Uplink));
    rig.send(ROUTER, &advertisement(0));
    assert_eq!(rig.moved(ROUTER).drops, [(DropReason::NoReceiver, 1)]);
    assert_eq!(rig.snooped(), [(PortTag(0), SnoopKind::Advertisement, advertisement(0))]);
}

#[test]
fn every_dress_that_passes_is_handed_over_whole() {
    let mut rig = scene();
    let long = [100, 1000, 8000].map(|len| ("a long one", advertisement(len)));
    for (dress, frame) in rogues().into_iter().chain(long) {
        rig.send(ROUTER, &frame);
        assert_eq!(rig.received(HOST), std::slice::from_ref(&frame), "{dress}");
        let expected = (dress != "a redirect").then_some((tag(ROUTER), SnoopKind::Advertisement, frame));
        assert_eq!(rig.snooped(), Vec::from_iter(expected), "{dress}");
    }
}

#[test]
fn what_is_dropped_is_not_handed_over() {
    let mut rig = scene();
    for (_, frame) in rogues() {
        rig.port(HOST).port().set_role(Role::Host);
        rig.send(HOST, &[&frame[..6], &mac(HOST).0, &frame[12..]].concat());
        assert_eq!(rig.moved(HOST).drops, [(DropReason::RogueRouter, 1)]);
    }
    rig.port(ROUTER).port().set_macs(MacPolicy::Any);
    rig.send(ROUTER, &build::advertisement(mac(HOST), LINK_LOCAL, 1800, &[]));
    assert_eq!(rig.moved(ROUTER).drops, [(DropReason::SpoofedMac, 1)], "pinned to another port");
    let mut limits = Limits::default();
    limits.set(Limit::FloodFrames, Some(Rate { per_second: 1, burst: 1 }));
    rig.port(ROUTER).port().set_limits(&limits);
    rig.send_all(ROUTER, &[frame(MacAddr::BROADCAST, mac(ROUTER)), advertisement(0)]);
    assert_eq!(rig.moved(ROUTER).drops, [(DropReason::FloodPoliced, 1)]);
    assert_eq!(rig.snooped(), []);
    assert!([ROUTER, HOST].iter().all(|&port| rig.moved(port).snooped == snooped(0, 0, 0)));
}

#[test]
fn neighbor_discovery_in_fragments_is_dropped_whoever_sends_it() {
    let mut rig = scene();
    let kinds = [kind::ROUTER_SOLICITATION, kind::NEIGHBOR_SOLICITATION, kind::NEIGHBOR_ADVERTISEMENT];
    for role in [Role::Router, Role::Uplink, Role::Host] {
        rig.port(ROUTER).port().set_role(role);
        let rogue = [kind::ROUTER_ADVERTISEMENT, kind::REDIRECT].into_iter().filter(|_| role != Role::Host);
        for icmp6_type in kinds.into_iter().chain(rogue) {
            let frame = fragment(icmp6_type);
            rig.send(ROUTER, &frame);
            let expected = Moved::sent(1, frame.len()).dropped(DropReason::FragmentedNd, 1);
            assert_eq!(rig.moved(ROUTER), expected, "{role:?} {icmp6_type}");
        }
        let echo = fragment(kind::ECHO_REQUEST);
        rig.send(ROUTER, &echo);
        assert_eq!(rig.received(HOST), [echo]);
        assert_eq!(rig.moved(ROUTER).drops, []);
    }
    assert_eq!(rig.snooped(), []);
}

#[test]
fn other_frames_hand_nothing_over() {
    let mut rig = scene();
    let ip = || Ether::new(mac(HOST), mac(ROUTER)).ip(Ip::v6(LINK_LOCAL, LINK_LOCAL).hops(255));
    for other in [
        frame(mac(HOST), mac(ROUTER)),
        ip().udp(1, 2, &[134; 500]),
        ip().icmp6(kind::ECHO_REQUEST, 0, &[0; 300]),
        build::neighbor_solicitation(mac(ROUTER), LINK_LOCAL, LINK_LOCAL),
        build::neighbor_announcement(mac(ROUTER), LINK_LOCAL, false),
        Ether::new(mac(HOST), mac(ROUTER)).vlan(5).raw(0x0800, &[0x45; 60]),
    ] {
        rig.send(ROUTER, &other);
        assert_eq!(rig.received(HOST), [other]);
    }
    assert!(rig.snooped().is_empty() && !rig.worker().take_news());
    assert_eq!(rig.moved(ROUTER).snooped, snooped(0, 0, 0));
}

#[test]
fn what_is_too_long_to_be_copied_is_delivered_and_counted() {
    let mut rig = scene();
    let longest = advertisement(SNOOP_LEN - advertisement(0).len());
    let longer = advertisement(SNOOP_LEN - advertisement(0).len() + 1);
    for frame in [&longest, &longer] {
        rig.send(ROUTER, frame);
        assert_eq!(rig.received(HOST), std::slice::from_ref(frame));
    }
    assert_eq!(rig.snooped(), [(tag(ROUTER), SnoopKind::Advertisement, longest)]);
    assert_eq!(rig.moved(ROUTER).snooped, snooped(1, 0, 1));
}

#[test]
fn a_port_that_floods_has_its_share_and_leaves_the_rest_to_others() {
    let mut rig = scene();
    let flood: Vec<_> = (0..200).map(|number| solicit(HOST, number)).collect();
    for round in 0..3 {
        rig.send_all(HOST, &flood);
        assert_eq!(rig.received(OTHER), flood, "all are delivered");
        rig.send(ROUTER, &advertisement(0));
        let (heard, share) = (rig.snooped(), SNOOP_PORT as u64);
        assert_eq!(heard.len(), SNOOP_PORT + 1, "round {round}");
        assert!(heard.iter().zip(&flood).take(SNOOP_PORT).all(|((_, _, copy), frame)| copy == frame));
        assert_eq!(heard[SNOOP_PORT].0, tag(ROUTER));
        assert_eq!(rig.moved(HOST).snooped, snooped(0, share, 200 - share));
        rig.received(OTHER);
    }
}

#[test]
fn a_worker_that_finds_no_room_goes_on_and_counts() {
    // Half of the slots: then as many are left as the namespace has.
    let (slots, mut rig) =
        (SNOOP_SLOTS / 2, Rig::with_ports(SNOOP_SLOTS / 2 / SNOOP_PORT + 1, &PortOptions::default()));
    let last = slots / SNOOP_PORT;
    for port in 0..=last {
        let burst: Vec<_> = (0..SNOOP_PORT as u16).map(|number| solicit(port, number)).collect();
        rig.send_all(port, &burst);
        assert_eq!(rig.received((port + 1) % (last + 1)), burst);
        (0..=last).for_each(|other| drop(rig.received(other)));
    }
    assert_eq!(rig.snooped().len(), slots);
    let share = SNOOP_PORT as u64;
    assert_eq!(rig.moved(last - 1).snooped, snooped(0, share, 0));
    assert_eq!(rig.moved(last).snooped, snooped(0, 0, share));
    rig.send(last, &solicit(last, 1));
    assert_eq!(rig.snooped().len(), 1);
}

#[test]
fn tenants_who_flood_from_many_ports_leave_room_for_others() {
    let mut rig = Rig::new();
    // Three tenants with more router ports each than would fill all slots, and a fourth with one.
    let many = SNOOP_SLOTS / SNOOP_PORT;
    let router = || PortOptions { macs: MacPolicy::Any, ..PortOptions::with_role(Role::Router) };
    let ports: Vec<Vec<usize>> = (0..3).map(|tenant| (0..many).map(|_| rig.add(tenant, &router())).collect()).collect();
    let quiet = rig.add(3, &router());
    rig.port(quiet).port().set_tag(tag(quiet));
    let from = |port: usize| build::advertisement(mac(port), LINK_LOCAL, 1800, &[]);
    for &port in ports.iter().flatten() {
        rig.send_all(port, &vec![from(port); SNOOP_PORT]);
    }
    rig.send(quiet, &from(quiet));
    assert_eq!(rig.moved(quiet).snooped, snooped(1, 0, 0));
    let heard = rig.snooped();
    assert_eq!(heard.last().map(|(from, ..)| *from), Some(tag(quiet)));
    // The first has half of the slots, the next half of what is left, and so on.
    assert_eq!(heard.len(), SNOOP_SLOTS / 2 + SNOOP_SLOTS / 4 + SNOOP_SLOTS / 8 + 1);
    rig.send(ports[0][0], &from(ports[0][0]));
    assert_eq!(rig.snooped().len(), 1, "what was heard makes room");
}

#[test]
fn over_a_link_it_is_heard_on_both_sides_where_it_may_come_out() {
    let mut rig = scene();
    let ends = [0, 1].map(|namespace| rig.add(namespace, &PortOptions::default()));
    let far = rig.add(1, &PortOptions::default());
    ends.iter().for_each(|&end| rig.port(end).port().set_tag(tag(end)));
    rig.link(ends[0], ends[1]);
    rig.send(ROUTER, &advertisement(200));
    assert_eq!((rig.received(far).len(), rig.snooped().len()), (0, 1));
    rig.port(ends[1]).port().set_role(Role::Router);
    rig.send(ROUTER, &advertisement(200));
    assert_eq!(rig.received(far), [advertisement(200)]);
    let expected = [ROUTER, ends[1]].map(|port| (tag(port), SnoopKind::Advertisement, advertisement(200)));
    assert_eq!(rig.snooped(), expected);
    rig.send(HOST, &solicit(HOST, 1));
    assert_eq!(rig.snooped().iter().map(|(tag, ..)| *tag).collect::<Vec<_>>(), [tag(HOST), tag(ends[1])]);
}

#[test]
fn a_checksum_that_is_left_to_do_is_done_in_the_copy() {
    let mut rig = scene();
    let whole = advertisement(300);
    let mut unfinished = whole.clone();
    // A packet says what it wants summed by the sum of the pseudo-header in the place of the checksum.
    let pseudo = wire::checksum::Sum::pseudo_v6(LINK_LOCAL.octets(), [0; 16], 58, (whole.len() - 54) as u32);
    unfinished[56..58].copy_from_slice(&pseudo.add_bytes(&whole[38..54]).partial().to_be_bytes());
    rig.send_as(ROUTER, &Shape::whole(), VnetHeader::needs_checksum(54, 2), &unfinished);
    assert_eq!(rig.received(HOST), std::slice::from_ref(&whole));
    assert_eq!(rig.snooped(), [(tag(ROUTER), SnoopKind::Advertisement, whole)]);
}

#[test]
fn what_a_racing_guest_has_delivered_is_what_is_handed_over() {
    let mut rig = scene();
    let mut tx = rig.raw_transmit(ROUTER, 8);
    let frame = advertisement(200);
    let at = tx.fill(0, &[&[0; 12], &frame[..]].concat());
    tx.chain(0, &[readable(at, 12 + frame.len() as u32)]);
    let window = tx.buffers().part(12 + 200, 1);
    meanwhile(
        || (1..3).for_each(|byte| window.write(0, &[byte])),
        || {
            for _ in 0..5000 {
                tx.offer(&[0]);
                rig.poll();
                tx.take_used();
                let delivered = rig.received(HOST);
                rig.received(OTHER);
                assert_eq!(rig.snooped().into_iter().map(|(.., copy)| copy).collect::<Vec<_>>(), delivered);
            }
        },
    );
}
