// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Offloads: untouched where the receiver can, finished by the switch where it cannot, refused where they make no sense.
//! etherparse is the judge of every frame that was finished; tshark and scapy judge too, where they are installed.

mod checksums;
mod datagrams;
mod judge;
mod long_headers;
mod programs;
mod refused;
mod segments;
mod sweeps;

use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, Rig, feature, mac};
use wire::build::{Ether, Ip, IpFrame, Tcp, tcp_flag};

/// A sender that may ask for everything and a receiver with these features.
fn to(features: u64) -> Rig {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_features(feature::SENDER));
    rig.add(0, &PortOptions::with_features(features));
    rig
}

/// The packets of a test: IPv4 with options and IPv6 with an extension header among them, each with 0 to 2 tags.
fn packets() -> Vec<IpFrame> {
    let v4 = || Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]).id(0xfffe);
    let v6 = || Ip::v6([0x20; 16], [0x21; 16]);
    let ips = || [v4(), v4().options(&[1, 1, 1, 0]), v6(), v6().extension(60, &[0, 1, 4, 0, 0, 0, 0])];
    let tags = |count: usize| (0..count).fold(Ether::new(mac(1), mac(0)), |ether, tag| ether.vlan(tag as u16 + 5));
    (0..=2).flat_map(|count| ips().map(|ip| tags(count).ip(ip))).collect()
}

/// Where the IP packet begins in a frame with any number of tags.
fn l3(frame: &[u8]) -> usize {
    let tags = frame[12..].chunks(4).take_while(|tag| tag.starts_with(&[0x81, 0])).count();
    14 + 4 * tags
}

fn is_v4(frame: &[u8]) -> bool {
    frame[l3(frame) - 2..].starts_with(&[8, 0])
}

fn tcp() -> Tcp {
    let flags = tcp_flag::ACK | tcp_flag::PSH | tcp_flag::FIN;
    Tcp { src: 5001, dst: 80, seq: u32::MAX - 1000, ack: 7, flags, window: 500, options: vec![1, 1, 1, 0] }
}

/// `len` bytes without a pattern that a checksum could miss.
fn payload(len: usize) -> Vec<u8> {
    tests::seed::Rng::new(len as u64).bytes(len)
}

/// An offloaded frame, its header in the driver's type.
fn as_driver((header, frame): (wire::VnetHeader, Vec<u8>)) -> (VnetHeader, Vec<u8>) {
    (VnetHeader::from_bytes(&header.to_bytes()), frame)
}

fn send(rig: &mut Rig, (header, frame): &(VnetHeader, Vec<u8>)) {
    rig.send_as(0, &Shape::own_header(), *header, frame);
}

/// A receiver that takes it all gets a large frame as it was sent.
#[track_caller]
fn assert_arrives_as_sent(rig: &mut Rig, sent: &(VnetHeader, Vec<u8>)) {
    send(rig, sent);
    let arrived = rig.received_with_headers(1);
    let expected = VnetHeader { num_buffers: arrived[0].0.num_buffers, ..sent.0 };
    assert_eq!(arrived, [(expected, sent.1.clone())]);
    assert_eq!(rig.moved(1), Moved::received(1, sent.1.len()), "nothing was done in software");
}

/// The header of a frame that asks for nothing.
const PLAIN: VnetHeader =
    VnetHeader { flags: 0, gso_type: 0, hdr_len: 0, gso_size: 0, csum_start: 0, csum_offset: 0, num_buffers: 1 };
