// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How much a guest may send, receive and flood.

use std::time::Duration;

use dataplane::{DropReason, Limit, Limits, MacPolicy, Rate};
use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, Rig, feature, mac};
use wire::MacAddr;
use wire::build::{Ether, Ip, Tcp};

use super::{frame, numbered};

const UNKNOWN: MacAddr = MacAddr([2, 0xbb, 0, 0, 0, 1]);
const SECOND: Duration = Duration::from_secs(1);

/// Limits of so many a second, a tenth of a second's worth at once.
pub(super) fn limits(of: &[(Limit, u64)]) -> Limits {
    let mut limits = Limits::default();
    for &(limit, per_second) in of {
        limits.set(limit, Some(Rate { per_second, burst: per_second / 10 }));
    }
    limits
}

/// A namespace of three ports, the limits at one of them.
fn limited(port: usize, of: &[(Limit, u64)]) -> Rig {
    let mut rig = Rig::with_ports(3, &PortOptions::default());
    rig.port(port).port().set_limits(&limits(of));
    rig
}

/// Sends this frame so many times in one go.
pub(super) fn send(rig: &mut Rig, from: usize, count: usize, frame: &[u8]) {
    let queue = &mut rig.port(from).tx[0];
    queue.reclaim();
    for _ in 0..count {
        queue.enqueue(&Shape::whole(), VnetHeader::default(), frame).expect("room in the transmit queue");
    }
    queue.flush();
    rig.poll();
    assert_eq!(rig.port(from).tx[0].reclaim().len(), count, "dropped frames are given back like all others");
}

#[test]
fn a_guest_sends_its_frames_a_second_and_no_more() {
    let mut rig = limited(0, &[(Limit::TxFrames, 100)]);
    send(&mut rig, 0, 30, &frame(mac(1), mac(0)));
    assert_eq!(rig.moved(0), Moved::sent(30, 3000).dropped(DropReason::TxPoliced, 20));
    assert_eq!(rig.moved(1), Moved::received(10, 1000), "the burst");
    for _ in 0..20 {
        rig.pass(SECOND / 20);
        send(&mut rig, 0, 30, &frame(mac(1), mac(0)));
    }
    assert_eq!(rig.moved(0), Moved::sent(600, 60_000).dropped(DropReason::TxPoliced, 500));
    assert_eq!(rig.moved(1), Moved::received(100, 10_000), "a second's worth");
    rig.pass(3600 * SECOND);
    send(&mut rig, 0, 30, &frame(mac(1), mac(0)));
    assert_eq!(rig.moved(1).rx.frames, 10, "a pause saves up a burst and no more");
}

#[test]
fn bytes_are_limited_whatever_the_frames_lengths() {
    let mut rig = limited(0, &[(Limit::TxBytes, 20_000)]);
    send(&mut rig, 0, 1, &numbered(mac(1), mac(0), 1, 1500));
    send(&mut rig, 0, 1, &numbered(mac(1), mac(0), 2, 600));
    send(&mut rig, 0, 6, &frame(mac(1), mac(0)));
    assert_eq!(rig.moved(0), Moved::sent(8, 2700).dropped(DropReason::TxPoliced, 2));
    assert_eq!(rig.moved(1), Moved::received(6, 2000), "1500, then what still fits into 2000");
}

#[test]
fn only_the_limited_guest_is_policed() {
    let mut rig = limited(0, &[(Limit::TxFrames, 10), (Limit::RxFrames, 10), (Limit::FloodFrames, 10)]);
    for (from, to) in [(1, 2), (2, 1)] {
        send(&mut rig, from, 50, &frame(mac(to), mac(from)));
        send(&mut rig, from, 5, &frame(MacAddr::BROADCAST, mac(from)));
        assert_eq!(rig.moved(from).drops, []);
        assert_eq!(rig.moved(to).rx.frames, 55);
    }
}

#[test]
fn what_is_policed_teaches_the_switch_nothing() {
    let mut rig = limited(0, &[(Limit::TxFrames, 10)]);
    rig.port(0).port().set_macs(MacPolicy::Any);
    send(&mut rig, 0, 1, &frame(mac(1), mac(0)));
    send(&mut rig, 0, 1, &frame(mac(1), UNKNOWN));
    assert_eq!(rig.moved(0), Moved::sent(2, 200).dropped(DropReason::TxPoliced, 1));
    assert_eq!(rig.namespace(0).fdb().lookup(UNKNOWN), None);
}

#[test]
fn floods_are_limited_while_unicast_flows() {
    let mut rig = limited(0, &[(Limit::FloodFrames, 100)]);
    let group = MacAddr([0x33, 0x33, 0, 0, 0, 1]);
    for to in [MacAddr::BROADCAST, group, UNKNOWN] {
        send(&mut rig, 0, 4, &frame(to, mac(0)));
    }
    send(&mut rig, 0, 50, &frame(mac(1), mac(0)));
    assert_eq!(rig.moved(0), Moved::sent(62, 6200).dropped(DropReason::FloodPoliced, 2));
    assert_eq!(rig.moved(1), Moved::received(60, 6000), "ten floods and all that was for it");
    assert_eq!(rig.moved(2), Moved::received(10, 1000), "a flood counts once, however many get it");
}

#[test]
fn a_flood_of_one_guest_leaves_anothers_broadcasts_alone() {
    let mut rig = Rig::with_ports(3, &PortOptions::default());
    (0..3).for_each(|port| rig.port(port).port().set_limits(&limits(&[(Limit::FloodBytes, 10_000)])));
    send(&mut rig, 0, 60, &frame(MacAddr::BROADCAST, mac(0)));
    send(&mut rig, 1, 10, &frame(MacAddr::BROADCAST, mac(1)));
    assert_eq!(rig.moved(0).drops, [(DropReason::FloodPoliced, 50)]);
    assert_eq!(rig.moved(1).drops, []);
    assert_eq!(rig.moved(2), Moved::received(20, 2000));
}

#[test]
fn a_receiver_gets_its_frames_a_second_and_others_get_theirs() {
    let mut rig = limited(1, &[(Limit::RxFrames, 100)]);
    send(&mut rig, 0, 20, &frame(mac(1), mac(0)));
    assert_eq!(rig.moved(1), Moved::received(10, 1000).dropped(DropReason::RxPoliced, 10));
    send(&mut rig, 0, 20, &frame(MacAddr::BROADCAST, mac(0)));
    assert_eq!(rig.moved(1), Moved::default().dropped(DropReason::RxPoliced, 20));
    assert_eq!(rig.moved(2), Moved::received(20, 2000));
    assert_eq!(rig.moved(0), Moved::sent(40, 4000), "its sender did nothing wrong");
    rig.pass(SECOND / 20);
    send(&mut rig, 2, 20, &frame(mac(1), mac(2)));
    assert_eq!(rig.moved(1), Moved::received(5, 500).dropped(DropReason::RxPoliced, 15), "whoever sends");
}

#[test]
fn frames_and_bytes_hold_together() {
    let mut rig = limited(1, &[(Limit::RxFrames, 50), (Limit::RxBytes, 20_000)]);
    send(&mut rig, 0, 4, &numbered(mac(1), mac(0), 1, 600));
    assert_eq!(rig.moved(1), Moved::received(3, 1800).dropped(DropReason::RxPoliced, 1), "2000 bytes");
    send(&mut rig, 0, 4, &frame(mac(1), mac(0)));
    assert_eq!(rig.moved(1), Moved::received(2, 200).dropped(DropReason::RxPoliced, 2), "and 5 frames");
}

#[test]
fn all_queues_of_a_port_share_its_limits() {
    let options = PortOptions { pairs: 2, ..PortOptions::default() };
    let mut rig = Rig::with_ports(2, &options);
    rig.port(0).port().set_limits(&limits(&[(Limit::TxFrames, 100)]));
    for queue in [0, 1, 0, 1] {
        for _ in 0..8 {
            rig.port(0).tx[queue].send(&Shape::whole(), VnetHeader::default(), &frame(mac(1), mac(0))).unwrap();
        }
    }
    rig.poll();
    assert_eq!(rig.moved(0), Moved::sent(32, 3200).dropped(DropReason::TxPoliced, 22));
    assert_eq!(rig.moved(1), Moved::received(10, 1000));
}

#[test]
fn a_frame_that_is_still_to_be_segmented_is_one_frame_with_all_its_bytes() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_features(feature::SENDER));
    rig.add(0, &PortOptions::with_features(feature::BASIC));
    let ip = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    let (header, large) = Ether::new(mac(1), mac(0)).ip(ip).tcp_offloaded(&Tcp::default(), &[1; 10_000], Some(1460));
    let header = VnetHeader::from_bytes(&header.to_bytes());
    for (port, of) in [(0, [Limit::TxFrames, Limit::TxBytes]), (1, [Limit::RxFrames, Limit::RxBytes])] {
        let mut limits = Limits::default();
        limits.set(of[0], Some(Rate { per_second: 1, burst: 3 }));
        limits.set(of[1], Some(Rate { per_second: 1, burst: 2 * large.len() as u64 + 1 }));
        rig.port(port).port().set_limits(&limits);
    }
    for _ in 0..3 {
        rig.send_as(0, &Shape::whole(), header, &large);
    }
    assert_eq!(rig.moved(0).drops, [(DropReason::TxPoliced, 1)], "two fit into the bytes");
    assert_eq!((rig.moved(1).segments, rig.moved(1).drops), (14, vec![]), "seven segments of each");
}

#[test]
fn limits_change_from_one_burst_to_the_next() {
    let mut rig = limited(0, &[(Limit::TxFrames, 100)]);
    let mut passed = |limits: &Limits| {
        rig.port(0).port().set_limits(limits);
        send(&mut rig, 0, 40, &frame(mac(1), mac(0)));
        rig.moved(1).rx.frames
    };
    let (hundred, two_hundred) = (limits(&[(Limit::TxFrames, 100)]), limits(&[(Limit::TxFrames, 200)]));
    assert_eq!(passed(&hundred), 10);
    assert_eq!(passed(&hundred), 0, "what stays the same goes on counting");
    assert_eq!(passed(&limits(&[(Limit::TxFrames, 100), (Limit::TxBytes, 1000)])), 0, "beside another one too");
    assert_eq!(passed(&two_hundred), 20, "a new one begins with its burst");
    assert_eq!(passed(&Limits::default()), 40, "none");
    assert_eq!(passed(&hundred), 10);
}
