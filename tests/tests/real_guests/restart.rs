// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! weftd is killed under running guests and started again: traffic resumes, whoever listens on the socket, and nobody
//! touches a guest. The red namespace comes back from the configuration file, the blue one from weftd's saved state.

use std::time::{Duration, Instant};

use crate::lab::{Lab, Must, PATIENCE, patience};
use crate::traffic::{address, assert_reaches, both, end_ping, explained, ip4, replies, round_trip, serve, start_ping};
use ctl::proto::v1::State;
use qemu::{Guest, Job};
use tests::wait::until;

pub(crate) const CONFIG: &str = r#"
[[namespace]]
name = "red"
[[port]]
name = "red-vm1"
namespace = "red"
mac = "02:00:00:00:00:01"
vhost-user = "{dir}/red-vm1.sock"
[[port]]
name = "red-vm2"
namespace = "red"
mac = "02:00:00:00:00:02"
vhost-user = "{dir}/red-vm2.sock"
"#;

const PORTS: [&str; 4] = ["red-vm1", "red-vm2", "blue-vm1", "blue-vm2"];
/// Replies in a row that show that traffic flows.
const ENOUGH: usize = 10;
/// Bytes of a stream that show that it flows.
const PART: u64 = 8 << 20;
/// Where a guest takes a stream; it answers with the digest.
const STREAM: u16 = 9;

#[test]
fn a_killed_switch_comes_back_under_its_guests() {
    let Some(lab) = Lab::open_with(CONFIG) else { return };
    guests_outlive_weftd(lab);
}

/// The whole walk, for a lab that was opened with [`CONFIG`].
pub(crate) fn guests_outlive_weftd(mut lab: Lab) {
    lab.weft("namespace add blue");
    let red = [("red-vm1", 1), ("red-vm2", 2)].map(|(name, last)| lab.nic(name, last, false));
    let blue = [("blue-vm1", 3), ("blue-vm2", 4)].map(|(name, last)| lab.port(name, "blue", last, "--client"));
    let [red1, red2] = red;
    let [blue1, blue2] = blue;
    let [one, two] = lab.boot([lab.guest("one", [red1, blue1]), lab.guest("two", [red2, blue2])]);
    for (guest, host) in [(&one, 1), (&two, 2)] {
        address(guest, "eth0", 0, host);
        address(guest, "eth1", 1, host);
    }
    for _ in 0..2 {
        pings_go_on(&mut lab, &one);
    }
    for (port, target) in [("red-vm2", ip4(0, 2)), ("blue-vm2", ip4(1, 2))] {
        a_transfer_goes_on(&mut lab, [&one, &two], port, &target);
    }
    for net in [0, 1] {
        assert_reaches(&one, net, 2);
        assert_reaches(&two, net, 1);
    }
}

/// Pings over both families and both modes, all at once.
fn pings_go_on(lab: &mut Lab, one: &Guest) {
    let targets = [both(0, 2), both(1, 2)].concat();
    let pings: Vec<Job> = targets.iter().map(|target| start_ping(one, target)).collect();
    let all_beyond = |counts: &[usize]| {
        until("more replies on every lane", patience(), || {
            pings.iter().zip(counts).all(|(ping, count)| replies(ping) >= count + ENOUGH)
        });
    };
    all_beyond(&vec![0; pings.len()]);
    let round_trips: Vec<Duration> = pings.iter().map(round_trip).collect();
    let killed = Instant::now();
    lab.daemon.restart();
    PORTS.iter().for_each(|port| lab.await_state(port, State::Up));
    let outage = killed.elapsed();
    let heard: Vec<usize> = pings.iter().map(replies).collect();
    all_beyond(&heard);
    for ((ping, target), round_trip) in pings.iter().zip(&targets).zip(round_trips) {
        let (counted, most) = (end_ping(ping), explained(outage, round_trip));
        let (lost, sent) = (counted.lost(), counted.sent);
        eprintln!("weftd killed and restarted: {lost} of {sent} replies from {target} were lost, {most} may be");
        assert!(lost <= most, "{target}: {lost} lost, in an outage of {outage:?}, round trips of {round_trip:?}");
    }
}

/// Random bytes flow until they have flowed both before and after; what was sent is what arrived.
fn a_transfer_goes_on(lab: &mut Lab, [one, two]: [&Guest; 2], port: &str, target: &str) {
    let start = lab.show(port).counters.rx_bytes;
    serve(two, "-l", STREAM, "sha256sum");
    let source = "dd if=/dev/urandom bs=64k 2>/dev/null";
    let script = format!("rm -f copy; mkfifo copy; sha256sum <copy & {source} | tee copy | nc {target} {STREAM}; wait");
    let sender = one.spawn(&script).must();
    lab.await_port(port, "bytes arrive", |port| port.counters.rx_bytes - start > PART);
    lab.daemon.restart();
    // The daemon that came back counts from zero.
    lab.await_port(port, "bytes arrive again", |port| port.counters.rx_bytes > PART);
    one.run_ok("killall dd").must();
    let digests = sender.wait(PATIENCE).must().text();
    let (first, second) = digests.split_once('\n').expect("the digests of both ends");
    assert!(first == second && first.len() > 64, "{target}: sent and received differ: {digests}");
    let after = lab.show(port).counters.rx_bytes >> 20;
    eprintln!("a stream to {target} arrived intact, {after} MiB of it after weftd was killed and restarted");
}
