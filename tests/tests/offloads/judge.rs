// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! etherparse as the judge of frames.

use etherparse::{NetSlice, SlicedPacket, TcpHeaderSlice, TransportSlice};

/// What is left of a frame after all lengths and checksums were found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) payload: Vec<u8>,
    /// Sequence number; 0 for UDP.
    pub(crate) seq: u32,
    pub(crate) fin: bool,
    pub(crate) psh: bool,
}

/// Reads a TCP or UDP frame.
///
/// Panics when a length or a checksum of it is wrong.
pub(crate) fn judge(frame: &[u8]) -> Judged {
    let packet = SlicedPacket::from_ethernet(frame).expect("a frame that can be parsed");
    check_ip(&packet);
    match packet.transport.as_ref().expect("a transport header") {
        TransportSlice::Tcp(tcp) => {
            assert_eq!(tcp.checksum(), expected_tcp(&packet), "TCP checksum");
            let header = TcpHeaderSlice::from_slice(tcp.header_slice()).expect("it was one before");
            let seq = header.sequence_number();
            Judged { payload: tcp.payload().to_vec(), seq, fin: header.fin(), psh: header.psh() }
        }
        TransportSlice::Udp(udp) => {
            assert_eq!(udp.checksum(), expected_udp(&packet), "UDP checksum");
            assert_eq!(usize::from(udp.length()), 8 + udp.payload().len(), "UDP length");
            Judged { payload: udp.payload().to_vec(), seq: 0, fin: false, psh: false }
        }
        other => panic!("neither TCP nor UDP: {other:?}"),
    }
}

fn check_ip(packet: &SlicedPacket<'_>) {
    if let Some(NetSlice::Ipv4(ip)) = &packet.net {
        let header = ip.header().to_header();
        assert_eq!(header.calc_header_checksum(), header.header_checksum, "IPv4 header checksum");
    }
}

fn expected_tcp(packet: &SlicedPacket<'_>) -> u16 {
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { panic!("not TCP") };
    let sum = match packet.net.as_ref().expect("an IP header") {
        NetSlice::Ipv4(ip) => tcp.to_header().calc_checksum_ipv4(&ip.header().to_header(), tcp.payload()),
        NetSlice::Ipv6(ip) => tcp.to_header().calc_checksum_ipv6(&ip.header().to_header(), tcp.payload()),
        NetSlice::Arp(_) => panic!("not IP"),
    };
    sum.expect("a payload that fits")
}

fn expected_udp(packet: &SlicedPacket<'_>) -> u16 {
    let Some(TransportSlice::Udp(udp)) = &packet.transport else { panic!("not UDP") };
    let sum = match packet.net.as_ref().expect("an IP header") {
        NetSlice::Ipv4(ip) => udp.to_header().calc_checksum_ipv4(&ip.header().to_header(), udp.payload()),
        NetSlice::Ipv6(ip) => udp.to_header().calc_checksum_ipv6(&ip.header().to_header(), udp.payload()),
        NetSlice::Arp(_) => panic!("not IP"),
    };
    sum.expect("a payload that fits")
}
