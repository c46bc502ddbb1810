// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The oracle: a segment equals the frame that the builder makes of the same piece of payload.

use core::net::Ipv6Addr;

use proptest::prelude::*;

use super::*;
use crate::MacAddr;
use crate::build::{Ether, Ip, Tcp, tcp_flag};
use crate::oracle;
use crate::vnet;

const GUEST: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const PEER: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

/// The headers around the transport, of which tests vary the kind.
#[derive(Clone, Debug)]
struct Wrap {
    v4: bool,
    tagged: bool,
    extended: bool,
    id: u16,
}

impl Wrap {
    fn plain(v4: bool) -> Wrap {
        Wrap { v4, tagged: false, extended: false, id: 0 }
    }

    fn frame(&self, index: u16) -> crate::build::IpFrame {
        let ether = Ether::new(PEER, GUEST);
        let ether = if self.tagged { ether.vlan(5).vlan(6) } else { ether };
        ether.ip(match (self.v4, self.extended) {
            (true, false) => v4().id(self.id.wrapping_add(index)),
            (true, true) => v4().options(&[1, 1, 1, 0]).id(self.id.wrapping_add(index)).fragment(0x4000),
            (false, false) => v6(),
            (false, true) => v6().extension(0, &[0, 1, 4, 0, 0, 0, 0]).extension(60, &[0, 1, 4, 0, 0, 0, 0]),
        })
    }
}

fn v4() -> Ip {
    Ip::v4([192, 0, 2, 1], [192, 0, 2, 2])
}

fn v6() -> Ip {
    Ip::v6(Ipv6Addr::LOCALHOST, Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2))
}

fn tcp() -> Tcp {
    Tcp { src: 443, dst: 50_000, seq: 0xffff_ff00, ack: 7, flags: tcp_flag::ACK, ..Tcp::default() }
}

fn segments(frame: &[u8], vnet: &VnetHeader) -> Vec<Vec<u8>> {
    let segmenter = Segmenter::new(frame, vnet).unwrap();
    let (count, longest) = (segmenter.len(), segmenter.longest());
    let segments: Vec<Vec<u8>> = segmenter.map(|s| [s.head(), s.body()].concat()).collect();
    assert_eq!(segments.len(), count);
    assert_eq!(segments.iter().map(Vec::len).max(), Some(longest));
    segments
}

fn refused(frame: &[u8], vnet: &VnetHeader) -> SegmentError {
    Segmenter::new(frame, vnet).expect_err("refused")
}

#[test]
fn flags_belong_to_the_first_or_the_last_segment() {
    let flags = tcp_flag::ACK | tcp_flag::PSH | tcp_flag::FIN | tcp_flag::CWR;
    let tcp = Tcp { flags, ..tcp() };
    let (vnet, frame) = Wrap::plain(true).frame(0).tcp_offloaded(&tcp, &[7; 25], Some(10));
    let flags: Vec<u8> = segments(&frame, &vnet).iter().map(|segment| segment[34 + 13]).collect();
    assert_eq!(flags, [0x90, 0x10, 0x19]);
}

#[test]
fn no_payload_and_exact_multiples() {
    for (payload, lengths) in [(0, vec![0]), (10, vec![10]), (20, vec![10, 10]), (21, vec![10, 10, 1])] {
        let (vnet, frame) = Wrap::plain(false).frame(0).tcp_offloaded(&tcp(), &vec![1; payload], Some(10));
        let found: Vec<usize> = segments(&frame, &vnet).iter().map(|s| s.len() - 74).collect();
        assert_eq!(found, lengths, "{payload}");
    }
}

#[test]
fn the_hint_about_header_length_changes_nothing() {
    let (vnet, frame) = Wrap::plain(true).frame(0).tcp_offloaded(&tcp(), &[9; 100], Some(30));
    let expected = segments(&frame, &vnet);
    let longest = frame.len() as u16;
    for hdr_len in [0, 1, 53, 55, longest] {
        assert_eq!(segments(&frame, &VnetHeader { hdr_len, ..vnet }), expected);
    }
    let lie = VnetHeader { hdr_len: longest + 1, ..vnet };
    assert_eq!(refused(&frame, &lie), SegmentError::Vnet(VnetError::HdrLen));
}

/// CVE-2024-11614 (DPDK vhost): `csum_start` beyond the frame.
#[test]
fn csum_start_must_be_the_transport_header() {
    let (vnet, frame) = Wrap::plain(true).frame(0).tcp_offloaded(&tcp(), &[9; 100], Some(30));
    let at = |csum_start| refused(&frame, &VnetHeader { csum_start, ..vnet });
    assert_eq!(at(0xffff), SegmentError::Vnet(VnetError::CsumRange));
    assert_eq!(at(frame.len() as u16), SegmentError::Vnet(VnetError::CsumRange));
    assert_eq!(at(33), SegmentError::CsumStart);
    assert_eq!(at(0), SegmentError::CsumStart);
}

#[test]
fn impossible_headers_are_refused() {
    let (vnet, frame) = Wrap::plain(true).frame(0).tcp_offloaded(&tcp(), &[9; 30], Some(30));
    let with = |at: usize, value: u8| {
        let mut frame = frame.clone();
        frame[at] = value;
        refused(&frame, &vnet)
    };
    assert_eq!(with(14, 0x44), SegmentError::Headers, "IPv4 header of 16 octets");
    assert_eq!(with(34 + 12, 0x40), SegmentError::Headers, "TCP header of 16 octets");
    assert_eq!(with(34 + 12, 0xf0), SegmentError::Headers, "TCP header beyond the frame");
    assert_eq!(with(14, 0x46), SegmentError::CsumStart, "IPv4 header that ends inside TCP's");
    assert_eq!(with(20, 0x20), SegmentError::Fragment, "more fragments");
    assert_eq!(with(21, 1), SegmentError::Fragment, "a later fragment");
    assert_eq!(with(23, 17), SegmentError::Protocol, "UDP, as a tunnel would have it");
    assert_eq!(with(12, 0x86), SegmentError::IpVersion, "another ethertype");
}

#[test]
fn ip_versions_and_kinds_must_agree() {
    let (vnet, frame) = Wrap::plain(false).frame(0).tcp_offloaded(&tcp(), &[9; 30], Some(30));
    let kind = |gso_type| refused(&frame, &VnetHeader { gso_type, ..vnet });
    assert_eq!(kind(vnet::GSO_TCPV4), SegmentError::IpVersion);
    assert_eq!(kind(vnet::GSO_NONE), SegmentError::Unsupported);
    let udp = VnetHeader { csum_offset: 6, ..vnet };
    assert_eq!(refused(&frame, &VnetHeader { gso_type: vnet::GSO_UDP, ..udp }), SegmentError::Unsupported);
    assert_eq!(refused(&frame, &VnetHeader { gso_type: vnet::GSO_UDP_L4, ..udp }), SegmentError::Protocol);
    let fragment = v6().extension(44, &[0, 0, 1, 0, 0, 0, 1]);
    let (vnet, frame) = Ether::new(PEER, GUEST).ip(fragment).tcp_offloaded(&tcp(), &[9; 30], Some(30));
    assert_eq!(refused(&frame, &vnet), SegmentError::Fragment);
}

#[test]
fn a_guest_cannot_make_one_frame_into_thousands() {
    let (vnet, frame) = Wrap::plain(true).frame(0).tcp_offloaded(&tcp(), &[9; 60_000], Some(1));
    assert_eq!(refused(&frame, &vnet), SegmentError::TooManySegments);
    let most = VnetHeader { gso_size: 60_000u16.div_ceil(256), ..vnet };
    assert_eq!(segments(&frame, &most).len(), 256);
}

#[test]
fn long_headers_and_long_packets_are_refused() {
    let mut options = vec![23, 1, 198];
    options.resize(191, 0);
    let ip = v6().extension(60, &options);
    let (vnet, frame) = Ether::new(PEER, GUEST).ip(ip).tcp_offloaded(&tcp(), &[9; 30], Some(30));
    assert_eq!(refused(&frame, &vnet), SegmentError::HeadersTooLong);
    let (vnet, mut frame) = Wrap::plain(true).frame(0).tcp_offloaded(&tcp(), &[9; 65_495], Some(1448));
    assert_eq!(segments(&frame, &vnet).len(), 46);
    frame.push(0);
    assert_eq!(refused(&frame, &vnet), SegmentError::TooLong);
}

#[test]
fn the_beginning_of_a_frame_is_enough_once_it_holds_all_headers() {
    let wrap = Wrap { extended: true, tagged: true, ..Wrap::plain(false) };
    let (vnet, frame) = wrap.frame(0).tcp_offloaded(&tcp(), &[9; 3000], Some(1000));
    let len = 14 + 8 + 40 + 16 + 20;
    for given in crate::ether::MAX_LEN..len {
        assert_eq!(headers_len(&frame[..given], frame.len(), &vnet), Err(SegmentError::Truncated), "{given}");
    }
    for given in len..=frame.len() {
        assert_eq!(headers_len(&frame[..given], frame.len(), &vnet), Ok(len));
    }
}

#[test]
fn a_segment_is_written_whole_or_not_at_all() {
    let (vnet, frame) = Wrap::plain(true).frame(0).tcp_offloaded(&tcp(), &[9; 30], Some(30));
    let segment = Segmenter::new(&frame, &vnet).unwrap().next().unwrap();
    let mut out = [0x55; 84];
    assert_eq!(segment.write_to(&mut out[..83]), None);
    assert_eq!(out, [0x55; 84]);
    assert_eq!(segment.write_to(&mut out), Some(84));
    assert_eq!(&out[..54], segment.head());
}

#[test]
fn the_checksum_follows_the_final_destination_of_a_routing_header() {
    // Segments left 1 to LOCALHOST: the pseudo header has that address (RFC 8200, section 8.1).
    let via = |dst: Ipv6Addr| Ip::v6(Ipv6Addr::UNSPECIFIED, dst);
    let routing = [&[2, 2, 1, 0, 0, 0, 0], &Ipv6Addr::LOCALHOST.octets()[..]].concat();
    let ether = || Ether::new(PEER, GUEST);
    let (_, direct) = ether().ip(via(Ipv6Addr::LOCALHOST)).tcp_offloaded(&tcp(), &[9; 30], Some(15));
    let first_hop = via(Ipv6Addr::from([0x20; 16])).extension(43, &routing);
    let (vnet, mut frame) = ether().ip(first_hop).tcp_offloaded(&tcp(), &[9; 30], Some(15));
    let at = usize::from(vnet.csum_start) + 16;
    frame[at..at + 2].copy_from_slice(&direct[54 + 16..54 + 18]);
    for segment in segments(&frame, &vnet) {
        let data = &segment[usize::from(vnet.csum_start)..];
        let (src, dst) = (Ipv6Addr::UNSPECIFIED.octets(), Ipv6Addr::LOCALHOST.octets());
        let sum = crate::checksum::Sum::pseudo_v6(src, dst, 6, data.len() as u32);
        assert_eq!(sum.add_bytes(data).finish(), 0);
    }
}

fn any_wrap() -> impl Strategy<Value = Wrap> {
    (any::<[bool; 3]>(), any::<u16>()).prop_map(|([v4, tagged, extended], id)| Wrap { v4, tagged, extended, id })
}

proptest! {
    #[test]
    fn tcp_segments_are_what_a_host_would_have_sent(
        wrap in any_wrap(),
        payload in prop::collection::vec(any::<u8>(), 0..5000),
        size in 20u16..2000,
        seq: u32,
        options in prop::sample::select(vec![vec![], vec![1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8]]),
    ) {
        let tcp = Tcp { seq, options, flags: tcp_flag::ACK | tcp_flag::PSH | tcp_flag::CWR, ..tcp() };
        let (vnet, frame) = wrap.frame(0).tcp_offloaded(&tcp, &payload, Some(size));
        let segments = segments(&frame, &vnet);
        let mut pieces: Vec<&[u8]> = payload.chunks(usize::from(size)).collect();
        pieces.resize(pieces.len().max(1), &[]);
        prop_assert_eq!(segments.len(), pieces.len());
        for (i, (segment, piece)) in segments.iter().zip(&pieces).enumerate() {
            let mut tcp = Tcp { seq: seq.wrapping_add(u32::from(size) * i as u32), ..tcp.clone() };
            if i > 0 {
                tcp.flags &= !tcp_flag::CWR;
            }
            if i + 1 < pieces.len() {
                tcp.flags &= !tcp_flag::PSH;
            }
            prop_assert_eq!(segment, &wrap.frame(i as u16).tcp(&tcp, piece));
            oracle::verify(segment);
        }
    }

    #[test]
    fn udp_segments_are_datagrams_of_their_own(
        wrap in any_wrap(), payload in prop::collection::vec(any::<u8>(), 1..3000), size in 20u16..2000,
    ) {
        let (vnet, frame) = wrap.frame(0).udp_offloaded((53, 54), &payload, Some(size));
        let segments = segments(&frame, &vnet);
        let pieces = payload.chunks(usize::from(size));
        prop_assert_eq!(segments.len(), pieces.len());
        for (i, (segment, piece)) in segments.iter().zip(pieces).enumerate() {
            prop_assert_eq!(segment, &wrap.frame(i as u16).udp(53, 54, piece));
            oracle::verify(segment);
        }
    }

    #[test]
    fn damaged_frames_are_segmented_or_refused(
        wrap in any_wrap(),
        udp: bool,
        size: u16,
        damage in prop::collection::vec((0usize..130, any::<u8>()), 0..4),
        header: Option<[u8; 12]>,
        cut in 0usize..400,
    ) {
        let (vnet, mut frame) = if udp {
            wrap.frame(0).udp_offloaded((1, 2), &[3; 200], Some(size))
        } else {
            wrap.frame(0).tcp_offloaded(&tcp(), &[3; 200], Some(size))
        };
        for (at, value) in damage {
            frame[at] = value;
        }
        frame.truncate(cut.max(1));
        let mut vnet = vnet;
        if let Some(bytes) = header {
            vnet = VnetHeader { csum_start: vnet.csum_start, flags: vnet.flags, ..VnetHeader::from_bytes(&bytes) };
        }
        if let Ok(segmenter) = Segmenter::new(&frame, &vnet) {
            let total: usize = segmenter.clone().map(|segment| segment.body().len()).sum();
            let head = segmenter.headers.len();
            prop_assert_eq!(head + total, frame.len());
            prop_assert!(segmenter.len() <= MAX_SEGMENTS);
        }
    }
}
