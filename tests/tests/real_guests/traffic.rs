// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What guests say to one another: echo requests, names, bulk transfers.

use std::time::{Duration, Instant};

use crate::lab::{Must, PATIENCE};
use qemu::{Guest, Job, Pings};

/// Gives an interface its two addresses.
pub(crate) fn address(guest: &Guest, interface: &str, net: u8, host: u8) {
    guest.configure(interface, &[&format!("{}/24", ip4(net, host)), &format!("{}/64", ip6(net, host))]).must();
}

/// The IPv4 address of a host in one of the test's networks.
pub(crate) fn ip4(net: u8, host: u8) -> String {
    format!("10.0.{net}.{host}")
}

/// Its IPv6 address.
pub(crate) fn ip6(net: u8, host: u8) -> String {
    format!("fd00:{net}::{host}")
}

/// Both.
pub(crate) fn both(net: u8, host: u8) -> [String; 2] {
    [ip4(net, host), ip6(net, host)]
}

/// Every one of a few echo requests is answered, over both families.
#[track_caller]
pub(crate) fn assert_reaches(guest: &Guest, net: u8, host: u8) {
    for target in both(net, host) {
        let pings = guest.ping(&target, 5).must();
        assert_eq!(pings, Pings { sent: 5, received: 5 }, "{} pings {target}", guest.name());
    }
}

/// No echo request is answered, over either family.
#[track_caller]
pub(crate) fn assert_reaches_not(guest: &Guest, net: u8, host: u8) {
    for target in both(net, host) {
        let pings = guest.ping_in_vain(&target, 2).must();
        assert_eq!(pings, Pings { sent: 2, received: 0 }, "{} pings {target}", guest.name());
    }
}

/// A bulk transfer arrives as it was sent.
#[track_caller]
pub(crate) fn assert_transfers(from: &Guest, to: &Guest, target: &str, mib: u32) {
    let started = Instant::now();
    let transfer = from.send_bulk(to, target, mib).must();
    assert!(transfer.is_intact() && transfer.sent.len() == 64, "{target}: {transfer:?}");
    eprintln!("{mib} MiB to {target} arrived intact, {:.1} s in all", started.elapsed().as_secs_f32());
}

/// Listens on a TCP port of a guest; `command` talks to whoever connects. `options` are those of busybox's `nc`: `-l`
/// for one visitor, `-ll` for any number.
pub(crate) fn serve(guest: &Guest, options: &str, port: u16, command: &str) {
    guest.spawn(&format!("exec nc {options} -p {port} -e {command}")).must();
    guest.run_ok(&format!("until netstat -ltn | grep -q ':{port} '; do sleep 0.1; done")).must();
}

/// Between the echo requests of [`start_ping`].
const PAUSE: Duration = Duration::from_millis(100);

/// Sends ten echo requests a second, until [`end_ping`].
pub(crate) fn start_ping<'a>(guest: &'a Guest, target: &str) -> Job<'a> {
    guest.spawn(&format!("ping -i {} {target}", PAUSE.as_secs_f32())).must()
}

/// The most requests of [`start_ping`] that one outage can cost: those that were sent in it, and those that were under way
/// when it began, where a reply took up to `round_trip`.
pub(crate) fn explained(outage: Duration, round_trip: Duration) -> u32 {
    (outage + round_trip).div_duration_f32(PAUSE).ceil() as u32 + 1
}

/// The longest time that a reply has taken so far.
pub(crate) fn round_trip(ping: &Job) -> Duration {
    let output = ping.stdout_so_far().must();
    let times = output.lines().filter_map(|line| line.split_once("time=")?.1.strip_suffix(" ms")?.parse::<f64>().ok());
    Duration::from_secs_f64(times.fold(0.0, f64::max) / 1000.0)
}

/// Replies that have come so far.
pub(crate) fn replies(ping: &Job) -> usize {
    ping.stdout_so_far().must().matches("bytes from").count()
}

/// The counts of a ping that ends now, up to the last request that was answered: later ones may be under way. No request
/// may have been answered twice.
#[track_caller]
pub(crate) fn end_ping(ping: &Job) -> Pings {
    ping.signal("INT").must();
    let output = ping.wait(PATIENCE).must().text();
    assert!(!output.contains("DUP") && !output.contains("duplicates"), "{output}");
    let counted = Pings::parse(&output).expect("ping ends with its counts");
    let last =
        output.lines().filter_map(|line| line.split_once("seq=")?.1.split(' ').next()?.parse::<u32>().ok()).max();
    Pings { sent: last.map_or(counted.sent, |last| last + 1), ..counted }
}
