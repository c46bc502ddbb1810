// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a router's guest advertises, as it is seen over control sockets: by the operator, by the tenant whose namespace
//! it is, and by nobody else.
use core::net::Ipv6Addr;

use serde_json::{Value, json};
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, until};
use wire::name::DomainName;
use wire::nd::{NdOption, PrefixInfo, PvdOption, encode};
use wire::{MacAddr, build};

use crate::tenant::Scene;

pub(crate) const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// Digits of an address in memory, as many as a small one has.
const POINTER: usize = 11;

/// A Router Advertisement of a PvD with one prefix of its own. Everything lasts for 1800 s.
pub(crate) fn advertise(guest: &mut SyntheticGuest, pvd: &str, prefix: u16) {
    advertise_for(guest, pvd, prefix, 1800);
}

/// The same of one that is a default router for so many seconds.
fn advertise_for(guest: &mut SyntheticGuest, pvd: &str, prefix: u16, lifetime: u16) {
    let prefix = Ipv6Addr::new(0x2001, 0xdb8, prefix, 0, 0, 0, 0, 0);
    let info = PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 1800, preferred: 1800 };
    let nested = encode([NdOption::Prefix(info)]).expect("a good prefix");
    let name: DomainName = pvd.parse().expect("a good name");
    let name = name.as_name();
    let option = PvdOption { http: true, legacy: false, delay: 1, sequence: 7, name, header: None, nested: &nested };
    let options = encode([NdOption::Pvd(option)]).expect("a good option");
    let mac = MacAddr(guest.mac());
    guest.send(&build::advertisement(mac, ROUTER, lifetime, &options));
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list").iter();
    list.map(|object| object["name"].as_str().expect("a name")).collect()
}

#[test]
fn what_a_router_teaches_is_seen_by_its_tenant_and_the_operator_alone() {
    let scene = Scene::new();
    scene.daemon.add_port("red", "r1", 4, &["--role", "router"]);
    let mut router = scene.daemon.attach("r1", 4);
    let mut host = scene.daemon.attach("one", 1);
    advertise(&mut host, "rogue.example", 9);
    advertise(&mut router, "a.example", 1);
    advertise(&mut router, "b.example", 2);
    let pvds = |namespace: &str| scene.daemon.json(&["pvd", "list", namespace]);
    until("both PvDs of red", Deadline::patient(), || pvds("red").as_array().is_some_and(|list| list.len() == 2));
    let red = pvds("red");
    assert_eq!(names(&red), ["a.example.", "b.example."]);
    assert_eq!((&red[0]["namespace"], &red[0]["prefixes"]), (&json!("red"), &json!(["2001:db8:1::/64"])));
    assert_eq!((pvds("blue"), pvds("red/dev"), pvds("/")), (json!([]), json!([]), json!([])));
    assert_eq!(names(&scene.daemon.json(&["pvd", "list"])), ["a.example.", "b.example."]);
    let own = scene.json(&["pvd", "list"]);
    assert_eq!((names(&own), &own[1]["namespace"]), (vec!["a.example.", "b.example."], &json!("/")));
    assert_eq!((&red[0]["number"], &own[0]["number"]), (&json!(1), &json!(1)));
    let shown = scene.json(&["pvd", "show", "A.example"]);
    let source = &shown["sources"][0];
    assert_eq!((&source["port"], &source["router"]), (&json!("r1"), &json!("fe80::1")));
    assert_eq!((&source["flags"], &source["sequence"]), (&json!(["http"]), &json!(7)));
    assert_eq!((&shown["facts"][0]["value"], &shown["facts"][0]["sources"]), (&json!("2001:db8:1::/64"), &json!(1)));
    assert_eq!(scene.refusal(&["pvd", "show", "a.example", "-n", "blue"]).0, "NotFound", "there is no blue");
    let usage = scene.daemon.json(&["namespace", "show", "red"])["usage"].clone();
    for resource in ["pvds", "ra-entries"] {
        let usage = usage.as_array().expect("a list").iter().find(|usage| usage["resource"] == resource);
        assert_eq!(usage.map(|usage| &usage["used"]), Some(&json!(2)), "{resource}");
    }
    let drops = scene.daemon.port("red:one")["drops"].clone();
    assert_eq!(drops["rogue-router"], 1, "the host has taught nothing: {drops}");
    scene.daemon.weft(&["port", "del", "red:r1", "--force"]).expect_ok();
    assert_eq!((pvds("red"), scene.json(&["ra", "list"])), (json!([]), json!([])));
}

#[test]
fn a_router_advertisement_is_shown_option_by_option_and_as_it_came() {
    let scene = Scene::new();
    scene.daemon.add_port("red", "r1", 4, &["--role", "router"]);
    let mut router = scene.daemon.attach("r1", 4);
    advertise(&mut router, "a.example", 1);
    let listed = || scene.daemon.json(&["ra", "list", "red"]);
    until("the Router Advertisement", Deadline::patient(), || listed().as_array().is_some_and(|list| list.len() == 1));
    let (ra, number) = (listed()[0].clone(), listed()[0]["number"].to_string());
    assert_eq!((&ra["port"], &ra["router"], &ra["pvd"]), (&json!("r1"), &json!("fe80::1"), &json!("a.example.")));
    let shown = scene.daemon.json(&["ra", "show", "red", &number]);
    let options = shown["options"].as_array().expect("a list");
    let said: Vec<String> = options.iter().map(|option| format!("{} {}", option["name"], option["nested"])).collect();
    assert_eq!(said, ["\"source-link-layer\" false", "\"pvd\" false", "\"prefix\" true"]);
    assert_eq!(options[2]["value"], "2001:db8:1::/64 on-link,autonomous valid for 1800 s, preferred for 1800 s");
    let own = scene.weft(&["ra", "dump", "--hex", "/", &number]).expect_ok();
    assert_eq!(json!(own.trim_end()), shown["hex"]);
    assert!(own.starts_with("8600") && own.trim_end().len() as u64 == 2 * ra["len"].as_u64().expect("a number"));
    let error = scene.daemon.refusal(&["ra", "show", "blue", &number]);
    assert_eq!(error["error"], "org.weft.Switch1.NotFound");
}

#[test]
fn an_advertisement_of_no_default_router_is_listed_as_such() {
    let scene = Scene::new();
    scene.daemon.add_port("red", "r1", 4, &["--role", "router"]);
    let mut router = scene.daemon.attach("r1", 4);
    advertise_for(&mut router, "a.example", 1, 0);
    advertise(&mut router, "b.example", 2);
    let listed = || scene.daemon.json(&["ra", "list", "red"]);
    until("both advertisements", Deadline::patient(), || listed().as_array().is_some_and(|list| list.len() == 2));
    let list = listed();
    let of = |name: &str| list.as_array().and_then(|all| all.iter().find(|ra| ra["pvd"] == name)).cloned();
    let [none, default] = ["a.example.", "b.example."].map(|name| of(name).expect("it is listed"));
    assert!(none.get("router_left_s").is_none() && none["expires_s"].as_u64() > Some(0), "{none}");
    assert!(default["router_left_s"].as_u64() > Some(0), "{default}");
    let shown = scene.weft(&["ra", "show", "/", &none["number"].to_string()]).expect_ok();
    assert!(shown.contains("no default router, and handed out to nobody; said for 0 s"), "{shown}");
}

/// What the kernel patch printed in the place of an address was where it lay in memory.
#[test]
fn a_pvd_is_shown_with_addresses_and_no_pointers() {
    let scene = Scene::new();
    scene.daemon.add_port("red", "r1", 4, &["--role", "router"]);
    let mut router = scene.daemon.attach("r1", 4);
    advertise(&mut router, "a.example", 1);
    let facts = ["--route", "2001:db8::/32", "--rdnss", "2001:db8:1::53", "--dnssl", "corp.example", "--mtu", "1400"];
    scene.daemon.weft(&[&["pvd", "create", "a.example", "-n", "red"], &facts[..]].concat()).expect_ok();
    let shown = || scene.daemon.weft(&["pvd", "show", "a.example", "-n", "red"]).expect_ok();
    until("all facts", Deadline::patient(), || {
        ["2001:db8:1::/64", "2001:db8::/32", "2001:db8:1::53"].iter().all(|fact| shown().contains(fact))
    });
    let json = scene.daemon.json(&["pvd", "show", "a.example", "-n", "red"]).to_string();
    for text in [shown(), json] {
        let long = text.split(|c: char| !c.is_ascii_hexdigit()).find(|digits| digits.len() >= POINTER);
        assert!(long.is_none() && !text.contains("0x"), "{long:?} in {text}");
    }
}
