// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A million frames through everything that is on by default, and through limits.
//!
//! The drivers of the other tests build and check each frame, which takes far longer than switching it. Here every ring
//! has its chains once and for all; a round offers them again by moving an index.

use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use dataplane::{DropReason, Limit, Limits, MacPolicy, PortSlot, Rate};
use tests::driver::VnetHeader;
use tests::rig::{PortOptions, RawQueue, Rig, feature, mac, readable, writable};
use wire::MacAddr;
use wire::build::{Ether, Ip, Tcp, advertisement, neighbor_solicitation};

use crate::{offloaded, plain, to};

const FRAMES: u64 = 1_000_000;
/// Frames that each of two senders has in a round.
const BURST: u16 = 64;
/// More buffers than any port is given frames in a round.
const BUFFERS: u16 = 512;
const BUFFER_LEN: u32 = 2048;
/// Of what a sender floods, so many a round are within its limit; others are not.
const FLOODED: u64 = 4;
const ROUND: Duration = Duration::from_millis(1);

/// An address behind the port that may use any.
fn behind(number: usize) -> MacAddr {
    MacAddr([6, 0, 0, 0, 0, number as u8])
}

/// Two senders, the second of which may use any address; a receiver with all offloads; one with none.
fn rig() -> (Rig, Vec<RawQueue>, Vec<RawQueue>) {
    let mut rig = Rig::new();
    let sender = PortOptions::with_features(feature::SENDER);
    rig.add(0, &sender);
    rig.add(0, &PortOptions { macs: MacPolicy::Any, ..sender });
    rig.add(0, &PortOptions::with_features(feature::RECEIVER));
    rig.add(0, &PortOptions::default());
    let transmit = (0..2).map(|port| transmit(&mut rig, port)).collect();
    let receive = (0..4).map(|port| receive(&mut rig, port)).collect();
    (rig, transmit, receive)
}

/// What a sender says in a round: something for every stage and every slow path.
fn mix(own: usize) -> Vec<(VnetHeader, Vec<u8>)> {
    let to = |port| to(mac(own), mac(port));
    let small = |source, port| plain(Ether::new(mac(port), source).raw(0x88b5, &[0; 50]));
    let learned = |number: usize| small(if own == 1 { behind(number % 8) } else { mac(own) }, 2);
    let hidden = Ip::v6([0xfe; 16], [0xff; 16]).extension(60, &[&[24, 1, 196][..], &[0; 196]].concat());
    let mut frames: Vec<_> = (0..20).map(learned).collect();
    let mut add = |count, frame| frames.extend(std::iter::repeat_n(frame, count));
    add(10, small(mac(own), 3));
    add(10, plain(to(3).udp(1, 2, &[0; 1400])));
    add(4, plain(Ether::new(MacAddr::BROADCAST, mac(own)).raw(0x88b5, &[0; 50])));
    add(4, plain(Ether::new(MacAddr([2, 9, 9, 9, 9, 9]), mac(own)).raw(0x88b5, &[0; 50])));
    add(2, plain(neighbor_solicitation(mac(own), [0xfe; 16].into(), [0xfe; 16].into())));
    add(2, plain(advertisement(mac(own), [0xfe; 16].into(), 1800, &[])));
    add(2, small(mac(3), 2));
    add(2, small(mac(own), own));
    add(2, plain(Ether::new(mac(2), mac(own)).ip(hidden).icmp6(128, 0, &[0; 8])));
    for port in [2, 3] {
        add(2, offloaded(to(port).tcp_offloaded(&Tcp::default(), &[0; 900], None)));
        add(1, offloaded(to(port).tcp_offloaded(&Tcp::default(), &[0; 10_000], Some(1400))));
    }
    frames
}

/// A port's transmit ring with the mix in it, not offered yet.
fn transmit(rig: &mut Rig, port: usize) -> RawQueue {
    let queue = rig.raw_transmit(port, BURST);
    let mut offset = 0;
    for (head, (header, frame)) in mix(port).iter().enumerate() {
        let bytes = [&header.to_bytes()[..], frame].concat();
        queue.chain(head as u16, &[readable(queue.fill(offset, &bytes), bytes.len() as u32)]);
        queue.ring().set_avail_entry(head as u16, head as u16);
        offset += bytes.len();
    }
    queue
}

/// A port's receive ring full of buffers.
fn receive(rig: &mut Rig, port: usize) -> RawQueue {
    let queue = rig.raw_receive(port, BUFFERS);
    for head in 0..BUFFERS {
        let address = queue.buffers().gpa() + u64::from(head) * u64::from(BUFFER_LEN);
        queue.chain(head, &[writable(address, BUFFER_LEN)]);
        queue.ring().set_avail_entry(head, head);
    }
    queue
}

/// Every chain of the ring is available once more.
fn offer(queue: &RawQueue) {
    let ring = queue.ring();
    ring.set_avail_index(ring.used_index().wrapping_add(ring.size()));
}

#[test]
fn a_million_frames_through_everything_allocate_nothing() {
    let (mut rig, transmit, receive) = rig();
    let mut limits = Limits::default();
    limits.set(Limit::TxBytes, Some(Rate { per_second: 1 << 40, burst: 1 << 40 }));
    limits.set(Limit::FloodFrames, Some(Rate { per_second: FLOODED * 1000, burst: FLOODED }));
    rig.port(1).port().set_limits(&limits);
    let rounds = FRAMES.div_ceil(2 * u64::from(BURST));
    let mut allocated = AllocationInfo::default();
    for _ in 0..rounds {
        rig.pass(ROUND);
        transmit.iter().chain(&receive).for_each(offer);
        let mut taken = 0;
        allocated += measure(|| taken = rig.poll_once());
        assert_eq!(taken, 2 * usize::from(BURST));
    }
    assert_eq!((allocated.count_total, allocated.bytes_total), (0, 0));
    check_counters(&mut rig, rounds);
}

/// Every frame went the way that it was meant for.
fn check_counters(rig: &mut Rig, rounds: u64) {
    let [first, second, able, plain] = [0, 1, 2, 3].map(|port| rig.moved(port));
    let mut drops = vec![(DropReason::SpoofedMac, 2), (DropReason::RogueRouter, 2), (DropReason::Hairpin, 2)];
    let times =
        |drops: &[(DropReason, u64)]| drops.iter().map(|(why, count)| (*why, count * rounds)).collect::<Vec<_>>();
    assert_eq!((first.tx.frames, first.drops), (64 * rounds, times(&drops)));
    drops.insert(2, (DropReason::FloodPoliced, 10 - FLOODED));
    assert_eq!((second.tx.frames, second.drops), (64 * rounds, times(&drops)));
    let flooded = 10 + FLOODED;
    assert_eq!((able.rx.frames, able.drops), ((2 * 25 + flooded) * rounds, vec![]));
    assert_eq!((able.checksums, able.segments), (0, 0));
    // The large frame arrives in eight segments.
    assert_eq!((plain.rx.frames, plain.drops), ((2 * 30 + flooded) * rounds, vec![]));
    assert_eq!((plain.checksums, plain.segments), (4 * rounds, 16 * rounds));
    let table = rig.namespace(0).fdb();
    (0..8).for_each(|number| assert_eq!(table.lookup(behind(number)), Some(PortSlot(1))));
}
