// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that know nothing of weft judge what the switch finished: tshark says whether each checksum is good and what
//! each stream carries, scapy makes frames with offloads and the very bytes that must become of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tests::driver::VnetHeader;
use tests::programs::{Program, capture, output, scapy_or_skip};
use tests::rig::{Rig, feature, mac};
use wire::build::{Tcp, tcp_flag};

use super::{as_driver, packets, payload, send, tcp, to};

/// Bytes of each stream.
const STREAM: usize = 20_001;
/// Cases that scapy makes.
const CASES: usize = 200;

/// One stream, by the sender's port: large frames of TCP or UDP in each packet of the tests, and small ones that lack
/// a checksum. Returns what a receiver without offloads got of them.
fn streams() -> Vec<Vec<u8>> {
    let (mut rig, data, mut received) = (to(feature::BASIC), payload(STREAM), Vec::new());
    for (port, packet) in (1000..).zip(packets()) {
        let tcp = |at| Tcp { src: port, seq: tcp().seq.wrapping_add(at), flags: tcp_flag::ACK, ..tcp() };
        // Cut unevenly, so that segments of all lengths meet.
        for (piece, at) in data.chunks(7001).zip((0..).step_by(7001)) {
            send(&mut rig, &as_driver(packet.clone().tcp_offloaded(&tcp(at), piece, Some(1301))));
            send(&mut rig, &as_driver(packet.clone().udp_offloaded((port, 6), piece, Some(1203))));
        }
        send(&mut rig, &as_driver(packet.clone().tcp_offloaded(&tcp(STREAM as u32), &data[..1], None)));
        send(&mut rig, &as_driver(packet.clone().udp_offloaded((port, 6), &data[..1], None)));
        received.extend(rig.received(1));
    }
    received
}

const FIELDS: [&str; 8] = [
    "ip.checksum.status",
    "tcp.checksum.status",
    "udp.checksum.status",
    "tcp.srcport",
    "udp.srcport",
    "tcp.payload",
    "udp.payload",
    "tcp.analysis.flags",
];

#[test]
fn tshark_finds_nothing_wrong() {
    let frames = streams();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("received.pcap");
    capture(&path, &frames);
    let Some(mut tshark) = Program::find_or_skip("tshark").map(|tshark| tshark.command()) else { return };
    tshark.arg("-r").arg(&path).args(["-T", "fields", "-E", "separator=|"]);
    // Those of TCP and UDP are not verified unless asked for.
    for check in ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"] {
        tshark.args(["-o", &format!("{check}:TRUE")]);
    }
    for field in FIELDS {
        tshark.args(["-e", field]);
    }
    check_fields(&output(&mut tshark), frames.len());
}

/// Every checksum is good (1), TCP finds nothing out of order, and each stream carries what was sent.
fn check_fields(text: &str, frames: usize) {
    assert_eq!(text.lines().count(), frames);
    let mut streams: BTreeMap<(bool, String), String> = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split('|').collect();
        let [ip, tcp, udp, tcp_port, udp_port, tcp_payload, udp_payload, analysis] = fields[..] else {
            panic!("frame {number}: {line}")
        };
        assert!(matches!((ip, tcp, udp), ("1" | "", "1", "") | ("1" | "", "", "1")), "frame {number}: {line}");
        assert_eq!(analysis, "", "frame {number}: {line}");
        *streams.entry((tcp == "1", [tcp_port, udp_port].concat())).or_default() +=
            &[tcp_payload, udp_payload].concat();
    }
    let sent: Vec<u8> = [&payload(STREAM)[..], &payload(STREAM)[..1]].concat();
    assert_eq!(streams.len(), 2 * packets().len());
    for (stream, carried) in streams {
        assert!(unhex(&carried) == sent, "stream {stream:?} carries {} bytes", carried.len() / 2);
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
}

#[test]
fn scapy_expects_the_very_same_bytes() {
    let Some(python) = scapy_or_skip() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/offloads/by_scapy.py");
    let mut command = Command::new(python);
    command.arg(script).args([CASES.to_string(), mac(1).to_string(), mac(0).to_string()]);
    let cases = output(&mut command);
    let mut rig = to(feature::BASIC);
    assert_eq!(cases.lines().map(|line| check_case(&mut rig, line)).count(), CASES);
}

/// Sends one case and compares what arrives.
fn check_case(rig: &mut Rig, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let field = |at: usize| words[at].parse::<u16>().expect("a number");
    let header = VnetHeader {
        flags: 1,
        gso_type: field(0) as u8,
        hdr_len: field(1),
        gso_size: field(2),
        csum_start: field(3),
        csum_offset: field(4),
        num_buffers: 0,
    };
    send(rig, &(header, unhex(words[5])));
    let expected: Vec<_> = words[6..].iter().map(|frame| unhex(frame)).collect();
    let arrived = rig.received(1);
    assert_eq!(arrived.len(), expected.len(), "{header:?}");
    for (number, pair) in arrived.iter().zip(&expected).enumerate() {
        assert_eq!(pair.0, pair.1, "frame {number} of {header:?}");
    }
}
