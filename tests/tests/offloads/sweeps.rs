// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every value that a field of the header can have: accepted where it makes sense, else a drop for the right reason.

use dataplane::DropReason;
use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, Rig, feature};

use super::{as_driver, is_v4, packets, payload, tcp, to};

/// Sends one frame and tells why it was dropped, at the sender or the receiver, if it was.
fn reason(rig: &mut Rig, header: VnetHeader, frame: &[u8]) -> Option<DropReason> {
    rig.send_as(0, &Shape::whole(), header, frame);
    let (sent, received) = (rig.moved(0), rig.moved(1));
    let arrived = rig.received(1);
    assert_eq!(sent.tx, Moved::sent(1, frame.len()).tx);
    assert_eq!(arrived.len() as u64, received.rx.frames, "counted is what arrived");
    let drops = [sent.drops, received.drops].concat();
    assert_eq!(
        drops.iter().map(|(_, count)| count).sum::<u64>(),
        u64::from(arrived.is_empty()),
        "delivered or counted"
    );
    drops.first().map(|&(reason, _)| reason)
}

#[test]
fn the_place_of_a_checksum() {
    // All that lies behind the IP header and what gives the packet its meaning, and inside the frame.
    for receiver in [feature::BASIC, feature::RECEIVER] {
        let mut rig = to(receiver);
        for packet in packets() {
            let (header, frame) = as_driver(packet.udp_offloaded((5, 6), &payload(20), None));
            let (transport, len) = (header.csum_start, frame.len() as u16);
            // Over IPv6 it is told by its ports whether it is for a DHCP client.
            let meaning = if is_v4(&frame) { 2 } else { 4 };
            let edges = [len - 1, len, 255, 256, 65_534, 65_535];
            for csum_start in (0..len + 2).chain([65_534, 65_535]) {
                for csum_offset in (0..20).chain(edges) {
                    let field = u32::from(csum_start) + u32::from(csum_offset);
                    let judged = field < u32::from(transport) + meaning;
                    let sane = csum_start >= transport && !judged && field + 2 <= u32::from(len);
                    let found = reason(&mut rig, VnetHeader { csum_start, csum_offset, ..header }, &frame);
                    assert_eq!(found, (!sane).then_some(DropReason::BadOffload), "{csum_start} {csum_offset}");
                }
            }
        }
    }
}

#[test]
fn the_place_of_the_checksum_of_a_large_frame() {
    let mut rig = to(feature::BASIC);
    for packet in packets() {
        let tcp = as_driver(packet.clone().tcp_offloaded(&tcp(), &payload(150), Some(100)));
        let udp = as_driver(packet.udp_offloaded((5, 6), &payload(150), Some(100)));
        for (header, frame) in [tcp, udp] {
            for csum_start in 0..frame.len() as u16 + 2 {
                for csum_offset in (0..20).chain([255, 65_535]) {
                    let sane = (csum_start, csum_offset) == (header.csum_start, header.csum_offset);
                    let found = reason(&mut rig, VnetHeader { csum_start, csum_offset, ..header }, &frame);
                    assert_eq!(found, (!sane).then_some(DropReason::BadOffload), "{csum_start} {csum_offset}");
                }
            }
        }
    }
}

#[test]
fn the_length_of_a_segment() {
    const MTU: usize = 1500;
    for (packet, is_udp) in packets().into_iter().take(4).flat_map(|packet| [(packet.clone(), false), (packet, true)]) {
        let mut rig = to(feature::BASIC);
        let data = payload(1300);
        let (header, frame) = as_driver(match is_udp {
            true => packet.udp_offloaded((5, 6), &data, Some(1)),
            false => packet.tcp_offloaded(&tcp(), &data, Some(1)),
        });
        for gso_size in (0..2000).chain((2000..=u16::MAX).step_by(97)).chain([u16::MAX]) {
            let found = reason(&mut rig, VnetHeader { gso_size, ..header }, &frame);
            let longest = frame.len().min(usize::from(header.hdr_len + gso_size.min(2000)));
            let expected = match usize::from(gso_size) {
                0 => Some(DropReason::BadOffload),
                size if data.len().div_ceil(size) > 256 => Some(DropReason::OffloadFailed),
                _ if longest > MTU + 14 => Some(DropReason::Oversize),
                _ => None,
            };
            assert_eq!(found, expected, "{gso_size}");
        }
    }
}

#[test]
fn segments_that_are_longer_than_the_mtu() {
    let mut rig = to(feature::BASIC);
    let (header, frame) = as_driver(packets()[0].clone().tcp_offloaded(&tcp(), &payload(4000), Some(1)));
    let most = 1500 + 14 - header.hdr_len;
    for gso_size in 1000..=u16::MAX {
        let found = reason(&mut rig, VnetHeader { gso_size, ..header }, &frame);
        assert_eq!(found, (gso_size > most).then_some(DropReason::Oversize), "{gso_size}");
    }
}

#[test]
fn the_length_of_the_headers() {
    let mut rig = to(feature::BASIC);
    for packet in packets() {
        let (header, frame) = as_driver(packet.tcp_offloaded(&tcp(), &payload(150), Some(100)));
        for hdr_len in (0..1000).chain((1000..=u16::MAX).step_by(37)).chain([u16::MAX]) {
            let found = reason(&mut rig, VnetHeader { hdr_len, ..header }, &frame);
            let lies = usize::from(hdr_len) > frame.len();
            assert_eq!(found, lies.then_some(DropReason::BadOffload), "{hdr_len}");
        }
    }
}

#[test]
fn flags_and_kinds() {
    // NEEDS_CSUM; TCP over IPv4, with ECN or without.
    let mut rig = to(feature::BASIC);
    let (header, frame) = as_driver(packets()[0].clone().tcp_offloaded(&tcp(), &payload(150), Some(100)));
    for flags in 0..=255 {
        for gso_type in 0..=255 {
            let found = reason(&mut rig, VnetHeader { flags, gso_type, ..header }, &frame);
            let sane = gso_type == 0 || (flags & 1 == 1 && matches!(gso_type, 1 | 0x81));
            assert_eq!(found, (!sane).then_some(DropReason::BadOffload), "{flags:#x} {gso_type:#x}");
        }
    }
}
