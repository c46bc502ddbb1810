// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest with several queue pairs: its own kernel sees flows arrive in each of them, and streams in order.

use crate::lab::{Lab, Must};
use crate::traffic::{address, assert_transfers, both, ip4};
use qemu::{Guest, GuestSpec, Nic};

/// Addresses of the receiver, each a flow of its own: sixteen coins do not all fall alike but once in thirty thousand
/// times, and the hash is the same each time.
const FLOWS: std::ops::Range<u8> = 100..116;
const MIB: u32 = 8;
/// Streams that may lose frames before one must not.
const TRIES: usize = 10;

#[test]
fn both_queues_of_a_guest_are_used() {
    let Some(lab) = Lab::open() else { return };
    lab.weft("namespace add red");
    let one = lab.port("one", "red", 1, "");
    let many = Nic { queue_pairs: 2, ..lab.port("many", "red", 2, "--queues 2") };
    let many = GuestSpec { vcpus: 2, ..lab.guest("many", [many]) };
    let [one, many] = lab.boot([lab.guest("one", [one]), many]);
    address(&one, "eth0", 0, 1);
    address(&many, "eth0", 0, 2);
    for flow in FLOWS {
        many.run_ok(&format!("ip address add {}/24 dev eth0", ip4(0, flow))).must();
    }
    let before = interrupts(&many);
    for flow in FLOWS {
        assert_eq!(one.ping(&ip4(0, flow), 3).must().lost(), 0, "{flow}");
    }
    let after = interrupts(&many);
    eprintln!("interrupts of the receive queues: {before:?}, then {after:?}");
    assert_eq!(after.len(), 2);
    assert!(before.iter().zip(&after).all(|(before, after)| after > before), "{before:?}, then {after:?}");
    for target in both(0, 2) {
        a_stream_arrives_in_order(&lab, [&one, &many], &target);
    }
    for target in both(0, 1) {
        assert_transfers(&many, &one, &target, MIB);
    }
    assert_eq!(lab.dropped("many", "port-down"), 0, "nothing was steered into a queue that is none");
}

/// A frame that found no room leaves a gap, and what comes after it is out of order for the guest, rightly: only a stream
/// that lost nothing tells.
fn a_stream_arrives_in_order(lab: &Lab, [one, many]: [&Guest; 2], target: &str) {
    for _ in 0..TRIES {
        let before = (drops(lab), out_of_order(many));
        assert_transfers(one, many, target, MIB);
        let after = (drops(lab), out_of_order(many));
        eprintln!("frames without room, segments out of order: {before:?}, then {after:?}");
        if after.0 == before.0 {
            return assert_eq!(after.1, before.1, "{target}: segments were put aside, and nothing was lost");
        }
    }
    panic!("each of {TRIES} streams to {target} lost frames");
}

/// Frames to or from the guest that were dropped.
fn drops(lab: &Lab) -> u64 {
    ["one", "many"].iter().map(|port| lab.show(port).counters.drops.values().sum::<u64>()).sum()
}

/// Interrupts of each receive queue of the first NIC.
fn interrupts(guest: &Guest) -> Vec<u64> {
    let lines = guest.run_ok("grep -E 'virtio[0-9]+-input' /proc/interrupts").must();
    let counts = |line: &str| line.split_whitespace().skip(1).map_while(|word| word.parse::<u64>().ok()).sum();
    lines.lines().map(counts).collect()
}

/// Segments that TCP had to put aside because one before them was missing.
fn out_of_order(guest: &Guest) -> u64 {
    let counter = "awk '/^TcpExt:/ && !n { for (i = 1; i <= NF; i++) if ($i == \"TCPOFOQueue\") n = i; next } \
                   /^TcpExt:/ { print $n }' /proc/net/netstat";
    guest.run_ok(counter).must().trim().parse().expect("a number")
}
