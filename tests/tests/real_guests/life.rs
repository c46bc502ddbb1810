// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests that are reset, and guests that die and are started anew: their ports follow, in both modes.

use std::thread;

use crate::lab::{Lab, Must};
use crate::traffic::{address, assert_reaches, assert_reaches_not};
use ctl::proto::v1::State;
use qemu::Guest;

#[test]
fn a_port_follows_its_guest() {
    let Some(lab) = Lab::open() else { return };
    lab.weft("namespace add red");
    let spec = lab.guest("one", [lab.port("red-vm1", "red", 1, "")]);
    let other = lab.guest("two", [lab.port("red-vm2", "red", 2, "--client")]);
    let [one, two] = lab.boot([spec.clone(), other.clone()]);
    for (guest, port, host) in [(&one, "red-vm1", 1), (&two, "red-vm2", 2)] {
        address(guest, "eth0", 0, host);
        lab.await_state(port, State::Up);
    }
    assert_reaches(&one, 0, 2);
    a_reset_guest_is_away_and_back(&lab, &two, "red-vm2");
    address(&two, "eth0", 0, 2);
    assert_reaches(&one, 0, 2);
    for (guest, port) in [(one, "red-vm1"), (two, "red-vm2")] {
        guest.kill();
        lab.await_port(port, "not up", |port| port.state != State::Up);
        drop(guest);
    }
    let [one] = lab.boot([spec]);
    address(&one, "eth0", 0, 1);
    lab.await_state("red-vm1", State::Up);
    assert_reaches_not(&one, 0, 2);
    let [two] = lab.boot([other]);
    address(&two, "eth0", 0, 2);
    lab.await_state("red-vm2", State::Up);
    assert_reaches(&one, 0, 2);
}

fn a_reset_guest_is_away_and_back(lab: &Lab, guest: &Guest, port: &str) {
    thread::scope(|scope| {
        let reboot = scope.spawn(|| guest.reboot());
        lab.await_port(port, "not up", |port| port.state != State::Up);
        reboot.join().expect("a reboot does not panic").must();
    });
    lab.await_state(port, State::Up);
}
