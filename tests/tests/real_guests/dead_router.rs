// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that boots when its router is dead has its prefix, its route and its resolver all the same.

use std::net::Ipv6Addr;

use crate::lab::{Lab, Must, patience};
use ctl::proto::v1::State;
use tests::wait::{Deadline, until};
use wire::nd::{NdOption, PrefixInfo, Rdnss, encode, pio_flag};
use wire::{MacAddr, build};

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x99);
const PREFIX: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0);
const RESOLVER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x53);

#[test]
fn a_guest_learns_from_a_router_that_has_died() {
    let Some(lab) = Lab::open() else { return };
    lab.weft("namespace add red");
    lab.daemon.add_port("red", "r1", 9, &["--role", "router"]);
    speak_and_die(&lab);
    let nic = lab.port("vm1", "red", 1, "");
    let [guest] = lab.boot([lab.guest("vm1", [nic])]);
    guest.run_ok("ip link set eth0 up").must();
    let shows = |command: &str, part: &str| {
        until(&format!("{part} in `{command}`"), patience(), || guest.run_ok(command).must().contains(part));
    };
    shows("ip -6 addr show dev eth0", "2001:db8:1::ff:fe00:1/64");
    shows("ip -6 route", "default via fe80::99 dev eth0");
    shows("ip -6 route", "2001:db8:1::/64 dev eth0");
    let answer = guest.run_ok("rdisc6 -1 -n eth0").must();
    assert!(
        answer.contains("Recursive DNS server     : 2001:db8:1::53") && answer.contains("from fe80::99"),
        "{answer}"
    );
    let hits = lab.daemon.json(&["ra", "list", "red"])[0]["hits"].as_u64();
    assert!(hits.is_some_and(|hits| hits > 1), "weft has answered: {hits:?}");
}

/// The router says all that it has to say once, and ends.
fn speak_and_die(lab: &Lab) {
    let mut router = lab.daemon.attach("r1", 9);
    let flags = pio_flag::ON_LINK | pio_flag::AUTONOMOUS;
    let options = encode([
        NdOption::Prefix(PrefixInfo { prefix: PREFIX, prefix_len: 64, flags, valid: 1800, preferred: 1800 }),
        NdOption::Rdnss(Rdnss { lifetime: 1800, addresses: &[RESOLVER.octets()] }),
    ]);
    router.send(&build::advertisement(MacAddr(router.mac()), ROUTER, 1800, &options.expect("good options")));
    let listed = || lab.daemon.json(&["ra", "list", "red"]);
    until("the advertisement", Deadline::patient(), || listed().as_array().is_some_and(|all| all.len() == 1));
    router.hang_up();
    lab.await_state("r1", State::Down);
}
