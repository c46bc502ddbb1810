// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What one tenant can do to another, and to its own neighbours: nothing.

use crate::lab::{Lab, Must};
use crate::traffic::{address, assert_reaches, assert_reaches_not, both, serve};
use ctl::proto::v1::State;
use qemu::{Guest, Mac};

/// Where the guests tell their names.
const PORT: u16 = 7;
/// An address that no port has.
const STRANGER: Mac = Mac([2, 0, 0, 0, 0, 0x66]);
const RED2: Mac = Mac([2, 0, 0, 0, 0, 2]);

#[test]
fn tenants_with_the_same_addresses_never_meet() {
    let Some(lab) = Lab::open() else { return };
    lab.weft("namespace add red");
    lab.weft("namespace add blue");
    let specs = [("red-vm1", "red", 1), ("red-vm2", "red", 2), ("blue-vm1", "blue", 1)];
    let guests = specs.map(|(name, tenant, last)| lab.guest(name, [lab.port(name, tenant, last, "")]));
    let [red1, red2, blue1] = lab.boot(guests);
    for (guest, host) in [(&red1, 1), (&red2, 2), (&blue1, 1)] {
        address(guest, "eth0", 0, host);
        lab.await_state(guest.name(), State::Up);
    }
    one_tenant_is_one_network(&red1, &red2);
    the_double_hears_and_reaches_nobody(&lab, &blue1);
    the_right_guest_answers([&red1, &red2, &blue1]);
    a_lying_guest_is_stopped_until_it_may_lie(&lab, &red1, &red2);
    assert_eq!(lab.show("blue-vm1").counters.rx_frames, 0, "something crossed over to the other tenant");
    assert_eq!(blue1.run_ok("cat /sys/class/net/eth0/statistics/rx_packets").must(), "0");
}

fn one_tenant_is_one_network(red1: &Guest, red2: &Guest) {
    assert_reaches(red1, 0, 2);
    assert_reaches(red2, 0, 1);
}

fn the_double_hears_and_reaches_nobody(lab: &Lab, blue1: &Guest) {
    let before = lab.dropped("blue-vm1", "no-receiver");
    assert_reaches_not(blue1, 0, 2);
    assert!(lab.dropped("blue-vm1", "no-receiver") > before, "weft cannot say why");
    let entries = lab.weft("fdb list --no-header");
    let of = |tenant: &str| entries.lines().filter(|line| line.starts_with(tenant)).count();
    assert_eq!((of("red "), of("blue ")), (2, 1), "{entries}");
}

/// A reply is no proof of who sent it; a name is.
fn the_right_guest_answers([red1, red2, blue1]: [&Guest; 3]) {
    for guest in [red1, red2, blue1] {
        serve(guest, "-ll", PORT, "hostname");
    }
    for target in both(0, 1) {
        let asked = format!("for i in 1 2 3 4 5; do nc {target} {PORT}; done");
        assert_eq!(red2.run_ok(&asked).must(), ["red-vm1"; 5].join("\n"), "{target} as seen from red-vm2");
    }
    for target in both(0, 2) {
        assert_eq!(red1.run_ok(&format!("nc {target} {PORT}")).must(), "red-vm2");
        let outcome = blue1.run(&format!("nc -w 2 {target} {PORT}")).must();
        assert!(outcome.status != 0 && outcome.stdout.is_empty(), "blue-vm1 got an answer from {target}: {outcome:?}");
    }
}

fn a_lying_guest_is_stopped_until_it_may_lie(lab: &Lab, red1: &Guest, red2: &Guest) {
    let before = lab.dropped("red-vm2", "spoofed-mac");
    takes_address(red2, red1, STRANGER);
    assert_reaches_not(red2, 0, 1);
    assert!(lab.dropped("red-vm2", "spoofed-mac") > before, "{}", lab.weft("port show red-vm2"));
    lab.weft("port set red-vm2 --macs any");
    forget_neighbours(red2);
    assert_reaches(red2, 0, 1);
    let learned = lab.weft("fdb list");
    assert!(learned.contains(&STRANGER.to_string()) && learned.contains("learned"), "{learned}");
    lab.weft("port set red-vm2 --macs own");
    assert_reaches_not(red2, 0, 1);
    takes_address(red2, red1, RED2);
    assert_reaches(red1, 0, 2);
}

fn takes_address(guest: &Guest, neighbour: &Guest, mac: Mac) {
    guest.run_ok(&format!("ip link set eth0 address {mac}")).must();
    [guest, neighbour].into_iter().for_each(forget_neighbours);
}

/// Linux would go on with an old address, or with a fruitless search for one, for seconds.
fn forget_neighbours(guest: &Guest) {
    guest.run_ok("ip neigh flush dev eth0").must();
}
