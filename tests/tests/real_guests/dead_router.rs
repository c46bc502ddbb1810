// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that boots when its router is dead has its prefix, its route and its resolver all the same; and when the router
//! lives again, it answers alone.

use std::net::Ipv6Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::lab::{Lab, Must, patience};
use ctl::proto::v1::State;
use qemu::Guest;
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, for_value, until};
use wire::nd::{NdMessage, NdOption, NdPacket, PrefixInfo, Rdnss, encode, pio_flag};
use wire::{MacAddr, build};

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x99);
const PREFIX: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0);
const RESOLVER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x53);
/// The resolver of the router that lives.
const NEWER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x54);

#[test]
fn a_guest_learns_from_a_router_that_has_died_and_from_itself_when_it_lives() {
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
    assert!(hits(&lab).is_some_and(|hits| hits > 1), "weft has answered: {:?}", hits(&lab));
    asks_a_router_that_lives(&lab, &guest);
}

/// How often weft has said what it knows of the router.
fn hits(lab: &Lab) -> Option<u64> {
    lab.daemon.json(&["ra", "list", "red"])[0]["hits"].as_u64()
}

fn asks_a_router_that_lives(lab: &Lab, guest: &Guest) {
    let mut router = lab.daemon.attach("r1", 9);
    lab.await_state("r1", State::Up);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| answer_until(&ended, &mut router));
        // It is heard for longer than weft would take.
        until("the router alone to answer", patience(), || {
            let before = hits(lab);
            let answer = guest.run_ok("rdisc6 -n eth0").must();
            answer.contains("Recursive DNS server     : 2001:db8:1::54") && hits(lab) == before
        });
        ended.store(true, Ordering::Relaxed);
    });
}

/// Answers whoever asks, as a router that lives.
fn answer_until(ended: &AtomicBool, router: &mut SyntheticGuest) {
    let asks = |frame: &[u8]| {
        let packet = NdPacket::validate(frame.get(14..).unwrap_or_default());
        packet.is_ok_and(|packet| matches!(packet.message, NdMessage::Solicit(_)))
    };
    let is_over = || ended.load(Ordering::Relaxed);
    while !is_over() {
        let came = for_value("frames", patience(), || router.recv().map(Some).or_else(|| is_over().then_some(None)));
        if came.is_some_and(|came| asks(&came.frame)) {
            router.send(&advertisement(router, NEWER));
        }
    }
}

/// The router says all that it has to say once, and ends.
fn speak_and_die(lab: &Lab) {
    let mut router = lab.daemon.attach("r1", 9);
    router.send(&advertisement(&router, RESOLVER));
    let listed = || lab.daemon.json(&["ra", "list", "red"]);
    until("the advertisement", Deadline::patient(), || listed().as_array().is_some_and(|all| all.len() == 1));
    router.hang_up();
    lab.await_state("r1", State::Down);
}

/// All that the router has to say.
fn advertisement(router: &SyntheticGuest, resolver: Ipv6Addr) -> Vec<u8> {
    let flags = pio_flag::ON_LINK | pio_flag::AUTONOMOUS;
    let options = encode([
        NdOption::Prefix(PrefixInfo { prefix: PREFIX, prefix_len: 64, flags, valid: 1800, preferred: 1800 }),
        NdOption::Rdnss(Rdnss { lifetime: 1800, addresses: &[resolver.octets()] }),
    ]);
    build::advertisement(MacAddr(router.mac()), ROUTER, 1800, &options.expect("good options"))
}
