// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every frame is read back by etherparse, which recomputes the checksums.

use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::*;
use crate::checksum;
use crate::oracle::verify;
use crate::{EtherHeader, NdKind, nd_kind};

const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xa]);
const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

fn ips() -> [Ip; 2] {
    [Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]), Ip::v6(LINK_LOCAL, Ipv6Addr::LOCALHOST)]
}

#[test]
fn arp_request_byte_for_byte() {
    let frame = arp_request((A, Ipv4Addr::new(192, 0, 2, 1)), Ipv4Addr::new(192, 0, 2, 2));
    let expected = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0xa, 0x08, 0x06, // Ethernet
        0, 1, 8, 0, 6, 4, 0, 1, // request
        2, 0, 0, 0, 0, 0xa, 192, 0, 2, 1, // sender
        0, 0, 0, 0, 0, 0, 192, 0, 2, 2, // target
    ];
    assert_eq!(frame, expected);
    let reply = arp_reply((B, Ipv4Addr::new(192, 0, 2, 2)), (A, Ipv4Addr::new(192, 0, 2, 1)));
    assert_eq!(&reply[..6], &A.0);
    assert_eq!(&reply[20..22], &[0, 2]);
}

#[test]
fn arp_probe_byte_for_byte() {
    let target = Ipv4Addr::new(192, 0, 2, 1);
    let mut expected = arp_request((A, Ipv4Addr::UNSPECIFIED), target);
    expected[..6].copy_from_slice(&B.0);
    expected.resize(60, 0);
    assert_eq!(arp_probe(A, B, target).to_vec(), expected);
}

#[test]
fn rarp_announcement_is_padded_and_names_the_sender_twice() {
    let frame = rarp_announcement(B);
    assert_eq!(frame.len(), 60);
    let header = EtherHeader::parse(&frame).unwrap();
    assert_eq!((header.dst, header.src, header.ethertype), (MacAddr::BROADCAST, B, ethertype::RARP));
    assert_eq!(frame[20..22], [0, 3]);
    assert_eq!((&frame[22..28], &frame[32..38]), (&B.0[..], &B.0[..]));
    assert_eq!((&frame[28..32], &frame[38..42]), (&[0; 4][..], &[0; 4][..]), "claims no address");
}

#[test]
fn announcements_of_addresses_byte_for_byte() {
    let expected = [
        &[0xff; 6][..],
        &[2, 0, 0, 0, 0, 0xb, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1], // a request
        &[2, 0, 0, 0, 0, 0xb, 192, 0, 2, 1],                       // of the sender,
        &[0, 0, 0, 0, 0, 0, 192, 0, 2, 1],                         // for its own address
        &[0; 18],
    ];
    assert_eq!(arp_announcement(B, Ipv4Addr::new(192, 0, 2, 1)), expected.concat());
    for (is_router, flags) in [(false, 0x20), (true, 0xa0)] {
        let frame = neighbor_announcement(B, LINK_LOCAL, is_router);
        verify(&frame);
        assert_eq!(frame[..12], [0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0xb], "from its own to all nodes");
        let header = crate::ip6::Ip6Header::parse(&frame[14..]).unwrap();
        assert_eq!((header.src, header.dst), (LINK_LOCAL, "ff02::1".parse().unwrap()));
        assert_eq!((header.hop_limit, frame[54], frame[58]), (255, 136, flags), "not solicited, overriding");
        assert_eq!((&frame[62..78], &frame[78..]), (&LINK_LOCAL.octets()[..], &[2, 1, 2, 0, 0, 0, 0, 0xb][..]));
    }
}

#[test]
fn neighbor_discovery_is_what_it_is_called() {
    let target = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0x12, 0x3456);
    for (frame, expected) in [
        (solicitation(A, LINK_LOCAL), NdKind::RouterSolicitation),
        (solicitation(A, Ipv6Addr::UNSPECIFIED), NdKind::RouterSolicitation),
        (advertisement(A, LINK_LOCAL, 1800, &[5, 1, 0, 0, 0, 0, 5, 0xdc]), NdKind::RouterAdvertisement),
        (neighbor_solicitation(A, LINK_LOCAL, target), NdKind::NeighborSolicitation),
        (neighbor_announcement(A, target, false), NdKind::NeighborAdvertisement),
    ] {
        verify(&frame);
        assert_eq!(nd_kind(&frame, &EtherHeader::parse(&frame).unwrap()), expected);
        assert_eq!(frame[14 + 7], 255, "hop limit");
    }
    assert_eq!(neighbor_solicitation(A, LINK_LOCAL, target)[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
}

#[test]
fn tags_stand_before_the_packet() {
    let frame = Ether::new(B, A).tag(ethertype::QINQ, 5).vlan(7).ip(ips()[0].clone()).udp(1, 2, b"x");
    let header = EtherHeader::parse(&frame).unwrap();
    assert_eq!((header.ethertype, header.tags()), (ethertype::IPV4, 2));
    verify(&frame);
}

#[test]
fn extensions_and_options_are_chained() {
    let ip = ips()[1].clone().extension(0, &[0, 1, 4, 0, 0, 0, 0]).extension(60, &[0, 1, 4, 0, 0, 0, 0]);
    verify(&Ether::new(B, A).ip(ip).udp(1, 2, b"x"));
    let ip = ips()[0].clone().options(&[1, 1, 1, 0]).id(7).fragment(0x4000).hops(3);
    verify(&Ether::new(B, A).ip(ip).echo(Echo { reply: true, id: 1, seq: 2 }, b"ping"));
}

proptest! {
    #[test]
    fn finished_frames_are_right(
        payload in prop::collection::vec(any::<u8>(), 0..300), seq: u32, ports: (u16, u16), reply: bool,
    ) {
        for ip in ips() {
            let frame = || Ether::new(B, A).ip(ip.clone());
            let tcp = Tcp { src: ports.0, dst: ports.1, seq, options: vec![1, 1, 1, 0], ..Tcp::default() };
            verify(&frame().tcp(&tcp, &payload));
            verify(&frame().udp(ports.0, ports.1, &payload));
            verify(&frame().echo(Echo { reply, id: ports.0, seq: ports.1 }, &payload));
        }
    }

    #[test]
    fn offloaded_frames_become_the_finished_ones(
        payload in prop::collection::vec(any::<u8>(), 0..300), ports: (u16, u16),
    ) {
        for ip in ips() {
            let frame = || Ether::new(B, A).vlan(9).ip(ip.clone());
            let tcp = Tcp { src: ports.0, dst: ports.1, flags: tcp_flag::ACK, ..Tcp::default() };
            for (finished, (vnet, mut bytes)) in [
                (frame().tcp(&tcp, &payload), frame().tcp_offloaded(&tcp, &payload, None)),
                (frame().udp(ports.0, ports.1, &payload), frame().udp_offloaded(ports, &payload, None)),
            ] {
                prop_assert_eq!(vnet.check(bytes.len()), Ok(()));
                let (start, offset) = (usize::from(vnet.csum_start), usize::from(vnet.csum_offset));
                checksum::complete(&mut bytes, start, offset).unwrap();
                prop_assert_eq!(bytes, finished);
            }
        }
    }
}
