// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Netdevs of the host by packet sockets.

use std::num::NonZeroU32;

use backends::lane::{Kind, LaneError, LinkState, Opened};
use tests::netns::{Netns, can_have_namespaces};
use tests::wait::{Deadline, until};
use wire::VnetHeader;

use crate::burst::{Whole, collect, frame, is_ours, send, sleep, turn};
use crate::hosts::{Host, converse, ifindex, open_in};
use crate::pump::Pump;

const MAC: [[u8; 6]; 4] = [[2, 0, 0, 0, 1, 1], [2, 0, 0, 0, 1, 2], [2, 0, 0, 0, 1, 3], [2, 0, 0, 0, 1, 4]];

fn packet(ifindex: NonZeroU32) -> Kind {
    Kind::Packet { ifindex, bypass: false }
}

/// A lane on the `eth0` of a namespace, which is brought up and has no stack of its own.
fn lane(netns: &Netns) -> Opened {
    netns.set("ipv6/conf/eth0/disable_ipv6", "1");
    netns.ip("link set eth0 up");
    open_in(netns, &packet(ifindex(netns, "eth0"))).expect("root may have a packet socket")
}

/// Two lanes on the two ends of a veth pair.
fn wired() -> ([Netns; 2], [Opened; 2]) {
    let netns = [Netns::make(), Netns::make()];
    Netns::wire((&netns[0], MAC[0]), (&netns[1], MAC[1]));
    let lanes = [lane(&netns[0]), lane(&netns[1])];
    (netns, lanes)
}

/// A host on a veth whose other end has a lane.
fn host(number: u8) -> (Host, Netns, Opened) {
    let (far, near) = (Netns::make(), Netns::make());
    let at = usize::from(number);
    Netns::wire((&far, MAC[at]), (&near, MAC[at + 2]));
    let host = Host::new(far, "eth0", number + 1);
    let lane = lane(&near);
    (host, near, lane)
}

fn plain(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<Whole> {
    frames.into_iter().map(|frame| (VnetHeader::PLAIN, frame)).collect()
}

#[test]
fn frames_go_both_ways_and_none_comes_back_to_who_sent_it() {
    if !can_have_namespaces() {
        return;
    }
    let (_netns, [mut one, mut other]) = wired();
    assert_eq!((one.mtu, one.link.state()), (1500, LinkState::Up));
    let frames = plain((0..40).map(|number| frame(number, 60 + 37 * usize::from(number))));
    for (from, to) in [(0, 1), (1, 0)] {
        let lanes = [&mut one, &mut other];
        assert_eq!(send(lanes[from].sinks[0].as_mut(), &frames).lost, 0);
        let heard = collect(lanes[to].sources[0].as_mut(), frames.len());
        assert!(heard.iter().map(|(_, frame)| frame).eq(frames.iter().map(|(_, frame)| frame)));
        // All that was sent has arrived, so what came back of it would be here.
        let back = turn(lanes[from].sources[0].as_mut()).expect("the lane is there");
        assert!(!back.iter().any(|(_, frame)| is_ours(frame)));
    }
    assert_eq!((one.link.counts().sent, one.link.counts().lost), (40, 0));
}

#[test]
fn a_vlan_tag_arrives_where_it_was_and_so_does_what_is_left_undone_behind_it() {
    if !can_have_namespaces() {
        return;
    }
    let (_netns, [mut one, mut other]) = wired();
    for tag in [[0x81, 0x00, 0x20, 0x07], [0x88, 0xa8, 0x0f, 0xff]] {
        let mut tagged = frame(3, 200);
        tagged.splice(12..12, tag);
        let udp = VnetHeader { flags: wire::vnet::NEEDS_CSUM, csum_start: 60, csum_offset: 6, ..VnetHeader::PLAIN };
        let sent = [(VnetHeader::PLAIN, tagged.clone()), (udp, tagged)];
        assert_eq!(send(one.sinks[0].as_mut(), &sent).lost, 0);
        let heard = collect(other.sources[0].as_mut(), 2);
        assert_eq!(heard.iter().map(|(_, frame)| frame).collect::<Vec<_>>(), [&sent[0].1, &sent[1].1]);
        assert_eq!((heard[1].0.needs_csum(), heard[1].0.csum_start, heard[1].0.csum_offset), (true, 60, 6));
    }
}

#[test]
fn hosts_talk_over_two_lanes_with_checksums_and_segmentation_left_to_the_end() {
    if !can_have_namespaces() {
        return;
    }
    let ((one, _near, left), (other, _far, right)) = (host(0), host(1));
    let pump = Pump::start([left, right]);
    converse(&one.connect(&other));
    let (crossed, lanes) = pump.stop();
    assert!(crossed.large > 0 && crossed.unfinished > crossed.large, "{crossed:?}");
    assert!(lanes.iter().all(|lane| lane.link.counts().malformed == 0));
}

#[test]
fn a_netdev_that_is_down_is_waited_for() {
    if !can_have_namespaces() {
        return;
    }
    let (netns, [mut one, mut other]) = wired();
    netns[0].ip("link set eth0 down");
    let lost = send(one.sinks[0].as_mut(), &plain([frame(1, 60)])).lost;
    assert_eq!((lost, one.link.state()), (1, LinkState::Down));
    assert!(turn(one.sources[0].as_mut()).is_ok());
    netns[0].ip("link set eth0 up");
    until("frames go again", Deadline::patient(), || send(one.sinks[0].as_mut(), &plain([frame(2, 60)])).lost == 0);
    assert_eq!(one.link.state(), LinkState::Up);
    assert_eq!(collect(other.sources[0].as_mut(), 1), plain([frame(2, 60)]));
}

#[test]
fn a_netdev_that_vanishes_under_way_ends_its_lane_and_nothing_else() {
    if !can_have_namespaces() {
        return;
    }
    let (netns, [mut one, mut other]) = wired();
    let frames = plain((0..64).map(|number| frame(number, 1000)));
    send(other.sinks[0].as_mut(), &frames);
    send(one.sinks[0].as_mut(), &frames[..10]);
    netns[0].ip("link del eth0");
    let (mut turns, mut heard) = (0, 0);
    while let Ok(burst) = turn(one.sources[0].as_mut()) {
        heard += burst.iter().filter(|(_, frame)| is_ours(frame)).count();
        sleep(&[one.sources[0].as_ref()]);
        turns += 1;
        assert!(turns < 1000, "the lane goes on without its netdev");
    }
    assert_eq!((heard, one.link.state()), (64, LinkState::Gone), "what had come was delivered");
    assert_eq!(send(one.sinks[0].as_mut(), &frames).lost, 64);
    let kind = packet(ifindex_that_is_gone(&netns[0]));
    let refused = open_in(&netns[0], &kind).err().expect("there is no such netdev");
    assert!(matches!(refused, LaneError::Missing { .. }), "{refused}");
}

fn ifindex_that_is_gone(netns: &Netns) -> NonZeroU32 {
    let highest = ifindex(netns, "lo").get() + 1_000_000;
    NonZeroU32::new(highest).expect("not zero")
}

#[test]
fn a_sender_who_is_faster_than_the_worker_fills_the_ring_and_is_counted() {
    if !can_have_namespaces() {
        return;
    }
    let (_netns, [mut one, mut other]) = wired();
    let burst = plain((0..64).map(|number| frame(number, 100)));
    let sent: u64 = (0..32).map(|_| send(one.sinks[0].as_mut(), &burst).sent.frames).sum();
    let mut heard = 0;
    until("each frame is heard or missed", Deadline::patient(), || {
        let burst = turn(other.sources[0].as_mut()).expect("the lane is there");
        heard += burst.iter().filter(|(_, frame)| is_ours(frame)).count() as u64;
        heard + other.link.counts().missed >= sent
    });
    assert!(heard >= 64 && other.link.counts().missed > 0, "{heard} of {sent}");
    // After that the ring is as it was.
    send(one.sinks[0].as_mut(), &burst[..3]);
    assert_eq!(collect(other.sources[0].as_mut(), 3), burst[..3]);
}
