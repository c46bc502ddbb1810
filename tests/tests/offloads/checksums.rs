// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Checksums that the sender left to do.

use tests::rig::{Moved, feature};

use super::judge::judge;
use super::{PLAIN, as_driver, packets, payload, send, tcp, to};

/// Lengths odd and even, from nothing to what fills the MTU with two tags and all options.
const LENGTHS: [usize; 8] = [0, 1, 2, 3, 57, 256, 999, 1400];

#[test]
fn a_receiver_without_checksum_offload_gets_finished_tcp_and_udp() {
    let mut rig = to(feature::BASIC);
    for packet in packets() {
        for data in LENGTHS.map(payload) {
            let tcp_frame = as_driver(packet.clone().tcp_offloaded(&tcp(), &data, None));
            let udp_frame = as_driver(packet.clone().udp_offloaded((5, 6), &data, None));
            let finished = [packet.clone().tcp(&tcp(), &data), packet.clone().udp(5, 6, &data)];
            for (sent, finished) in [tcp_frame, udp_frame].iter().zip(finished) {
                send(&mut rig, sent);
                let arrived = rig.received_with_headers(1);
                assert_eq!(judge(&arrived[0].1).payload, data);
                assert_eq!(arrived, [(PLAIN, finished.clone())]);
                assert_eq!(rig.moved(1), Moved { checksums: 1, ..Moved::received(1, finished.len()) });
            }
        }
    }
}

#[test]
fn a_receiver_with_checksum_offload_gets_what_was_sent() {
    let mut rig = to(feature::BASIC | feature::GUEST_CSUM);
    for packet in packets() {
        let sent = as_driver(packet.tcp_offloaded(&tcp(), &payload(777), None));
        send(&mut rig, &sent);
        let mut expected = sent.clone();
        expected.0.num_buffers = 1;
        assert_eq!(rig.received_with_headers(1), [expected]);
        assert_eq!(rig.moved(1), Moved::received(1, sent.1.len()), "nothing was done in software");
    }
}

#[test]
fn a_udp_checksum_of_zero_is_written_as_its_other_zero() {
    // RFC 768: zero on the wire would mean that there is none.
    let mut rig = to(feature::BASIC);
    let packet = &packets()[0];
    let (mut header, mut frame) = as_driver(packet.clone().udp_offloaded((5, 6), &[0, 0], None));
    let bare = packet.clone().udp(5, 6, &[0, 0]);
    let at = usize::from(header.csum_start) + 6;
    frame[at + 2..at + 4].copy_from_slice(&bare[at..at + 2]);
    header.num_buffers = 77;
    send(&mut rig, &(header, frame));
    let arrived = rig.received(1);
    assert_eq!(arrived[0][at..at + 2], [0xff, 0xff]);
    judge(&arrived[0]);
}

#[test]
fn every_receiver_of_a_flooded_frame_gets_it_in_its_own_way() {
    use tests::rig::{PortOptions, mac};
    use wire::MacAddr;
    let mut rig = to(feature::BASIC);
    rig.add(0, &PortOptions::with_features(feature::RECEIVER));
    rig.add(0, &PortOptions::with_features(feature::VERSION_1));
    let ip = wire::build::Ip::v4([192, 0, 2, 1], [192, 0, 2, 255]);
    let ether = wire::build::Ether::new(MacAddr::BROADCAST, mac(0));
    let sent = as_driver(ether.clone().ip(ip.clone()).udp_offloaded((5, 6), b"hello", None));
    let finished = ether.ip(ip).udp(5, 6, b"hello");
    send(&mut rig, &sent);
    assert_eq!([rig.received(1), rig.received(2), rig.received(3)].concat(), [finished.clone(), sent.1, finished]);
    assert_eq!([1, 2, 3].map(|port| rig.moved(port).checksums), [1, 0, 1]);
}
