// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the hostile guest has in its rings: frames of each kind, and buffers to receive in.

use wire::build::{Ether, Ip, IpFrame, Tcp, tcp_flag};
use wire::{MacAddr, icmp6};

use super::EVIL;
use crate::driver::{DESCRIPTOR_INDIRECT, Descriptor};
use crate::rig::{RawQueue, mac, readable, writable};

/// Heads of the chains, two descriptors each, in the transmit as in the receive ring.
pub(super) const HEADS: [u16; 4] = [0, 2, 4, 6];
/// Bytes of a buffer, and where each begins.
pub(super) const BUFFER: usize = 8192;
/// Where the indirect table of the last chain lies.
pub(super) const TABLE: usize = BUFFER * HEADS.len();
/// Bytes before the chain's second buffer begins: inside the headers.
pub(super) const CUT: u32 = 40;

/// Virtio-net header and frame of each chain.
pub(super) fn offers() -> [Vec<u8>; HEADS.len()] {
    let payload: Vec<u8> = (0..5000_u32).map(|at| (at * 31) as u8).collect();
    let tcp = Tcp { src: 1, dst: 2, flags: tcp_flag::ACK | tcp_flag::PSH, options: vec![1, 1, 1, 0], ..Tcp::default() };
    let (large, segments) = packet(Ip::v4([10, 0, 0, 1], [10, 0, 0, 2])).tcp_offloaded(&tcp, &payload, Some(1400));
    let (unfinished, datagram) = packet(v6()).udp_offloaded((5, 6), &payload[..700], None);
    [
        [&[0; 12], &super::honest(EVIL)[..]].concat(),
        [&large.to_bytes(), &segments[..]].concat(),
        [&[0; 12], &packet(v6().extension(60, &options(200))).icmp6(icmp6::kind::ROUTER_SOLICITATION, 0, &[0; 40])[..]]
            .concat(),
        [&unfinished.to_bytes(), &datagram[..]].concat(),
    ]
}

fn packet(ip: Ip) -> IpFrame {
    Ether::new(MacAddr::BROADCAST, mac(EVIL)).ip(ip.hops(255))
}

fn v6() -> Ip {
    Ip::v6([0x20; 16], [0x21; 16])
}

/// The body of an options header of `len` bytes, a multiple of eight.
fn options(len: usize) -> Vec<u8> {
    [&[(len / 8 - 1) as u8, 1, len as u8 - 4][..], &vec![0; len - 4]].concat()
}

/// The two descriptors of an offer.
pub(super) fn descriptors(tx: &RawQueue, number: usize, len: usize) -> [Descriptor; 2] {
    let at = tx.buffers().gpa() + (number * BUFFER) as u64;
    [readable(at, CUT), readable(at + u64::from(CUT), len as u32 - CUT)]
}

/// Fills both rings' descriptors and all buffers. The last chain is an indirect one.
pub(super) fn lay_out(tx: &RawQueue, rx: &RawQueue) {
    for (number, offer) in offers().iter().enumerate() {
        tx.fill(number * BUFFER, offer);
        tx.chain(HEADS[number], &descriptors(tx, number, offer.len()));
        let at = rx.buffers().gpa() + (number * BUFFER) as u64;
        rx.chain(HEADS[number], &[writable(at, 100), writable(at + 100, 1900)]);
    }
    let last = HEADS.len() - 1;
    let [first, second] = descriptors(tx, last, offers()[last].len());
    let linked = Descriptor { flags: 1, next: 1, ..first };
    let addr = tx.fill(TABLE, &[linked.to_bytes(), second.to_bytes()].concat());
    tx.chain(HEADS[last], &[Descriptor { addr, len: 32, flags: DESCRIPTOR_INDIRECT, next: 0 }]);
}
