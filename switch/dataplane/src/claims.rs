// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a virtio-net header claims about its frame, held against the frame's own headers.
//!
//! A checksum that is still to be completed is two bytes that somebody writes into the frame after it was judged: the
//! receiving guest, or the switch for it. Their place must therefore lie behind everything that judgement goes by.
//! Otherwise a host could have a Router Advertisement made of a harmless frame, or another's source MAC.

use wire::ether::ethertype;
use wire::ip4::Ip4Header;
use wire::ip6::{Walk, protocol, walk};
use wire::{EtherHeader, Gso};

use crate::burst::Frame;
use crate::drops::DropReason;
use crate::features::Negotiated;

/// Below this an ethertype is the length of an 802.3 frame.
const ETHERTYPE_MIN: u16 = 0x0600;
/// Bytes of an ICMPv6 header that say what the message is: type and code.
const MEANING: u16 = 2;
/// Bytes of a TCP header without options, of a UDP header, and where TCP says how long its header is.
const TCP_MIN: usize = 20;
const UDP_LEN: usize = 8;
const TCP_DATA_OFFSET: usize = 12;

/// What a packet carries, and where in the frame that begins. No protocol: it is not an IP packet.
struct Transport {
    protocol: Option<u8>,
    at: usize,
}

/// Checks the offloads that a frame asks for, and notes how long the frames are that it will become.
#[inline]
pub(crate) fn check(frame: &mut Frame, negotiated: Negotiated) -> Result<(), DropReason> {
    frame.longest = frame.len;
    if frame.vnet.is_plain() { Ok(()) } else { check_offload(frame, negotiated) }
}

#[inline(never)]
fn check_offload(frame: &mut Frame, negotiated: Negotiated) -> Result<(), DropReason> {
    let header = frame.vnet;
    if header.check(frame.len as usize).is_err() || !negotiated.may_send(&header) {
        return Err(DropReason::BadOffload);
    }
    // What passed the check has a checksum to complete, be it segmented or not.
    let transport = transport(frame.head(), &frame.ether)?;
    let start = usize::from(header.csum_start);
    let sane = match header.gso() {
        None => start >= transport.at && header.csum_offset >= MEANING,
        Some(gso) => start == transport.at && carries(gso, frame.ether.ethertype, transport.protocol),
    };
    if !sane {
        return Err(DropReason::BadOffload);
    }
    if let Some(gso) = header.gso() {
        let headers = start + transport_len(frame.head(), start, gso);
        // The guest's own figure is a hint that has led others astray: hand on ours.
        frame.vnet.hdr_len = headers as u16;
        frame.longest = frame.len.min(headers as u32 + u32::from(header.gso_size));
    }
    Ok(())
}

/// Where what the packet carries begins, by the head alone.
fn transport(head: &[u8], ether: &EtherHeader) -> Result<Transport, DropReason> {
    let packet = head.get(ether.l3..).unwrap_or_default();
    let (protocol, offset) = match ether.ethertype {
        ethertype::IPV4 => {
            let header = Ip4Header::parse(packet).ok_or(DropReason::BadOffload)?;
            (Some(header.protocol), header.len)
        }
        ethertype::IPV6 => match walk(packet) {
            Walk::End(chain) => (Some(chain.protocol), chain.offset),
            Walk::Truncated => return Err(DropReason::Unclassifiable),
            Walk::NotIp6 => return Err(DropReason::BadOffload),
        },
        // LLC may hide an ethertype behind it, and nobody offloads a checksum in there.
        0..ETHERTYPE_MIN => return Err(DropReason::BadOffload),
        _ => (None, 0),
    };
    Ok(Transport { protocol, at: ether.l3 + offset })
}

/// Whether a packet is what the kind of segmentation is for.
fn carries(gso: Gso, ethertype: u16, protocol: Option<u8>) -> bool {
    match gso {
        Gso::Tcp4 => ethertype == ethertype::IPV4 && protocol == Some(protocol::TCP),
        Gso::Tcp6 => ethertype == ethertype::IPV6 && protocol == Some(protocol::TCP),
        Gso::UdpL4 => protocol == Some(protocol::UDP),
        Gso::Udp => false,
    }
}

/// Bytes of the transport header at `start`; the least possible where the head does not reach that far.
fn transport_len(head: &[u8], start: usize, gso: Gso) -> usize {
    match gso {
        Gso::Udp | Gso::UdpL4 => UDP_LEN,
        Gso::Tcp4 | Gso::Tcp6 => {
            head.get(start + TCP_DATA_OFFSET).map_or(TCP_MIN, |offset| usize::from(offset >> 4) * 4).max(TCP_MIN)
        }
    }
}
