// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! etherparse as the judge of frames, for tests.

use etherparse::{NetSlice, SlicedPacket, TransportSlice};

/// Panics unless every length and checksum of the frame is right.
pub(crate) fn verify(frame: &[u8]) {
    let packet = SlicedPacket::from_ethernet(frame).unwrap();
    let (v4, v6) = match packet.net.as_ref().unwrap() {
        NetSlice::Ipv4(ip) => {
            assert_eq!(ip.header().to_header().calc_header_checksum(), ip.header().header_checksum());
            (Some(ip.header()), None)
        }
        NetSlice::Ipv6(ip) => (None, Some(ip.header())),
        NetSlice::Arp(_) => return,
    };
    let (found, expected) = match (packet.transport.unwrap(), v4, v6) {
        (TransportSlice::Udp(udp), Some(ip), _) => {
            let header = udp.to_header();
            (udp.checksum(), header.calc_checksum_ipv4(&ip.to_header(), udp.payload()).unwrap())
        }
        (TransportSlice::Udp(udp), _, Some(ip)) => {
            let header = udp.to_header();
            (udp.checksum(), header.calc_checksum_ipv6(&ip.to_header(), udp.payload()).unwrap())
        }
        (TransportSlice::Tcp(tcp), Some(ip), _) => {
            let header = tcp.to_header();
            (tcp.checksum(), header.calc_checksum_ipv4(&ip.to_header(), tcp.payload()).unwrap())
        }
        (TransportSlice::Tcp(tcp), _, Some(ip)) => {
            let header = tcp.to_header();
            (tcp.checksum(), header.calc_checksum_ipv6(&ip.to_header(), tcp.payload()).unwrap())
        }
        (TransportSlice::Icmpv4(icmp), ..) => (icmp.checksum(), icmp.icmp_type().calc_checksum(icmp.payload())),
        (TransportSlice::Icmpv6(icmp), _, Some(ip)) => {
            assert!(icmp.is_checksum_valid(ip.source(), ip.destination()));
            return;
        }
        _ => panic!("no transport"),
    };
    assert_eq!(found, expected);
}
