// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Offloads of frames whose headers do not end within what is looked at of every frame, as segment routing makes them.

use dataplane::DropReason;
use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, feature, mac};
use wire::build::{Ether, Ip, IpFrame};

use super::judge::judge;
use super::{PLAIN, as_driver, payload, send, tcp, to};

const DEST_OPTIONS: u8 = 60;

/// A packet with `len` bytes of options, a multiple of eight.
fn behind(len: usize) -> IpFrame {
    let options = [&[(len / 8 - 1) as u8, 1, len as u8 - 4][..], &vec![0; len - 4]].concat();
    Ether::new(mac(1), mac(0)).ip(Ip::v6([0x20; 16], [0x21; 16]).extension(DEST_OPTIONS, &options))
}

/// Lengths with which the transport header begins before, at and after the end of what is looked at.
fn lengths() -> impl Iterator<Item = usize> {
    (8..=240).step_by(8)
}

#[test]
fn checksums_are_completed() {
    let mut rig = to(feature::BASIC);
    for len in lengths() {
        for data in [0, 1, 90, 1000].map(payload) {
            send(&mut rig, &as_driver(behind(len).tcp_offloaded(&tcp(), &data, None)));
            assert_eq!(rig.received_with_headers(1), [(PLAIN, behind(len).tcp(&tcp(), &data))], "{len}");
            assert_eq!((rig.moved(1).checksums, rig.moved(0).drops), (1, vec![]));
        }
    }
}

#[test]
fn a_receiver_that_can_gets_the_frame_as_it_was_sent() {
    let mut rig = to(feature::RECEIVER);
    for len in lengths() {
        let (header, frame) = as_driver(behind(len).tcp_offloaded(&tcp(), &payload(700), None));
        send(&mut rig, &(header, frame.clone()));
        assert_eq!(rig.received_with_headers(1), [(VnetHeader { num_buffers: 1, ..header }, frame)], "{len}");
    }
}

#[test]
fn large_frames_are_segmented_while_their_headers_fit_and_refused_beyond() {
    let mut rig = to(feature::BASIC);
    for len in lengths() {
        let (header, frame) = as_driver(behind(len).tcp_offloaded(&tcp(), &payload(2500), Some(1000)));
        send(&mut rig, &(header, frame.clone()));
        let got: Vec<u8> = rig.received(1).iter().flat_map(|segment| judge(segment).payload).collect();
        if header.hdr_len <= 256 {
            assert_eq!(got, payload(2500), "{len}");
            assert_eq!((rig.moved(0), rig.moved(1).segments), (Moved::sent(1, frame.len()), 3));
        } else {
            let expected = Moved::sent(1, frame.len()).dropped(DropReason::BadOffload, 1);
            assert_eq!((rig.moved(0), rig.moved(1)), (expected, Moved::default()), "{len}");
        }
    }
}

#[test]
fn what_is_longer_than_the_mtu_is_found_behind_long_headers_too() {
    // 1400 bytes a segment would fit behind the shortest TCP header, and do not behind this one with its options.
    let mut rig = to(feature::BASIC);
    let (header, frame) = as_driver(behind(48).tcp_offloaded(&tcp(), &payload(3000), Some(1500 - 40 - 48 - 20)));
    send(&mut rig, &(header, frame.clone()));
    assert_eq!(rig.moved(0), Moved::sent(1, frame.len()).dropped(DropReason::Oversize, 1));
}

#[test]
fn headers_that_never_end_are_still_dropped() {
    let mut rig = to(feature::BASIC);
    let (header, frame) = as_driver(behind(200).tcp_offloaded(&tcp(), &payload(100), None));
    for (len, start) in [(250, 240), (200, 190), (140, 100)] {
        let header = VnetHeader { csum_start: start, csum_offset: 2, ..header };
        rig.send_as(0, &Shape::whole(), header, &frame[..len]);
        assert_eq!(rig.moved(0), Moved::sent(1, len).dropped(DropReason::Unclassifiable, 1), "{len}");
    }
}

#[test]
fn a_whole_burst_of_the_largest_is_served() {
    use tests::driver::QueueOptions;
    use tests::memory::Layout;
    use tests::rig::{PortOptions, Rig};
    let queue = QueueOptions { size: 1024, heap_len: 16 << 20, ..QueueOptions::default() };
    let options = PortOptions { queue, memory: Layout::flat(64 << 20), ..PortOptions::default() };
    let mut rig = Rig::new();
    rig.add(0, &PortOptions { features: feature::SENDER, ..options.clone() });
    rig.add(0, &PortOptions { features: feature::RECEIVER, buffers: (Shape::whole(), 66_000), ..options });
    let len = 65_535 - 40 - 104 - 24;
    let (header, frame) = as_driver(behind(104).tcp_offloaded(&tcp(), &payload(len), Some(1000)));
    for _ in 0..64 {
        rig.port(0).tx[0].enqueue(&Shape::own_header(), header, &frame).expect("room in the transmit queue");
    }
    rig.port(0).tx[0].flush();
    assert_eq!(rig.poll_once(), 64);
    assert!(rig.received(1).iter().all(|arrived| *arrived == frame));
    assert_eq!((rig.moved(0), rig.moved(1).rx.frames), (Moved::sent(64, 64 * frame.len()), 64));
}
