// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! tshark reads what hosts are told that no router has said like this: what is announced and that it has ended, in as many
//! messages as an MTU asks for; a name that is injected together with a header; and the copy of one host.

use core::net::Ipv6Addr;
use std::collections::BTreeSet;

use serde_json::Value;
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, until};
use tests::weftd::{Weftd, mac_text};
use wire::nd::{NdMessage, NdOption, NdPacket, PrefixInfo, encode};
use wire::{MacAddr, build};

use crate::lab::{HOST, ROUTER};
use crate::tshark::{options, read, tshark};

/// Where in a frame the IPv6 packet begins.
const PACKET: usize = 14;
/// In whose name is announced.
const IN_NAME_OF: [&str; 4] = ["--announce", "fe80::a", "--announce-mac", "02:00:00:00:01:0a"];
/// Prefixes that do not fit into one message of 1280 octets.
const PREFIXES: u16 = 60;

/// The next advertisement from this address that a guest gets.
fn advert(guest: &mut SyntheticGuest, router: &str) -> Vec<u8> {
    let router: Ipv6Addr = router.parse().expect("an address");
    let wanted = |frame: &[u8]| {
        let packet = NdPacket::validate(&frame[PACKET..]);
        packet.is_ok_and(|packet| packet.src == router && matches!(packet.message, NdMessage::Advert(_)))
    };
    guest.recv_until(Deadline::patient(), |got| wanted(&got.frame)).expect("an advertisement").frame
}

fn solicit(guest: &mut SyntheticGuest) {
    let mac = MacAddr(guest.mac());
    guest.send(&build::solicitation(mac, "fe80::3".parse().expect("an address")));
}

/// An option, its type and what it says.
fn words(read: &Value) -> Vec<(String, bool, String)> {
    options(read, false).into_iter().map(|(kind, nested, said)| (kind, nested, said.unwrap_or_default())).collect()
}

fn said(kind: &str, nested: bool, text: &str) -> (String, bool, String) {
    (kind.to_owned(), nested, text.to_owned())
}

fn sorted(mut all: Vec<(String, bool, String)>) -> Vec<(String, bool, String)> {
    all.sort_unstable();
    all
}

#[track_caller]
fn assert_sound(read: &Value) {
    assert_eq!(read["icmpv6.checksum.status"], "1", "{read:#}");
}

#[test]
fn tshark_reads_what_is_announced_and_that_it_has_ended() {
    let Some(tshark) = tshark() else { return };
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    let create = ["pvd", "create", "work.example", "-n", "red", "--http", "--sequence", "3", "--delay", "2"];
    let facts = ["--prefix", "2001:db8:1::/64", "--route", "2001:db8::/32,high", "--rdnss", "2001:db8:1::53"];
    let more = ["--dnssl", "corp.example", "--mtu", "1400", "--pref64", "64:ff9b::/96", "--router-lifetime", "1800"];
    daemon.weft(&[&create[..], &facts, &more, &IN_NAME_OF].concat()).expect_ok();
    daemon.add_port("red", "h1", HOST, &[]);
    let mut guest = daemon.attach("h1", HOST);
    solicit(&mut guest);
    let told = read(&tshark, &[advert(&mut guest, "fe80::a")]).remove(0);
    assert_sound(&told);
    assert_eq!(told["icmpv6.nd.ra.router_lifetime"], "1800");
    let (link, mtu) = (said("1", false, "02:00:00:00:01:0a"), said("5", true, "1400"));
    let expected = [
        link.clone(),
        said("21", false, "work.example. http sequence 3 delay 2"),
        mtu,
        said("3", true, "2001:db8:1::/64 on-link,autonomous valid for 2592000 s, preferred for 604800 s"),
        said("24", true, "2001:db8::/32 high for 2592000 s"),
        said("31", true, "corp.example. for 2592000 s"),
        said("38", true, "64:ff9b::/96 for 65528 s"),
        said("25", true, "2001:db8:1::53 for 2592000 s"),
    ];
    assert_eq!(sorted(words(&told)), sorted(expected.to_vec()));

    daemon.weft(&["pvd", "delete", "work.example", "-n", "red"]).expect_ok();
    let to_all = |guest: &mut SyntheticGuest| {
        let told = std::iter::repeat_with(|| advert(guest, "fe80::a"));
        told.into_iter().find(|frame| frame.starts_with(&[0x33, 0x33])).expect("there is no end")
    };
    let ended = read(&tshark, &[to_all(&mut guest)]).remove(0);
    assert_sound(&ended);
    assert_eq!(ended["icmpv6.nd.ra.router_lifetime"], "0");
    let expected = [
        link,
        said("21", false, "work.example. sequence 0 delay 0"),
        said("3", true, "2001:db8:1::/64 on-link,autonomous valid for 0 s, preferred for 0 s"),
        said("24", true, "2001:db8::/32 high for 0 s"),
        said("31", true, "corp.example. for 0 s"),
        said("38", true, "64:ff9b::/96 for 0 s"),
        said("25", true, "2001:db8:1::53 for 0 s"),
    ];
    assert_eq!(sorted(words(&ended)), sorted(expected.to_vec()));
}

#[test]
fn tshark_reads_each_part_of_what_is_too_long_as_one_of_its_pvd() {
    let Some(tshark) = tshark() else { return };
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    let prefixes: Vec<String> = (1..=PREFIXES).map(|number| format!("2001:db8:{number:x}::/64")).collect();
    let facts: Vec<&str> = prefixes.iter().flat_map(|prefix| ["--prefix", prefix]).collect();
    daemon.weft(&[&["pvd", "create", "work.example", "-n", "red"], &facts[..], &IN_NAME_OF].concat()).expect_ok();
    daemon.add_port("red", "h1", HOST, &["--mtu", "1280"]);
    let mut guest = daemon.attach("h1", HOST);
    solicit(&mut guest);
    let (mut frames, mut seen) = (Vec::new(), BTreeSet::new());
    while seen.len() < prefixes.len() {
        frames.push(advert(&mut guest, "fe80::a"));
        let part = read(&tshark, &frames[frames.len() - 1..]).remove(0);
        assert_sound(&part);
        let (nested, outside): (Vec<_>, Vec<_>) = words(&part).into_iter().partition(|(_, nested, _)| *nested);
        let named: Vec<_> = outside.into_iter().filter(|(kind, ..)| kind == "21").collect();
        assert_eq!(named, [said("21", false, "work.example. sequence 0 delay 0")]);
        seen.extend(nested.into_iter().map(|(_, _, text)| text.split(' ').next().unwrap_or_default().to_owned()));
    }
    assert!(frames.len() > 1 && frames.iter().all(|frame| frame.len() <= PACKET + 1280), "{}", frames.len());
    assert_eq!(seen, prefixes.into_iter().collect());
}

/// A router in red with these options of its port, a host, and what the router says.
fn routed(options: &[&str]) -> (Weftd, SyntheticGuest, SyntheticGuest, Vec<u8>) {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "r1", ROUTER, &[&["--role", "router"], options].concat());
    daemon.add_port("red", "h1", HOST, &[]);
    let (router, host) = (daemon.attach("r1", ROUTER), daemon.attach("h1", HOST));
    let prefix = "2001:db8:1::".parse().expect("an address");
    let info = PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 1800, preferred: 900 };
    let options = encode([NdOption::Prefix(info)]).expect("a good option");
    let frame = build::advertisement(MacAddr(router.mac()), "fe80::b".parse().expect("an address"), 1800, &options);
    (daemon, router, host, frame)
}

#[test]
fn tshark_reads_a_name_that_is_injected_with_a_header() {
    let Some(tshark) = tshark() else { return };
    let (_daemon, mut router, mut host, frame) =
        routed(&["--inject-pvd", "work.example,http,sequence=7,delay=3,r-flag"]);
    router.send(&frame);
    let told = read(&tshark, &[advert(&mut host, "fe80::b")]).remove(0);
    assert_sound(&told);
    assert_eq!(told["icmpv6.nd.ra.router_lifetime"], "0", "all that it said is said to hosts alone that know of PvDs");
    assert!(told["icmpv6.opt"].to_string().contains(r#""icmpv6.nd.ra.router_lifetime":"1800""#), "{told:#}");
    let named: Vec<_> = words(&told).into_iter().filter(|(kind, ..)| kind == "21").collect();
    assert_eq!(named, [said("21", false, "work.example. http header sequence 7 delay 3")]);
    let own = words(&read(&tshark, &[frame]).remove(0));
    let others = words(&told).into_iter().filter(|(kind, ..)| kind != "21");
    let others: Vec<_> = others.map(|(kind, nested, text)| (kind.clone(), nested != (kind != "1"), text)).collect();
    assert_eq!(others, own, "the sender's Ethernet address outside, and the rest inside");
}

#[test]
fn tshark_reads_the_copy_of_one_host_as_what_was_said_to_all() {
    let Some(tshark) = tshark() else { return };
    let (daemon, mut router, mut host, frame) = routed(&[]);
    daemon.weft(&["namespace", "set", "red", "--ra-throttle", "30m", "--answer", "off"]).expect_ok();
    router.send(&frame);
    let first = advert(&mut host, "fe80::b");
    solicit(&mut host);
    until("the solicitation", Deadline::patient(), || {
        daemon.json(&["namespace", "show", "red"]).to_string().contains("\"solicitations\":")
    });
    router.send(&frame);
    let copy = advert(&mut host, "fe80::b");
    assert_eq!(mac_text(copy[..6].try_into().expect("six octets")), mac_text(host.mac()), "to it alone");
    let told = read(&tshark, &[first, copy]);
    told.iter().for_each(assert_sound);
    assert_eq!(told[0], told[1]);
}
