// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Hosts that look for a router get its words from weft when it is dead.

use core::net::Ipv6Addr;
use std::collections::BTreeMap;

use serde_json::json;
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, until};
use tests::weftd::{Weftd, toml};
use wire::nd::{NdMessage, NdOption, NdPacket, PrefixInfo, encode};
use wire::{EtherHeader, MacAddr, build};

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const HOST: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const PREFIX: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0);

/// Red, whose router has said what it has to say and is gone.
fn bereft(options: &[&str]) -> (Weftd, SyntheticGuest) {
    let daemon = Weftd::start();
    daemon.weft(&[&["namespace", "add", "red"], options].concat()).expect_ok();
    daemon.add_port("red", "router", 1, &["--role", "router"]);
    daemon.add_port("red", "host", 2, &[]);
    let mut router = daemon.attach("router", 1);
    let host = daemon.attach("host", 2);
    let info = PrefixInfo { prefix: PREFIX, prefix_len: 64, flags: 0xc0, valid: 3600, preferred: 1800 };
    let options = encode([NdOption::Prefix(info)]).expect("a good prefix");
    router.send(&build::advertisement(MacAddr(router.mac()), ROUTER, 1800, &options));
    let heard = || daemon.json(&["ra", "list", "red"]).as_array().is_some_and(|list| list.len() == 1);
    until("the Router Advertisement", Deadline::patient(), heard);
    drop(router);
    daemon.await_port("router", |port| port["state"] == "down");
    (daemon, host)
}

/// A valid Router Advertisement for the host: its destination, lifetimes of router and prefix.
fn told(frame: &[u8]) -> Option<(Ipv6Addr, u16, u32)> {
    let packet = NdPacket::validate(&frame[EtherHeader::parse(frame)?.l3..]).ok()?;
    let NdMessage::Advert(advert) = packet.message else { return None };
    let prefix = advert.options().flatten().find_map(|option| match option {
        NdOption::Prefix(info) if info.prefix == PREFIX => Some(info.valid),
        _ => None,
    })?;
    (packet.src == ROUTER).then_some((packet.dst, advert.header.lifetime, prefix))
}

fn await_told(host: &mut SyntheticGuest) -> (Ipv6Addr, u16, u32) {
    let got = host.recv_until(Deadline::patient(), |got| told(&got.frame).is_some_and(|(dst, ..)| dst == HOST));
    got.and_then(|got| told(&got.frame)).expect("an answer")
}

#[test]
fn a_host_whose_router_is_dead_is_answered_with_what_is_left() {
    let (daemon, mut host) = bereft(&[]);
    host.send(&build::solicitation(MacAddr(host.mac()), HOST));
    let (_, router, prefix) = await_told(&mut host);
    assert!((1700..1800).contains(&router) && (3500..3600).contains(&prefix), "{router} {prefix}");
    let hits = daemon.json(&["ra", "list", "red"])[0]["hits"].clone();
    assert!(hits.as_u64() >= Some(1), "{hits}");
}

#[test]
fn a_guest_that_attaches_is_greeted_without_asking() {
    let (daemon, host) = bereft(&[]);
    drop(host);
    daemon.await_port("host", |port| port["state"] == "down");
    let mut host = daemon.attach("host", 2);
    let greeted = host.recv_until(Deadline::patient(), |got| told(&got.frame).is_some()).expect("a greeting");
    let own = MacAddr(host.mac());
    let ether = EtherHeader::parse(&greeted.frame).expect("an Ethernet header");
    assert_eq!((ether.dst, told(&greeted.frame).map(|told| told.0)), (own, Some(ALL_NODES)));
}

#[test]
fn a_namespace_answers_as_it_is_told_and_remembers_that() {
    let (mut daemon, mut host) = bereft(&["--answer", "off", "--answer-within", "20"]);
    let ask = |host: &mut SyntheticGuest| host.send(&build::solicitation(MacAddr(host.mac()), HOST));
    ask(&mut host);
    let solicited = |daemon: &Weftd| daemon.json(&["namespace", "show", "red"]);
    let shown = solicited(&daemon);
    assert_eq!((&shown["answer"], &shown["answer_within_ms"]), (&json!("off"), &json!(20)));
    let set = daemon.json(&["namespace", "set", "red", "--answer", "always", "--answer-within", "0"]);
    assert_eq!((&set["answer"], &set["answer_within_ms"]), (&json!("always"), &json!(0)));
    ask(&mut host);
    await_told(&mut host);
    while host.recv().is_some() {}
    let hits = daemon.json(&["ra", "list", "red"])[0]["hits"].clone();
    assert_eq!(hits, 1, "the first question was not answered");
    let refused = daemon.refusal(&["namespace", "set", "red", "--answer-within", "501"]);
    assert_eq!(refused["parameters"]["field"], "answer-within");
    daemon.kill_9();
    daemon.restart();
    let shown = solicited(&daemon);
    assert_eq!((&shown["answer"], &shown["answer_within_ms"]), (&json!("always"), &json!(0)));
    let running = daemon.weft(&["config", "show", "--running"]).expect_ok();
    assert!(running.contains("answer = \"always\"") && running.contains("answer-within = 0"), "{running}");
}

/// Nothing but the copy of a frame wakes control here. A control that looked at copies at its ticks alone, one a second, would
/// not be done by the deadline.
#[test]
fn the_copy_of_a_frame_alone_wakes_control() {
    let (_daemon, mut host) = bereft(&["--answer", "always", "--answer-within", "0"]);
    let deadline = Deadline::patient();
    for round in 0..200 {
        host.send(&build::solicitation(MacAddr(host.mac()), HOST));
        let answered = host.recv_until(deadline, |got| told(&got.frame).is_some_and(|(dst, ..)| dst == HOST));
        assert!(answered.is_some(), "{round} answers in all that time");
    }
}

/// Far more than a worker delivers before it looks after its guests again, to a guest that no router ever spoke to.
#[test]
fn static_pvds_that_are_announced_come_to_who_asks_all_of_them() {
    const PVDS: usize = 50;
    let pvd = |number: usize| {
        // Too many for one message within this MTU.
        let prefixes: Vec<String> = (0..48).map(|prefix| format!("\"2001:db8:{number:x}:{prefix:x}::/64\"")).collect();
        let announce = "announce = { router = \"fe80::1\", mac = \"02:00:00:00:01:01\" }";
        let prefixes = prefixes.join(", ");
        format!("[[pvd]]\nnamespace = \"red\"\nname = \"p{number}.example\"\nprefixes = [{prefixes}]\n{announce}\n")
    };
    let pvds: String = (0..PVDS).map(pvd).collect();
    let red = format!("{}answer-within = 0\n{}mtu = 1280\n", toml::namespace("red"), toml::port("red", "host", 2));
    let daemon = Weftd::start_configured(&format!("{red}{pvds}"));
    let mut host = daemon.attach("host", 2);
    host.send(&build::solicitation(MacAddr(host.mac()), HOST));
    let mut told = BTreeMap::<String, usize>::new();
    let all = |told: &BTreeMap<String, usize>| told.len() == PVDS && told.values().all(|prefixes| *prefixes == 48);
    let whole = host.recv_until(Deadline::patient(), |got| {
        told_of(&got.frame).into_iter().for_each(|(name, prefixes)| *told.entry(name).or_default() += prefixes);
        all(&told)
    });
    assert!(whole.is_some(), "{told:?}");
}

/// The PvD of a valid Router Advertisement for the host, and how many prefixes are inside.
fn told_of(frame: &[u8]) -> Option<(String, usize)> {
    let packet = NdPacket::validate(&frame[EtherHeader::parse(frame)?.l3..]).ok()?;
    let NdMessage::Advert(advert) = packet.message else { return None };
    let pvd = advert.pvd().ok()??;
    let prefixes = pvd.options().flatten().filter(|option| matches!(option, NdOption::Prefix(_)));
    (packet.dst == HOST).then(|| (pvd.name.to_string(), prefixes.count()))
}
