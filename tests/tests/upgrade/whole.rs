// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a successor has of the weftd before it, and what becomes its own.

use core::net::Ipv6Addr;
use std::fs;

use serde_json::json;
use tests::frames::{BROADCAST, numbered};
use tests::guest::{GuestOptions, Side, SyntheticGuest, ping};
use tests::wait::{Deadline, until};
use tests::weftd::{Weftd, toml};
use wire::nd::{NdOption, PrefixInfo, encode};
use wire::{MacAddr, build};

use crate::uplink::Far;

#[test]
fn what_was_learnt_and_said_is_there_and_sockets_are_its_own() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &["--macs", "any"]);
    daemon.add_port("red", "two", 2, &[]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    ping(&mut one, &mut two, 1);
    one.send(&numbered(BROADCAST, [2, 0, 0, 0, 9, 9], 0, 60));
    two.recv_until(Deadline::patient(), |got| got.frame[6..12] == [2, 0, 0, 0, 9, 9]).expect("it is flooded");
    let learnt = |daemon: &Weftd| {
        let entries = daemon.json(&["fdb", "list"]);
        let found = entries.as_array().expect("a list").iter().find(|entry| entry["mac"] == "02:00:00:00:09:09");
        found.map(|entry| entry["port"].clone())
    };
    assert_eq!(learnt(&daemon), Some(json!("one")));
    daemon.upgrade();
    assert_eq!(learnt(&daemon), Some(json!("one")), "nobody has said anything since");
    assert_eq!(daemon.port("one")["state"], "up");
    ping(&mut one, &mut two, 2);
    // The session ends as any other, and the next one begins.
    drop(two);
    daemon.await_state("two", "down");
    let mut two = daemon.attach("two", 2);
    ping(&mut one, &mut two, 3);
    daemon.weft(&["port", "del", "two", "--force"]).expect_ok();
    assert!(!daemon.port_path("two").exists(), "the socket went with its port");
    assert!(daemon.stop().success());
    assert_eq!(["ctl", "one"].map(|name| daemon.port_path(name).exists()), [false; 2]);
    daemon.restart();
    one.reconnect(Deadline::patient());
}

#[test]
fn a_port_without_a_guest_waits_for_it_on() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &["--client"]);
    let said = daemon.upgrade();
    assert_eq!(said["guests"], 0);
    let mut one = daemon.attach("one", 1);
    let options = GuestOptions { side: Side::Listens, ..GuestOptions::new("two", 2) };
    let mut two = daemon.attach_as("two", options);
    ping(&mut one, &mut two, 1);
    // The log level and all else come from the same command line.
    daemon.upgrade();
    ping(&mut one, &mut two, 2);
}

/// A router that says nothing any more, a host that asks, and an uplink that is no virtio ring.
#[test]
fn what_routers_have_said_is_known_and_lanes_are_open() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    let far = Far::of(&daemon);
    daemon.add_port("red", "router", 1, &["--role", "router"]);
    daemon.add_port("red", "one", 2, &[]);
    let (mut router, mut one) = (daemon.attach("router", 1), daemon.attach("one", 2));
    let router_at = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    let prefix = PrefixInfo {
        prefix: Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0),
        prefix_len: 64,
        flags: 0xc0,
        valid: 1800,
        preferred: 900,
    };
    let options = encode([NdOption::Prefix(prefix)]).expect("a good prefix");
    router.send(&build::advertisement(MacAddr(router.mac()), router_at, 1800, &options));
    let known = |daemon: &Weftd| {
        let ras = daemon.json(&["ra", "list", "red"]);
        ras.as_array().expect("a list").iter().map(|ra| ra["router"].clone()).collect::<Vec<_>>()
    };
    until("the advertisement to be known", Deadline::patient(), || known(&daemon) == [json!("fe80::1")]);
    daemon.upgrade();
    assert_eq!(known(&daemon), [json!("fe80::1")], "the router has said nothing since");
    far.assert_hears(&daemon, &mut one, 7);
}

/// The file was edited meanwhile: the guest stays, and the next one finds the socket where it is wanted.
#[test]
fn a_socket_that_is_wanted_elsewhere_is_made_there() {
    let port = toml::port("red", "one", 1);
    let mut daemon = Weftd::start_configured(&(toml::namespace("red") + &port));
    daemon.add_port("red", "two", 2, &[]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    let text = (toml::namespace("red") + &port).replace("{dir}", &daemon.folder().display().to_string());
    fs::write(daemon.folder().join("weft.toml"), text.replace("one.sock", "uno.sock")).expect("the folder is ours");
    daemon.upgrade();
    ping(&mut one, &mut two, 1);
    drop(one);
    daemon.await_state("one", "down");
    let mut uno =
        SyntheticGuest::attach(&daemon.port_path("uno"), GuestOptions::new("one", 1)).expect("it listens there");
    ping(&mut uno, &mut two, 2);
}
