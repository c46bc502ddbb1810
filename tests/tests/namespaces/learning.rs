// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What routers advertise is remembered in the namespace where they do, and nowhere else.

use serde_json::Value;
use tests::guest::{SyntheticGuest, ping};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;
use wire::MacAddr;
use wire::build::{advertisement, solicitation};

/// A router and a host in red, another host in blue.
fn scene() -> (Weftd, [SyntheticGuest; 3]) {
    let daemon = Weftd::start();
    ["red", "blue"].into_iter().for_each(|namespace| daemon.add_namespace(namespace));
    daemon.add_port("red", "router", 1, &["--role", "router"]);
    daemon.add_port("red", "host", 2, &[]);
    daemon.add_port("blue", "stranger", 3, &[]);
    let guests = [("router", 1), ("host", 2), ("stranger", 3)].map(|(port, number)| daemon.attach(port, number));
    (daemon, guests)
}

fn remembered(daemon: &Weftd, namespace: &str) -> Vec<Value> {
    daemon.json(&["ra", "list", namespace]).as_array().cloned().unwrap_or_default()
}

/// An advertisement of the guest as the router fe80::`router`.
fn advertise(guest: &SyntheticGuest, router: u16) -> Vec<u8> {
    advertisement(MacAddr(guest.mac()), [0xfe80, 0, 0, 0, 0, 0, 0, router].into(), 1800, &[])
}

#[test]
fn an_advertisement_is_delivered_and_remembered_in_its_namespace() {
    let (daemon, [mut router, mut host, mut stranger]) = scene();
    let told = advertise(&router, 1);
    router.send(&told);
    assert!(host.recv_until(Deadline::patient(), |got| got.frame == told).is_some());
    until("a Router Advertisement", Deadline::patient(), || !remembered(&daemon, "red").is_empty());
    let red = remembered(&daemon, "red");
    assert_eq!((red.len(), &red[0]["router"], &red[0]["port"]), (1, &"fe80::1".into(), &"router".into()));
    assert!(remembered(&daemon, "blue").is_empty() && stranger.recv().is_none());
}

#[test]
fn neither_a_rogue_nor_a_flood_keeps_a_router_from_being_heard() {
    let (daemon, [mut router, mut host, _]) = scene();
    let asked = solicitation(MacAddr(host.mac()), [0xfe80, 0, 0, 0, 0, 0, 0, 2].into());
    let rogue = advertise(&host, 2);
    for _ in 0..500 {
        host.send(&asked);
        host.send(&rogue);
    }
    let told = advertise(&router, 1);
    router.send(&told);
    until("the router's advertisement", Deadline::patient(), || !remembered(&daemon, "red").is_empty());
    assert_eq!(remembered(&daemon, "red").iter().map(|ra| &ra["router"]).collect::<Vec<_>>(), ["fe80::1"]);
    daemon.await_port("host", |port| port["drops"]["rogue-router"] == 500);
    while router.recv().is_some() {}
    ping(&mut router, &mut host, 1);
}
