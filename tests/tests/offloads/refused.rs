// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Headers that contradict themselves, their frame, or what was negotiated.

use dataplane::DropReason;
use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, Rig, feature, mac};

use super::{PLAIN, as_driver, packets, payload, send, tcp, to};

const UFO: u8 = 3;
const USO: u8 = 5;
const ECN: u8 = 0x80;

/// Sends with each of these headers and expects nothing but a bad-offload each.
fn refuse(features: u64, headers: &[VnetHeader], frame: &[u8]) {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_features(features));
    for receiver in [feature::BASIC, feature::RECEIVER] {
        rig.add(0, &PortOptions::with_features(receiver));
    }
    let broadcast = [&[0xff; 6], &frame[6..]].concat();
    for header in headers {
        rig.send_as(0, &Shape::whole(), *header, &broadcast);
        let expected = Moved::sent(1, frame.len()).dropped(DropReason::BadOffload, 1);
        assert_eq!(rig.moved(0), expected, "{header:?}");
        assert_eq!((rig.moved(1), rig.moved(2)), (Moved::default(), Moved::default()), "{header:?}");
    }
}

/// A TSO frame over packet number `packet`.
fn tso(packet: usize) -> (VnetHeader, Vec<u8>) {
    as_driver(packets()[packet].clone().tcp_offloaded(&tcp(), &payload(3000), Some(1000)))
}

fn checksum() -> (VnetHeader, Vec<u8>) {
    as_driver(packets()[0].clone().tcp_offloaded(&tcp(), &payload(100), None))
}

#[test]
fn what_was_not_negotiated_is_refused() {
    let (header, frame) = checksum();
    refuse(feature::BASIC, &[header], &frame);
    let (header, frame) = tso(0);
    refuse(feature::BASIC, &[header], &frame);
    refuse(feature::BASIC | feature::CSUM, &[header], &frame);
    refuse(feature::BASIC | feature::CSUM | feature::HOST_TSO6, &[header], &frame);
    refuse(feature::BASIC | feature::HOST_TSO4, &[header], &frame);
    let ecn = VnetHeader { gso_type: header.gso_type | ECN, ..header };
    refuse(feature::SENDER & !feature::HOST_ECN, &[ecn], &frame);
}

#[test]
fn udp_segmentation_of_either_kind_is_refused_without_its_feature() {
    let (header, frame) = as_driver(packets()[0].clone().udp_offloaded((1, 2), &payload(3000), Some(1000)));
    let headers = [USO, UFO].map(|gso_type| VnetHeader { gso_type, ..header });
    refuse(feature::SENDER & !feature::HOST_USO, &headers, &frame);
    refuse(feature::SENDER, &[headers[1], VnetHeader { gso_type: USO | ECN, ..header }], &frame);
}

#[test]
fn headers_that_contradict_themselves_are_refused() {
    let (header, frame) = tso(0);
    let change = |change: fn(&mut VnetHeader)| {
        let mut changed = header;
        change(&mut changed);
        changed
    };
    let headers = [
        change(|h| h.flags = 0),
        change(|h| h.flags = 2),
        change(|h| h.gso_size = 0),
        change(|h| h.csum_start = 65_535),
        change(|h| h.csum_start = 0),
        change(|h| h.csum_start += 1),
        change(|h| h.csum_offset = 6),
        change(|h| h.csum_offset = 65_535),
        change(|h| h.gso_type = 2),
        change(|h| h.gso_type = 6),
        change(|h| h.gso_type = 0x41),
        change(|h| h.gso_type = 0x7f),
        change(|h| h.gso_type = ECN),
        change(|h| h.gso_type = 0xff),
    ];
    refuse(feature::SENDER, &headers, &frame);
}

#[test]
fn a_kind_of_segmentation_must_be_that_of_the_packet() {
    let (v4, v6) = (tso(0), tso(2));
    refuse(feature::SENDER, &[v4.0, VnetHeader { gso_type: 1, ..v6.0 }], &v6.1);
    refuse(feature::SENDER, &[v6.0, VnetHeader { gso_type: 4, ..v4.0 }], &v4.1);
    let udp = as_driver(packets()[0].clone().udp_offloaded((1, 2), &payload(1000), None));
    refuse(feature::SENDER, &[VnetHeader { gso_type: 1, gso_size: 100, csum_offset: 16, ..udp.0 }], &udp.1);
    let arp = wire::build::arp_request((mac(0), [0; 4].into()), [1; 4].into());
    refuse(feature::SENDER, &[VnetHeader { csum_start: 14, ..v4.0 }], &arp);
}

#[test]
fn checksums_outside_the_frame_are_refused() {
    let (header, frame) = checksum();
    let len = frame.len() as u16;
    let at = |csum_start, csum_offset| VnetHeader { csum_start, csum_offset, ..header };
    let headers = [at(len - 17, 16), at(len, 16), at(len - 1, 2), at(40, len), at(65_535, 65_535), at(65_535, 2)];
    refuse(feature::SENDER, &headers, &frame);
    let mut rig = to(feature::BASIC);
    send(&mut rig, &(at(len - 18, 16), frame));
    assert_eq!(rig.received(1).len(), 1, "the last two bytes are still inside");
}

#[test]
fn what_could_not_be_segmented_is_refused_whoever_receives_it() {
    let (header, frame) = tso(0);
    let damaged = |at: usize, value: u8| {
        let mut frame = frame.clone();
        frame[at] = value;
        frame
    };
    for (what, frame) in [
        ("more fragments", damaged(20, 0x20)),
        ("a later fragment", damaged(21, 1)),
        ("TCP in TCP's options", damaged(14, 0x46)),
        ("a TCP header of 16 bytes", damaged(46, 0x40)),
        ("a TCP header beyond the frame", damaged(46, 0xf0)[..90].to_vec()),
    ] {
        eprintln!("{what}");
        refuse(feature::SENDER, &[VnetHeader { hdr_len: 58, ..header }], &frame);
    }
}

#[test]
fn a_guest_cannot_vouch_for_checksums_nor_smuggle_fields() {
    // DATA_VALID, RSC_INFO and unknown flags, and fields that mean nothing without theirs.
    let mut rig = to(feature::RECEIVER);
    let frame = packets()[0].clone().udp(1, 2, b"hello");
    let garbage = VnetHeader {
        flags: 0xfe,
        gso_type: 0,
        hdr_len: 1,
        gso_size: 2,
        csum_start: 3,
        csum_offset: 4,
        num_buffers: 65_535,
    };
    send(&mut rig, &(garbage, frame.clone()));
    assert_eq!(rig.received_with_headers(1), [(PLAIN, frame)]);
}

#[test]
fn no_header_at_all_harms_the_frame_after_it() {
    let mut rng = tests::seed::Rng::from_env(11);
    let mut rig = to(feature::BASIC);
    let (honest, frame) = tso(0);
    for _ in 0..20_000 {
        let mut bytes = honest.to_bytes();
        for _ in 0..rng.between(1, 4) {
            bytes[rng.between(0, 11)] = rng.next_u64() as u8;
        }
        rig.send_as(0, &Shape::whole(), VnetHeader::from_bytes(&bytes), &frame);
        for arrived in rig.received(1) {
            assert_eq!(arrived[..14], frame[..14]);
        }
        rig.moved(0);
        rig.moved(1);
        let good = packets()[0].clone().udp(1, 2, b"hello");
        rig.send(0, &good);
        assert_eq!(rig.received(1), [good]);
    }
}
