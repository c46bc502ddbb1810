// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Bulk transfers between guests that agree on offloads, and between guests that do not: what the receiver does not
//! take, the switch has to finish. Every byte is checked inside the guests.

use crate::lab::{Lab, Must};
use crate::traffic::{address, assert_transfers, both};
use qemu::{Guest, Nic, Offload};

const MIB: u32 = 16;

/// One pair of NICs, and the work that it leaves to the switch.
struct Pair {
    name: &'static str,
    transmit: Offload,
    receive: Offload,
    is_segmented: bool,
    is_checksummed: bool,
}

const PAIRS: [Pair; 5] = [
    Pair { name: "all", transmit: Offload::Full, receive: Offload::Full, is_segmented: false, is_checksummed: false },
    Pair {
        name: "cut",
        transmit: Offload::Full,
        receive: Offload::Checksum,
        is_segmented: true,
        is_checksummed: false,
    },
    Pair {
        name: "sum",
        transmit: Offload::Checksum,
        receive: Offload::None,
        is_segmented: false,
        is_checksummed: true,
    },
    Pair { name: "both", transmit: Offload::Full, receive: Offload::None, is_segmented: true, is_checksummed: true },
    Pair { name: "none", transmit: Offload::None, receive: Offload::None, is_segmented: false, is_checksummed: false },
];

#[test]
fn the_switch_finishes_what_the_receiver_does_not_take() {
    let Some(lab) = Lab::open() else { return };
    let sender = PAIRS.each_ref().map(|pair| {
        lab.weft(&format!("namespace add {}", pair.name));
        Nic { transmit: pair.transmit, ..lab.port(&format!("{}-from", pair.name), pair.name, 1, "") }
    });
    let receiver = PAIRS.each_ref().map(|pair| {
        let nic = lab.port(&format!("{}-to", pair.name), pair.name, 2, "");
        Nic { receive: pair.receive, ..nic }
    });
    let [sender, receiver] = lab.boot([lab.guest("sender", sender), lab.guest("receiver", receiver)]);
    eprintln!("negotiated: {}", lab.show("all-to").features.join(" "));
    for (pair, net) in PAIRS.iter().zip(0..) {
        let interface = format!("eth{net}");
        address(&sender, &interface, net, 1);
        address(&receiver, &interface, net, 2);
        transfers_arrive(&lab, pair, net, [&sender, &receiver]);
    }
}

fn transfers_arrive(lab: &Lab, pair: &Pair, net: u8, [sender, receiver]: [&Guest; 2]) {
    let port = format!("{}-to", pair.name);
    for target in both(net, 2) {
        let before = lab.show(&port).counters;
        assert_transfers(sender, receiver, &target, MIB);
        let after = lab.show(&port).counters;
        let segments = after.software_segments - before.software_segments;
        let checksums = after.software_checksums - before.software_checksums;
        let (frames, bytes) = (after.rx_frames - before.rx_frames, after.rx_bytes - before.rx_bytes);
        let name = pair.name;
        eprintln!("{name} to {target}: {frames} frames of {bytes} bytes; {segments} segments, {checksums} checksums");
        assert!(bytes > u64::from(MIB) << 20, "{bytes} bytes were counted");
        assert_eq!(segments > 0, pair.is_segmented, "{name}, {target}: {segments} segments");
        assert_eq!(checksums > 0, pair.is_checksummed, "{name}, {target}: {checksums} checksums");
    }
    // A receiver that verifies checksums itself would have thrown a bad one away, and TCP would have hidden it.
    let errors = "cat /proc/net/snmp | awk '/^Tcp: [0-9]/ { print $14 }'";
    assert_eq!(receiver.run_ok(errors).must(), "0", "{}: bad checksums arrived", pair.name);
}
