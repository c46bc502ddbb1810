// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Runs of datagrams in one frame (USO).

use tests::driver::VnetHeader;
use tests::rig::{Moved, feature};
use wire::build::IpFrame;

use super::judge::judge;
use super::{PLAIN, as_driver, assert_arrives_as_sent, is_v4, l3, packets, payload, send, to};

/// Bytes of payload of each datagram but the last.
const SIZE: u16 = 1200;

fn run(packet: IpFrame, len: usize) -> (VnetHeader, Vec<u8>) {
    as_driver(packet.udp_offloaded((5004, 5005), &payload(len), Some(SIZE)))
}

#[test]
fn a_receiver_without_segmentation_gets_datagrams() {
    // Taking large TCP says nothing about UDP, and one version's feature nothing about which version comes.
    let tcp = feature::RECEIVER & !(feature::GUEST_USO4 | feature::GUEST_USO6);
    for features in [feature::BASIC, feature::BASIC | feature::GUEST_CSUM, tcp, tcp | feature::GUEST_USO4] {
        let mut rig = to(features);
        for packet in packets() {
            for len in [1, 1199, 1200, 1201, 2400, 30_001] {
                let sent = run(packet.clone(), len);
                send(&mut rig, &sent);
                let arrived = rig.received_with_headers(1);
                check_datagrams(&arrived, &sent.1, &payload(len));
                let (count, bytes) = (arrived.len() as u64, arrived.iter().map(|(_, frame)| frame.len()).sum());
                assert_eq!(rig.moved(1), Moved { segments: count, ..Moved::received(count, bytes) });
                assert_eq!(rig.moved(0), Moved::sent(1, sent.1.len()));
            }
        }
    }
}

/// Checks that `arrived` are datagrams that carry `data`, with the headers of `sent`.
fn check_datagrams(arrived: &[(VnetHeader, Vec<u8>)], sent: &[u8], data: &[u8]) {
    let pieces = data.chunks(SIZE.into());
    assert_eq!(arrived.len(), pieces.len());
    let l3 = l3(sent);
    for (at, ((header, frame), piece)) in arrived.iter().zip(pieces).enumerate() {
        assert_eq!((*header, &judge(frame).payload[..]), (PLAIN, piece), "datagram {at}");
        assert_eq!(frame[..l3], sent[..l3], "addresses and tags");
        if is_v4(frame) {
            let id = u16::from_be_bytes([frame[l3 + 4], frame[l3 + 5]]);
            assert_eq!(id, 0xfffe_u16.wrapping_add(at as u16), "each is a packet of its own");
        }
    }
}

#[test]
fn a_receiver_with_segmentation_gets_the_run_as_it_was_sent() {
    let mut rig = to(feature::RECEIVER);
    for packet in packets() {
        assert_arrives_as_sent(&mut rig, &run(packet, 40_000));
    }
}

#[test]
fn no_datagram_of_a_run_says_that_it_has_no_checksum() {
    // RFC 768: zero would mean that. The second datagram's payload makes up for what its sum lacks.
    let mut rig = to(feature::BASIC);
    for packet in packets() {
        let second = |fill: [u8; 2]| [&[7; SIZE as usize][..], &fill].concat();
        let (_, honest) = as_driver(packet.clone().udp_offloaded((5, 6), &second([0, 0]), Some(SIZE)));
        send(&mut rig, &as_driver(packet.clone().udp_offloaded((5, 6), &second([0, 0]), Some(SIZE))));
        let at = rig.received(1)[1].len() - 10 + 6;
        let lacking = {
            send(&mut rig, &as_driver(packet.clone().udp_offloaded((5, 6), &second([0, 0]), Some(SIZE))));
            let frame = rig.received(1).remove(1);
            [frame[at], frame[at + 1]]
        };
        send(&mut rig, &as_driver(packet.udp_offloaded((5, 6), &second(lacking), Some(SIZE))));
        let arrived = rig.received(1);
        assert_eq!(arrived[1][at..at + 2], [0xff, 0xff]);
        judge(&arrived[1]);
        assert_eq!(arrived[0][..12], honest[..12]);
    }
}
