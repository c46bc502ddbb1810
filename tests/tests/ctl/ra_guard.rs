// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules for the router behind a port, from the command line to what arrives, what is learnt and what is logged.
use core::net::Ipv6Addr;

use serde_json::{Value, json};
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;
use wire::nd::{NdOption, PrefixInfo, encode};
use wire::{MacAddr, build};

use crate::tenant::Scene;

pub(super) const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// An advertisement of a prefix, 2001:db8:N::/64, from this address.
pub(super) fn advertise(guest: &mut SyntheticGuest, router: Ipv6Addr, number: u16) {
    let prefix = Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 0);
    let info = PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 1800, preferred: 1800 };
    let options = encode([NdOption::Prefix(info)]).expect("a good option");
    guest.send(&build::advertisement(MacAddr(guest.mac()), router, 1800, &options));
}

/// The prefixes that red has learnt.
pub(super) fn learnt(daemon: &Weftd) -> Vec<String> {
    let pvds = daemon.json(&["pvd", "list", "red"]);
    let prefixes = pvds.as_array().expect("a list").iter().flat_map(|pvd| pvd["prefixes"].as_array().expect("a list"));
    prefixes.map(|prefix| prefix.as_str().expect("a prefix").to_owned()).collect()
}

/// Waits until so many frames of `gw` were dropped for this reason.
pub(super) fn await_drops(daemon: &Weftd, reason: &str, count: u64) {
    let dropped = || daemon.port("red:gw")["drops"][reason].as_u64().unwrap_or(0);
    until(&format!("{count} frames dropped: {reason}"), Deadline::patient(), || dropped() == count);
}

/// A daemon whose red has a router `gw` that may advertise 2001:db8:1::/48 alone.
fn guarded() -> (Weftd, SyntheticGuest) {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "gw", 1, &["--role", "router", "--ra-guard-prefix", "2001:db8:1::/48"]);
    let router = daemon.attach("gw", 1);
    (daemon, router)
}

#[test]
fn a_router_teaches_what_its_port_allows_and_the_rest_is_counted_and_logged() {
    let (daemon, mut router) = guarded();
    advertise(&mut router, ROUTER, 2);
    await_drops(&daemon, "ra-prefix", 1);
    advertise(&mut router, ROUTER, 1);
    until("the allowed prefix", Deadline::patient(), || learnt(&daemon) == ["2001:db8:1::/64"]);
    until("a line of the log", Deadline::patient(), || {
        daemon.log().lines().any(|line| line.contains("port=red:gw reason=ra-prefix frames=1"))
    });
    let page = daemon.weft(&["port", "show", "gw"]).expect_ok();
    for part in ["ra guard     1\n    prefixes  2001:db8:1::/48\n", "ra-prefix    1  A Router Advertisement told of"] {
        assert!(page.contains(part), "{part:?} is not in {page}");
    }
    let reason = daemon.json(&["explain", "ra-prefix"]);
    assert!(reason["explanation"].as_str().is_some_and(|text| text.contains("--ra-guard-prefix")), "{reason}");
}

#[test]
fn rules_change_under_a_running_guest_and_each_by_itself() {
    let (daemon, mut router) = guarded();
    let rules = |arguments: &[&str]| daemon.json(&[&["port", "set", "gw"], arguments].concat())["ra_guard"].clone();
    let set = rules(&["--ra-guard-router", "fe80::1,FE80::2", "--ra-guard-preference", "medium"]);
    let expected = json!({
        "routers": ["fe80::1", "fe80::2"], "macs": [], "prefixes": ["2001:db8:1::/48"], "pvds": [],
        "pvd_required": false, "http": true, "pvd_size": 2040, "preference": "medium", "unrecognised": false,
        "learn": 0,
    });
    assert_eq!(set, expected);
    advertise(&mut router, Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 3), 1);
    await_drops(&daemon, "ra-router", 1);
    let emptied = rules(&["--ra-guard-router", "none", "--ra-guard-preference", "high"]);
    assert_eq!((&emptied["routers"], &emptied["prefixes"]), (&json!([]), &json!(["2001:db8:1::/48"])));
    advertise(&mut router, Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 3), 1);
    until("it is heard", Deadline::patient(), || !learnt(&daemon).is_empty());
    assert_eq!(rules(&["--ra-guard-prefix", "none"]), Value::Null, "no rule is left");
    assert!(daemon.weft(&["port", "show", "gw"]).expect_ok().contains("ra guard     no rules"));
}

#[test]
fn what_a_router_taught_goes_with_its_role_or_with_the_leave_to_teach_it() {
    let (daemon, mut router) = guarded();
    let teach = |router: &mut SyntheticGuest| {
        advertise(router, ROUTER, 1);
        until("the prefix", Deadline::patient(), || learnt(&daemon) == ["2001:db8:1::/64"]);
    };
    teach(&mut router);
    daemon.weft(&["port", "set", "gw", "--role", "host"]).expect_ok();
    assert_eq!((learnt(&daemon), daemon.json(&["ra", "list", "red"])), (vec![], json!([])));
    daemon.weft(&["port", "set", "gw", "--role", "router"]).expect_ok();
    teach(&mut router);
    daemon.weft(&["port", "set", "gw", "--ra-guard-prefix", "2001:db8::/32"]).expect_ok();
    assert_eq!(learnt(&daemon).len(), 1, "it is allowed still");
    daemon.weft(&["port", "set", "gw", "--ra-guard-prefix", "2001:db8:2::/48"]).expect_ok();
    assert_eq!((learnt(&daemon), daemon.json(&["ra", "list", "red"])), (vec![], json!([])));
}

#[test]
fn rules_survive_a_crash_and_are_written_down_as_a_configuration() {
    let (mut daemon, _) = guarded();
    let pvds = ["--ra-guard-pvd", r"corp.example,a\.b.example", "--ra-guard-pvd-required", "true"];
    daemon.weft(&[&["port", "set", "gw", "--ra-guard-http", "false"][..], &pvds].concat()).expect_ok();
    daemon.add_namespace("blue");
    daemon.weft(&["link", "add", "red:up", "blue:down", "--routers"]).expect_ok();
    daemon.weft(&["port", "set", "down", "--ra-guard-mac", "02:00:00:00:00:01"]).expect_ok();
    let rules = |daemon: &Weftd| ["gw", "up", "down"].map(|port| daemon.port(port)["ra_guard"].clone());
    let before = rules(&daemon);
    assert_eq!((&before[0]["pvds"], &before[1]), (&json!([r"a\046b.example.", "corp.example."]), &Value::Null));
    daemon.restart();
    assert_eq!(rules(&daemon), before);
    let text = daemon.weft(&["config", "show", "--running"]).expect_ok();
    let file = daemon.folder().join("running.toml");
    std::fs::write(&file, &text).expect("the folder is writable");
    let file = file.display().to_string();
    daemon.weft(&["port", "set", "gw", "--ra-guard-http", "true", "--ra-guard-prefix", "none"]).expect_ok();
    daemon.weft(&["config", "apply", &file]).expect_ok();
    assert_eq!(rules(&daemon), before);
}

#[test]
fn what_a_router_may_say_is_the_operators_to_decide_and_the_tenants_to_see() {
    let scene = Scene::new();
    scene.add("dev:gw", 1, &[]).expect_ok();
    let rules = ["--ra-guard-prefix", "2001:db8:1::/48"];
    let more = scene.add("dev:other", 2, &rules);
    assert!(more.status == 4 && more.stderr.contains("the operator of weftd"), "{}", more.stderr);
    scene.daemon.weft(&[&["port", "set", "red/dev:gw", "--role", "router"][..], &rules].concat()).expect_ok();
    let before = scene.everything();
    for change in [["--ra-guard-prefix", "none"], ["--ra-guard-http", "false"], ["--ra-guard-unrecognised", "true"]] {
        assert_eq!(scene.refusal(&[&["port", "set", "gw"][..], &change].concat()).0, "Denied", "{change:?}");
    }
    assert_eq!(scene.everything(), before);
    scene.weft(&["port", "set", "gw", "--mtu", "1400"]).expect_ok();
    assert_eq!(scene.json(&["port", "show", "gw"])["ra_guard"]["prefixes"], json!(["2001:db8:1::/48"]));
    scene.weft(&["port", "del", "gw"]).expect_ok();
    scene.add("dev:gw", 1, &[]).expect_ok();
    let port = scene.daemon.port("red/dev:gw");
    assert_eq!((&port["role"], &port["ra_guard"]), (&json!("host"), &Value::Null), "made anew, it may say nothing");
}
