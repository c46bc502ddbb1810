// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which frames are Neighbor Discovery (RFC 4861, section 4), or tell hosts by DHCPv6 what routers do, asked of the first bytes of a
//! frame.
//!
//! RA guard (RFC 6105) stands on this answer, so it errs on one side: whatever some receiver might
//! take for an advertisement is called one, or [`NdKind::Unclassified`]. Hop limit, code, checksum
//! and addresses are therefore not looked at, tags and LLC/SNAP are looked through (CVE-2021-27853),
//! and header chains are walked to their end (RFC 7113).

use crate::ether::{EtherHeader, Snap, ethertype, is_tag};
use crate::ip6::{self, Walk, protocol};

/// ICMPv6 types (RFC 4443, RFC 4861).
pub mod kind {
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 128;
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 129;
    /// Router Solicitation.
    pub const ROUTER_SOLICITATION: u8 = 133;
    /// Router Advertisement.
    pub const ROUTER_ADVERTISEMENT: u8 = 134;
    /// Neighbor Solicitation.
    pub const NEIGHBOR_SOLICITATION: u8 = 135;
    /// Neighbor Advertisement.
    pub const NEIGHBOR_ADVERTISEMENT: u8 = 136;
    /// Redirect.
    pub const REDIRECT: u8 = 137;
}

/// The port of DHCPv6 clients (RFC 8415, section 7.2).
pub const DHCP_CLIENT_PORT: u16 = 546;

/// The part that a frame plays in Neighbor Discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NdKind {
    /// None: another protocol, another ICMPv6 message, or a fragment that is not the first (which
    /// nobody can reassemble when the first one has been dropped; RFC 7113, section 3).
    Other,
    /// Router Solicitation: a host asks.
    RouterSolicitation,
    /// Router Advertisement: a router answers, or claims to be one.
    RouterAdvertisement,
    /// Neighbor Solicitation.
    NeighborSolicitation,
    /// Neighbor Advertisement.
    NeighborAdvertisement,
    /// Redirect: a router, or who claims to be one, names a better first hop.
    Redirect,
    /// None, but as much a word to hosts: a DHCPv6 message that only a server or a relay sends (RFC 7610, section 4).
    DhcpToClient,
    /// A packet of a neighbour (link-local source, hop limit 255) whose header chain leads to a number that may be an
    /// extension header which nobody knows yet, with anything behind it (RFC 7113, section 3, rule 5).
    Unrecognised,
    /// The bytes given do not reach as far as the ICMPv6 type, or a third VLAN tag hides it.
    ///
    /// Ask again with the whole frame. If it is still this, no receiver is obliged to understand the
    /// frame (RFC 7112), and a guard drops it.
    Unclassified,
}

/// Classifies a frame by its first bytes; `header` was parsed from the same bytes.
#[inline]
pub fn nd_kind(frame: &[u8], header: &EtherHeader) -> NdKind {
    match header.ethertype {
        ethertype::IPV6 => of_packet(frame, header.l3),
        ethertype::IPV4 => NdKind::Other,
        _ => of_odd_frame(frame, header),
    }
}

/// True for a Neighbor Discovery message behind a fragment header, be it one that fragments nothing: no node may take
/// it seriously (RFC 6980, section 5). `header` was parsed from the same bytes.
///
/// Of a message in several fragments it is the first; the others name nothing, and are worthless without it.
pub fn is_fragmented_nd(frame: &[u8], header: &EtherHeader) -> bool {
    let packet = packet_at(frame, header).and_then(|l3| frame.get(l3..)).unwrap_or_default();
    match ip6::walk(packet) {
        Walk::End(chain @ ip6::Chain { protocol: protocol::ICMP6, fragment: Some(_), .. }) => {
            let message = packet.get(chain.offset).filter(|_| !chain.is_later_fragment());
            message.is_some_and(|&t| of_type(t) != NdKind::Other)
        }
        Walk::End(_) | Walk::Truncated | Walk::NotIp6 => false,
    }
}

/// Where the IPv6 packet of a frame begins, looked for as [`nd_kind`] does. `header` was parsed from the same bytes.
pub fn packet_at(frame: &[u8], header: &EtherHeader) -> Option<usize> {
    if header.ethertype == ethertype::IPV6 { Some(header.l3) } else { odd_l3(frame, header).ok() }
}

/// Frames that are IPv6 only for receivers that look through more than an Ethernet II header.
#[cold]
fn of_odd_frame(frame: &[u8], header: &EtherHeader) -> NdKind {
    odd_l3(frame, header).map_or_else(|kind| kind, |l3| of_packet(frame, l3))
}

/// Where the IPv6 header of such a frame is, or what the frame is without one.
#[inline]
fn odd_l3(frame: &[u8], header: &EtherHeader) -> Result<usize, NdKind> {
    let (ethertype, l3) = match header.snap(frame) {
        Snap::Carries(ethertype, l3) => (ethertype, l3),
        Snap::Absent => (header.ethertype, header.l3),
        Snap::Truncated => return Err(NdKind::Unclassified),
    };
    match ethertype {
        ethertype::IPV6 => Ok(l3),
        tag if is_tag(tag) => Err(NdKind::Unclassified),
        _ => Err(NdKind::Other),
    }
}

#[inline]
fn of_packet(frame: &[u8], l3: usize) -> NdKind {
    let packet = frame.get(l3..).unwrap_or_default();
    match ip6::walk(packet) {
        Walk::NotIp6 => NdKind::Other,
        Walk::Truncated => NdKind::Unclassified,
        Walk::End(chain) if chain.is_later_fragment() => NdKind::Other,
        Walk::End(chain) if chain.protocol == protocol::UDP => of_datagram(packet, chain.offset),
        Walk::End(chain) if chain.protocol != protocol::ICMP6 => of_protocol(packet, chain.protocol),
        Walk::End(chain) => packet.get(chain.offset).map_or(NdKind::Unclassified, |&t| of_type(t)),
    }
}

/// What a packet is whose UDP header is there.
#[inline]
fn of_datagram(packet: &[u8], header: usize) -> NdKind {
    match packet.get(header..).and_then(<[u8]>::first_chunk::<4>) {
        Some(&[_, _, high, low]) if u16::from_be_bytes([high, low]) == DHCP_CLIENT_PORT => NdKind::DhcpToClient,
        Some(_) => NdKind::Other,
        None => NdKind::Unclassified,
    }
}

/// What a packet is that is not of ICMPv6, as far as anybody can tell.
#[inline]
fn of_protocol(packet: &[u8], protocol: u8) -> NdKind {
    // Whom no router has forwarded, and who is on this link: from others no advertisement is taken (RFC 4861, section 6.1.2).
    let is_neighbours = || matches!(packet, [_, _, _, _, _, _, _, 255, 0xfe, second, ..] if second & 0xc0 == 0x80);
    if ip6::may_be_extension(protocol) && is_neighbours() { NdKind::Unrecognised } else { NdKind::Other }
}

/// The part that an ICMPv6 message of this type plays.
#[inline]
pub const fn of_type(icmp6_type: u8) -> NdKind {
    match icmp6_type {
        kind::ROUTER_SOLICITATION => NdKind::RouterSolicitation,
        kind::ROUTER_ADVERTISEMENT => NdKind::RouterAdvertisement,
        kind::NEIGHBOR_SOLICITATION => NdKind::NeighborSolicitation,
        kind::NEIGHBOR_ADVERTISEMENT => NdKind::NeighborAdvertisement,
        kind::REDIRECT => NdKind::Redirect,
        _ => NdKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A Router Advertisement behind `tags`, with `next` and `extensions` before it.
    fn advertisement(tags: &[u8], next: u8, extensions: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x33, 0x33, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 1];
        frame.extend(tags);
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 16, next, 255]);
        frame.extend([0xfe; 32].iter().chain(extensions));
        frame.extend([134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0]);
        frame
    }

    fn classify(frame: &[u8]) -> NdKind {
        nd_kind(frame, &EtherHeader::parse(frame).unwrap())
    }

    #[test]
    fn types() {
        for (value, expected) in [
            (132, NdKind::Other),
            (133, NdKind::RouterSolicitation),
            (134, NdKind::RouterAdvertisement),
            (135, NdKind::NeighborSolicitation),
            (136, NdKind::NeighborAdvertisement),
            (137, NdKind::Redirect),
            (138, NdKind::Other),
        ] {
            let mut frame = advertisement(&[], 58, &[]);
            frame[54] = value;
            assert_eq!(classify(&frame), expected, "{value}");
        }
    }

    #[test]
    fn what_is_for_a_dhcp_client_is_known_by_its_port_alone() {
        let datagram = |[high, low]: [u8; 2]| {
            let mut frame = advertisement(&[], 17, &[]);
            frame[54..58].copy_from_slice(&[0, 1, high, low]);
            frame
        };
        assert_eq!(classify(&datagram([2, 34])), NdKind::DhcpToClient);
        assert_eq!(classify(&datagram([2, 35])), NdKind::Other);
        assert_eq!(classify(&datagram([2, 34])[..57]), NdKind::Unclassified);
    }

    #[test]
    fn tags_and_snap_do_not_hide_an_advertisement() {
        let snap = [0, 80, 0xaa, 0xaa, 3, 0, 0, 0];

        let tags: [&[u8]; 3] = [&[0x81, 0, 0, 0], &[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2], &snap];
        for tags in tags {
            let frame = advertisement(tags, 58, &[]);
            assert_eq!(classify(&frame), NdKind::RouterAdvertisement, "{tags:?}");
        }
    }

    #[test]
    fn what_only_some_receivers_understand_is_unclassified() {
        let three = [0x81, 0, 0, 0].repeat(3);
        assert_eq!(classify(&advertisement(&three, 58, &[])), NdKind::Unclassified);
        let tag_in_snap = [0, 80, 0xaa, 0xaa, 3, 0, 0, 0, 0x81, 0, 0, 0];
        assert_eq!(classify(&advertisement(&tag_in_snap, 58, &[])), NdKind::Unclassified);
    }

    #[test]
    fn extension_headers_do_not_hide_an_advertisement() {
        let options = [60, 0, 1, 4, 0, 0, 0, 0].repeat(20);
        let mut chain = options.clone();
        chain.extend([58, 0, 1, 4, 0, 0, 0, 0]);
        let frame = advertisement(&[], 60, &chain);
        assert_eq!(classify(&frame), NdKind::RouterAdvertisement);
        assert_eq!(classify(&frame[..128]), NdKind::Unclassified);
        let type_at = 54 + chain.len();
        assert_eq!(classify(&frame[..type_at]), NdKind::Unclassified);
        assert_eq!(classify(&frame[..=type_at]), NdKind::RouterAdvertisement);
    }

    #[test]
    fn first_fragment_is_classified_and_later_ones_pass() {
        let first = [58, 0, 0, 1, 0, 0, 0, 9];
        assert_eq!(classify(&advertisement(&[], 44, &first)), NdKind::RouterAdvertisement);
        let later = [58, 0, 0, 9, 0, 0, 0, 9];
        assert_eq!(classify(&advertisement(&[], 44, &later)), NdKind::Other);
    }

    #[test]
    fn a_fragment_of_neighbor_discovery_is_known_as_one() {
        let is_fragmented = |frame: &[u8]| is_fragmented_nd(frame, &EtherHeader::parse(frame).unwrap());
        let (first, atomic) = ([58, 0, 0, 1, 0, 0, 0, 9], [58, 0, 0, 0, 0, 0, 0, 9]);
        let snap = [0, 80, 0xaa, 0xaa, 3, 0, 0, 0];
        let tags: [&[u8]; 3] = [&[], &[0x81, 0, 0, 0], &snap];
        for tags in tags {
            assert!(is_fragmented(&advertisement(tags, 44, &first)));
            assert!(is_fragmented(&advertisement(tags, 44, &atomic)));
            assert!(!is_fragmented(&advertisement(tags, 58, &[])));
        }
        let mut echo = advertisement(&[], 44, &first);
        echo[62] = kind::ECHO_REQUEST;
        assert!(!is_fragmented(&echo));
        assert!(!is_fragmented(&advertisement(&[], 44, &[58, 0, 0, 9, 0, 0, 0, 9])));
        assert!(!is_fragmented(&[0xff; 14]));
    }

    #[test]
    fn a_header_that_nobody_knows_is_told_from_what_is_known_to_be_none() {
        let of_neighbour = |next, extensions: &[u8]| {
            let mut frame = advertisement(&[], next, extensions);
            frame[23] = 0x80;
            frame
        };
        let behind = |next| classify(&of_neighbour(next, &[58, 0, 0, 0, 0, 0, 0, 0]));
        for next in [148, 200, 252, 253, 254, 255] {
            assert_eq!(behind(next), NdKind::Unrecognised, "{next}");
        }
        for next in [4, 6, 17, 41, 47, 50, 58, 59, 88, 89, 103, 112, 115, 132, 136, 137, 145] {
            assert_ne!(behind(next), NdKind::Unrecognised, "{next}");
        }
        let behind_options = of_neighbour(60, &[253, 0, 1, 4, 0, 0, 0, 0]);
        assert_eq!(classify(&behind_options), NdKind::Unrecognised);
        let first_fragment = of_neighbour(44, &[253, 0, 0, 1, 0, 0, 0, 9]);
        assert_eq!(classify(&first_fragment), NdKind::Unrecognised);
        let later_fragment = of_neighbour(44, &[253, 0, 0, 9, 0, 0, 0, 9]);
        assert_eq!(classify(&later_fragment), NdKind::Other);
        let (mut forwarded, mut distant) = (of_neighbour(253, &[]), of_neighbour(253, &[]));
        forwarded[21] = 254;
        distant[22..24].copy_from_slice(&[0x20, 0x01]);
        assert_eq!((classify(&forwarded), classify(&distant)), (NdKind::Other, NdKind::Other));
    }

    #[test]
    fn other_traffic_is_other() {
        let mut arp = vec![0xff; 12];
        arp.extend([0x08, 0x06, 0, 1]);
        assert_eq!(classify(&arp), NdKind::Other);
        assert_eq!(classify(&advertisement(&[], 6, &[])), NdKind::Other);
        let bridge_hello = [&[1; 12][..], &[0, 38, 0x42, 0x42, 3]].concat();
        assert_eq!(classify(&bridge_hello), NdKind::Other);
    }

    proptest! {
        #[test]
        fn a_prefix_gives_the_same_answer_or_none(
            headers in 0usize..30, cut in 14usize..400, first in prop::sample::select(vec![0u8, 60]),
        ) {
            let mut chain = [60, 0, 1, 4, 0, 0, 0, 0].repeat(headers);
            chain.extend([58, 0, 1, 4, 0, 0, 0, 0]);
            let frame = advertisement(&[], first, &chain);
            let answer = classify(&frame[..cut.min(frame.len())]);
            prop_assert!(matches!(answer, NdKind::Unclassified | NdKind::RouterAdvertisement));
        }

        #[test]
        fn any_bytes_are_classified(bytes in prop::collection::vec(any::<u8>(), 14..200), ipv6: bool) {
            let mut bytes = bytes;
            if ipv6 {
                bytes[12..14].copy_from_slice(&[0x86, 0xdd]);
            }
            classify(&bytes);
        }
    }
}
