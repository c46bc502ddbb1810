// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Links: what crosses from one namespace into another, by the rules of both, and what does not.

use std::net::Ipv6Addr;

use dataplane::{DropReason, Limit, Limits, MacPolicy, Rate, Role};
use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, Rig, feature, mac};
use wire::MacAddr;
use wire::build::{Ether, Ip, Tcp, advertisement};

use super::{frame, numbered};

const UNKNOWN: MacAddr = MacAddr([2, 0xbb, 0, 0, 0, 1]);

/// The ends of the link, in namespaces 0 and 1, and two guests in each, and one in a third namespace.
const ENDS: [usize; 2] = [0, 1];
const RED: [usize; 2] = [2, 3];
const BLUE: [usize; 2] = [4, 5];
const GREEN: usize = 6;

fn linked() -> Rig {
    let mut rig = Rig::new();
    let any = PortOptions { macs: MacPolicy::Any, ..PortOptions::default() };
    for namespace in [0, 1, 0, 0, 1, 1, 2] {
        rig.add(namespace, &any);
    }
    rig.link(ENDS[0], ENDS[1]);
    rig
}

/// How many frames each guest got.
fn arrivals(rig: &mut Rig) -> [usize; 5] {
    [RED[0], RED[1], BLUE[0], BLUE[1], GREEN].map(|port| rig.received(port).len())
}

fn only(limit: Limit, per_second: u64) -> Limits {
    let mut limits = Limits::default();
    limits.set(limit, Some(Rate { per_second, burst: 1 }));
    limits
}

#[test]
fn a_frame_crosses_and_each_namespace_learns_for_itself() {
    let mut rig = linked();
    let sent = frame(mac(BLUE[0]), mac(RED[0]));
    rig.send(RED[0], &sent);
    assert_eq!(rig.received(BLUE[0]), [sent], "whole");
    assert_eq!(arrivals(&mut rig), [0, 1, 0, 0, 0], "unknown in red, known in blue");
    assert_eq!((rig.moved(ENDS[0]), rig.moved(ENDS[1])), (Moved::received(1, 100), Moved::sent(1, 100)));
    rig.send(BLUE[0], &frame(mac(RED[0]), mac(BLUE[0])));
    assert_eq!(arrivals(&mut rig), [1, 0, 0, 0, 0], "learned in blue, known in red");
    rig.send(RED[0], &frame(mac(BLUE[0]), mac(RED[0])));
    assert_eq!(arrivals(&mut rig), [0, 0, 1, 0, 0], "learned in red");
}

#[test]
fn floods_reach_everybody_on_both_sides_once_and_nobody_else() {
    let mut rig = linked();
    for to in [MacAddr::BROADCAST, UNKNOWN, MacAddr([0x33, 0x33, 0, 0, 0, 1])] {
        rig.send(RED[0], &frame(to, mac(RED[0])));
        assert_eq!(arrivals(&mut rig), [0, 1, 1, 1, 0], "{to}");
        rig.send(BLUE[1], &frame(to, mac(BLUE[1])));
        assert_eq!(arrivals(&mut rig), [1, 1, 1, 0, 0], "{to}");
    }
    rig.send(GREEN, &frame(mac(RED[0]), mac(GREEN)));
    assert_eq!(arrivals(&mut rig), [0; 5]);
}

#[test]
fn a_burst_of_mixed_frames_keeps_its_order_on_each_side() {
    let mut rig = linked();
    let to = [mac(BLUE[0]), MacAddr::BROADCAST, mac(RED[1])];
    let frames: Vec<_> = (0..30).map(|n| numbered(to[n as usize % 3], mac(RED[0]), n, 100 + 40 * n as usize)).collect();
    rig.send_all(RED[0], &frames);
    let of = |kinds: [usize; 2]| -> Vec<Vec<u8>> {
        (0..30).filter(|n| kinds.contains(&(n % 3))).map(|n| frames[n].clone()).collect()
    };
    assert_eq!(rig.received(BLUE[0]), of([0, 1]));
    let red: Vec<Vec<u8>> = rig.received(RED[1]);
    assert_eq!(red, frames, "what is unknown in red is flooded there too");
    assert_eq!(rig.received(BLUE[1]), of([1, 2]).into_iter().filter(|f| f[0] == 0xff).collect::<Vec<_>>());
}

#[test]
fn nobody_can_take_an_address_of_the_other_side() {
    let mut rig = linked();
    rig.send(BLUE[0], &frame(mac(RED[1]), mac(RED[0])));
    assert_eq!(arrivals(&mut rig), [0, 0, 0, 1, 0]);
    assert_eq!(rig.moved(ENDS[0]), Moved::sent(1, 100).dropped(DropReason::SpoofedMac, 1));
    rig.send(RED[1], &frame(mac(RED[0]), mac(RED[1])));
    assert_eq!(arrivals(&mut rig), [1, 0, 0, 0, 0], "it is where it was");
}

#[test]
fn router_advertisements_cross_only_where_they_may_come_out() {
    let mut rig = linked();
    let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    let advertisement = advertisement(mac(RED[0]), router, 1800, &[]);
    rig.port(RED[0]).port().set_role(Role::Router);
    rig.send(RED[0], &advertisement);
    assert_eq!(arrivals(&mut rig), [0, 1, 0, 0, 0]);
    let len = advertisement.len();
    assert_eq!(rig.moved(ENDS[1]), Moved::sent(1, len).dropped(DropReason::LinkRouter, 1));
    rig.port(ENDS[1]).port().set_role(Role::Router);
    rig.send(RED[0], &advertisement);
    assert_eq!(arrivals(&mut rig), [0, 1, 1, 1, 0]);
}

#[test]
fn each_end_has_its_own_limits_in_both_directions() {
    let burst: Vec<_> = (0..10).map(|n| numbered(mac(BLUE[0]), mac(RED[0]), n, 100)).collect();
    for (end, limit, reason) in [
        (ENDS[0], Limit::RxFrames, DropReason::RxPoliced),
        (ENDS[1], Limit::TxFrames, DropReason::TxPoliced),
        (ENDS[1], Limit::FloodFrames, DropReason::FloodPoliced),
    ] {
        let mut rig = linked();
        rig.port(end).port().set_limits(&only(limit, 1));
        let to = if limit == Limit::FloodFrames { MacAddr::BROADCAST } else { mac(BLUE[0]) };
        let burst = if limit == Limit::FloodFrames {
            (0..10).map(|n| numbered(to, mac(RED[0]), n, 100)).collect()
        } else {
            burst.clone()
        };
        rig.send_all(RED[0], &burst);
        assert_eq!(rig.received(BLUE[0]).len(), 1, "{limit:?}");
        assert!(rig.moved(end).drops.contains(&(reason, 9)), "{limit:?}");
        assert_eq!(rig.received(RED[1]).len(), 10, "{limit:?}: nobody else is held back");
    }
}

#[test]
fn large_frames_cross_whole_and_are_cut_for_who_needs_that() {
    let mut rig = Rig::new();
    for (namespace, features) in [(0, feature::BASIC), (1, feature::BASIC), (0, feature::SENDER), (1, feature::BASIC)] {
        rig.add(namespace, &PortOptions::with_features(features));
    }
    let taker = rig.add(1, &PortOptions::with_features(feature::RECEIVER));
    rig.link(0, 1);
    let ip = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    let large = Ether::new(MacAddr::BROADCAST, mac(2)).ip(ip).tcp_offloaded(&Tcp::default(), &[1; 4000], Some(1000));
    rig.send_as(2, &Shape::whole(), VnetHeader::from_bytes(&large.0.to_bytes()), &large.1);
    assert_eq!((rig.received(3).len(), rig.received(taker).len()), (4, 1));
    assert_eq!((rig.moved(0).rx.frames, rig.moved(1).tx.frames), (1, 1), "uncut in between");
}

#[test]
fn a_link_has_an_mtu_at_the_end_where_a_frame_goes_in() {
    let mut rig = linked();
    rig.port(ENDS[0]).port().set_mtu(1000);
    rig.send(RED[0], &numbered(MacAddr::BROADCAST, mac(RED[0]), 1, 1015));
    assert_eq!(arrivals(&mut rig), [0, 1, 0, 0, 0]);
    assert_eq!(rig.moved(ENDS[0]), Moved::default().dropped(DropReason::TooBig, 1));
}

#[test]
fn a_loop_that_should_not_be_ends_and_is_counted() {
    let mut rig = linked();
    // A second link between the same two namespaces.
    let more = [rig.add(0, &PortOptions::default()), rig.add(1, &PortOptions::default())];
    rig.link(more[0], more[1]);
    // From the guest's own address they would be spoofed when they come back.
    let burst: Vec<_> = (0..64).map(|n| numbered(MacAddr::BROADCAST, UNKNOWN, n, 100)).collect();
    rig.send_all(RED[0], &burst);
    let all: Vec<_> = [ENDS, more].concat().into_iter().flat_map(|port| rig.moved(port).drops).collect();
    let looped: u64 = all.iter().filter(|(reason, _)| *reason == DropReason::LinkLoop).map(|(_, count)| count).sum();
    assert_eq!(looped, 2 * 64, "each frame once for either direction: {all:?}");
    assert_eq!(rig.received(GREEN).len(), 0);
}

#[test]
fn a_link_that_is_taken_away_carries_nothing_more() {
    let mut rig = linked();
    rig.unlink(ENDS[0], ENDS[1]);
    [ENDS[0], ENDS[1]].into_iter().for_each(|end| rig.stop(end));
    rig.send(RED[0], &frame(MacAddr::BROADCAST, mac(RED[0])));
    assert_eq!(arrivals(&mut rig), [0, 1, 0, 0, 0]);
    assert_eq!(rig.moved(ENDS[0]), Moved::default().dropped(DropReason::PortDown, 1));
}
