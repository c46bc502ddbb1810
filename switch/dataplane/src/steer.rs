// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which receive queue of a multi-queue port a flow goes to. Frames of one flow hash alike, with tags or without, behind
//! extension headers or not; and so do the fragments of a packet. A flow of which some datagrams are cut into fragments
//! and some are not is two, as it is to network cards: nothing in a later fragment tells the ports.

use wire::EtherHeader;
use wire::ether::ethertype;
use wire::ip6::protocol::{TCP, UDP};
use wire::ip6::{Chain, Walk, walk};

/// A hash over addresses and, where they are at hand, ports. `head` is the private copy of the frame's first bytes.
pub(crate) fn flow(head: &[u8], ether: &EtherHeader) -> u32 {
    let packet = head.get(ether.l3..).unwrap_or_default();
    let keys = match ether.ethertype {
        ethertype::IPV4 => ipv4(packet),
        ethertype::IPV6 => ipv6(packet),
        _ => None,
    };
    let (addresses, ports) = keys.unwrap_or((&head[..12], &[]));
    mix(addresses.chunks(8).chain(ports.chunks(8)))
}

/// Addresses; ports of TCP and UDP, unless the packet is a fragment, whose followers have none.
fn ipv4(packet: &[u8]) -> Option<(&[u8], &[u8])> {
    let addresses = packet.get(12..20)?;
    let whole = packet[6] & 0x3f == 0 && packet[7] == 0;
    let header = usize::from(packet[0] & 0xf) * 4;
    let ports = packet.get(header..header + 4).filter(|_| whole && matches!(packet[9], TCP | UDP));
    Some((addresses, ports.unwrap_or_default()))
}

/// Addresses; ports of TCP and UDP behind however many extension headers, under the same condition.
fn ipv6(packet: &[u8]) -> Option<(&[u8], &[u8])> {
    let addresses = packet.get(8..40)?;
    let ports = match walk(packet) {
        Walk::End(Chain { protocol: TCP | UDP, offset, fragment }) if fragment.is_none_or(|part| part.is_whole()) => {
            packet.get(offset..offset + 4)
        }
        _ => None,
    };
    Some((addresses, ports.unwrap_or_default()))
}

fn mix<'a>(words: impl Iterator<Item = &'a [u8]>) -> u32 {
    let mut hash = 0x9e37_79b9_7f4a_7c15_u64;
    for word in words {
        let mut bytes = [0; 8];
        bytes[..word.len()].copy_from_slice(word);
        hash = (hash ^ u64::from_le_bytes(bytes)).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(29);
    }
    // Queue numbers are low bits, and a product's low bits know only the low bits of what was multiplied.
    ((hash ^ hash >> 32).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32) as u32
}
