// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! weftd is upgraded under running guests: their VMMs keep their connections, and not one reply is lost.

use crate::lab::{Lab, Must, PATIENCE, patience};
use crate::traffic::{address, assert_reaches, both, end_ping, ip4, replies, serve, start_ping};
use qemu::{Job, Nic};
use tests::wait::until;

/// Upgrades in a row.
const UPGRADES: usize = 3;
/// Replies in a row that show that traffic flows.
const ENOUGH: usize = 5;
/// Bytes of a stream that show that it flows.
const PART: u64 = 4 << 20;
/// Where a guest takes a stream; it answers with the digest.
const STREAM: u16 = 9;

#[test]
fn a_switch_is_upgraded_under_its_guests() {
    let Some(mut lab) = Lab::open() else { return };
    lab.weft("namespace add red");
    let first = lab.port("one", "red", 1, "");
    let second = Nic { queue_pairs: 2, ..lab.port("two", "red", 2, "--client --queues 2") };
    let [one, two] = lab.boot([lab.guest("one", [first]), lab.guest("two", [second])]);
    address(&one, "eth0", 0, 1);
    address(&two, "eth0", 0, 2);
    serve(&two, "-l", STREAM, "sha256sum");
    let source = "dd if=/dev/urandom bs=64k 2>/dev/null";
    let target = ip4(0, 2);
    let script = format!("rm -f copy; mkfifo copy; sha256sum <copy & {source} | tee copy | nc {target} {STREAM}; wait");
    let sender = one.spawn(&script).must();
    let pings: Vec<Job> = both(0, 2).iter().map(|target| start_ping(&one, target)).collect();
    for _ in 0..UPGRADES {
        let counts: Vec<usize> = pings.iter().map(replies).collect();
        let said = lab.daemon.upgrade();
        eprintln!("upgraded: {said}");
        assert_eq!(said["guests"], 2);
        // The daemon that has taken over counts from zero.
        lab.await_port("two", "bytes arrive", |port| port.counters.rx_bytes > PART);
        until("more replies", patience(), || {
            pings.iter().zip(&counts).all(|(ping, count)| replies(ping) >= count + ENOUGH)
        });
    }
    for ping in &pings {
        let counted = end_ping(ping);
        eprintln!("{counted:?}");
        assert_eq!(counted.lost(), 0, "what was sent meanwhile has waited in the guest's ring");
    }
    one.run_ok("killall dd").must();
    let digests = sender.wait(PATIENCE).must().text();
    let (first, second) = digests.split_once('\n').expect("the digests of both ends");
    assert!(first == second && first.len() > 64, "sent and received differ: {digests}");
    assert!(!lab.daemon.log().contains("session ended"), "no VMM has connected anew");
    assert_reaches(&two, 0, 1);
}
