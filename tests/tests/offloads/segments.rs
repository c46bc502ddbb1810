// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Large frames.

use dataplane::DropReason;
use tests::driver::{QueueOptions, VnetHeader};
use tests::memory::Layout;
use tests::rig::{Moved, PortOptions, Rig, feature, mac};
use wire::build::{IpFrame, Tcp, tcp_flag};

use super::judge::{Judged, judge};
use super::{PLAIN, as_driver, assert_arrives_as_sent, is_v4, l3, packets, payload, send, tcp, to};

const MSS: u16 = 1400;
/// Bit of `gso_type`: CWR is set.
const ECN: u8 = 0x80;

fn large(packet: IpFrame, len: usize, mss: u16) -> (VnetHeader, Vec<u8>) {
    as_driver(packet.tcp_offloaded(&tcp(), &payload(len), Some(mss)))
}

/// Checks that `arrived` is one TCP stream that carries `data` in segments of `mss` bytes.
fn check_stream(arrived: &[(VnetHeader, Vec<u8>)], data: &[u8], mss: usize) {
    let count = data.len().div_ceil(mss).max(1);
    assert_eq!(arrived.len(), count);
    for (at, (header, frame)) in arrived.iter().enumerate() {
        let Judged { payload, seq, fin, psh } = judge(frame);
        assert_eq!(*header, PLAIN);
        assert_eq!(seq, tcp().seq.wrapping_add((at * mss) as u32), "segment {at}");
        assert_eq!(payload, data[at * mss..data.len().min((at + 1) * mss)], "segment {at}");
        assert_eq!((fin, psh), (at + 1 == count, at + 1 == count), "segment {at}");
    }
}

#[test]
fn a_receiver_without_segmentation_gets_segments() {
    for features in [feature::BASIC, feature::BASIC | feature::GUEST_CSUM, feature::VERSION_1] {
        let mut rig = to(features);
        for packet in packets() {
            for len in [0, 1, 1399, 1400, 1401, 10_001, 30_000] {
                let sent = large(packet.clone(), len, MSS);
                send(&mut rig, &sent);
                let arrived = rig.received_with_headers(1);
                check_stream(&arrived, &payload(len), MSS.into());
                let bytes = arrived.iter().map(|(_, frame)| frame.len()).sum();
                let count = arrived.len() as u64;
                assert_eq!(rig.moved(1), Moved { segments: count, ..Moved::received(count, bytes) });
                assert_eq!(rig.moved(0), Moved::sent(1, sent.1.len()));
            }
        }
    }
}

#[test]
fn segments_keep_their_tags_and_number_their_identifications() {
    let mut rig = to(feature::BASIC);
    for packet in packets() {
        let sent = large(packet, 4000, MSS);
        send(&mut rig, &sent);
        let arrived = rig.received(1);
        let l3 = l3(&sent.1);
        for (at, frame) in arrived.iter().enumerate() {
            assert_eq!(frame[..l3], sent.1[..l3]);
            if is_v4(frame) {
                let id = u16::from_be_bytes([frame[l3 + 4], frame[l3 + 5]]);
                assert_eq!(id, 0xfffe_u16.wrapping_add(at as u16));
            }
        }
    }
}

#[test]
fn a_receiver_with_segmentation_gets_the_frame_as_it_was_sent() {
    let mut rig = to(feature::RECEIVER);
    for packet in packets() {
        assert_arrives_as_sent(&mut rig, &large(packet, 40_000, MSS));
    }
}

#[test]
fn each_ip_version_is_segmented_by_its_own_feature() {
    for (feature, v4_whole) in [(feature::GUEST_TSO4, true), (feature::GUEST_TSO6, false)] {
        let mut rig = to(feature::BASIC | feature::GUEST_CSUM | feature);
        for packet in packets() {
            let sent = large(packet, 4200, MSS);
            send(&mut rig, &sent);
            let whole = is_v4(&sent.1) == v4_whole;
            assert_eq!(rig.received(1).len(), if whole { 1 } else { 3 });
        }
    }
}

#[test]
fn the_length_of_headers_is_never_taken_from_the_guest() {
    for features in [feature::BASIC, feature::RECEIVER] {
        for lie in [0, 1, 53, 4000, 5000] {
            let mut rig = to(features);
            let honest = large(packets()[0].clone(), 5000, MSS);
            send(&mut rig, &(VnetHeader { hdr_len: lie, ..honest.0 }, honest.1.clone()));
            let with_lie = rig.received_with_headers(1);
            send(&mut rig, &honest);
            assert_eq!(rig.received_with_headers(1), with_lie, "hdr_len {lie}");
        }
    }
}

/// A frame of TCP whose sender has reduced its window (RFC 3168 section 6.1.2).
fn reduced(packet: IpFrame, len: usize) -> (VnetHeader, Vec<u8>) {
    let tcp = Tcp { flags: tcp().flags | tcp_flag::CWR, ..tcp() };
    let (header, frame) = as_driver(packet.tcp_offloaded(&tcp, &payload(len), Some(MSS)));
    (VnetHeader { gso_type: header.gso_type | ECN, ..header }, frame)
}

#[test]
fn a_reduced_window_is_told_once() {
    for features in [feature::BASIC, feature::RECEIVER & !feature::GUEST_ECN] {
        let mut rig = to(features);
        for packet in packets() {
            let sent = reduced(packet, 4200);
            send(&mut rig, &sent);
            let flags = usize::from(sent.0.csum_start) + 13;
            let told: Vec<bool> = rig.received(1).iter().map(|frame| frame[flags] & tcp_flag::CWR != 0).collect();
            assert_eq!(told, [true, false, false]);
        }
    }
    let mut rig = to(feature::RECEIVER);
    for packet in packets() {
        let sent = reduced(packet, 4200);
        send(&mut rig, &sent);
        let arrived = rig.received_with_headers(1);
        let expected = VnetHeader { num_buffers: arrived[0].0.num_buffers, ..sent.0 };
        assert_eq!(arrived, [(expected, sent.1)], "who knows ECN tells it once itself");
    }
}

#[test]
fn the_largest_frame_is_segmented() {
    let queue = QueueOptions { size: 1024, heap_len: 8 << 20, ..QueueOptions::default() };
    let options = PortOptions { queue, memory: Layout::flat(64 << 20), ..PortOptions::default() };
    let mut rig = Rig::new();
    rig.add(0, &PortOptions { features: feature::SENDER, ..options.clone() });
    rig.add(0, &options);
    let v4 = packets()[0].clone();
    let len = 65_535 - 20 - 24;
    let sent = large(v4, len, 512);
    send(&mut rig, &sent);
    check_stream(&rig.received_with_headers(1), &payload(len), 512);
}

#[test]
fn a_frame_that_would_become_a_flood_of_segments_is_dropped() {
    let mut rig = to(feature::BASIC);
    send(&mut rig, &large(packets()[0].clone(), 1000, 1));
    assert_eq!(rig.moved(1), Moved::default().dropped(DropReason::OffloadFailed, 1));
}

#[test]
fn segments_that_find_no_buffer_are_lost_and_those_before_are_right() {
    let queue = QueueOptions { size: 8, ..QueueOptions::default() };
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_features(feature::SENDER));
    rig.add(0, &PortOptions { queue, ..PortOptions::default() });
    let data = payload(20 * usize::from(MSS));
    send(&mut rig, &large(packets()[0].clone(), data.len(), MSS));
    assert_eq!(rig.moved(1).drops, [(DropReason::RingFull, 1)]);
    let arrived = rig.received(1);
    assert_eq!(arrived.len(), 8);
    let got: Vec<u8> = arrived.iter().flat_map(|frame| judge(frame).payload).collect();
    assert_eq!(got, data[..8 * usize::from(MSS)]);
    assert!(arrived.iter().all(|frame| frame.starts_with(&mac(1).0)));
}
