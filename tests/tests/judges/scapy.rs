// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! scapy makes Router Advertisements of everything that may be in one, and what weft tells of them is what scapy put in.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tests::guest::{GuestOptions, SyntheticGuest};
use tests::programs::{output, scapy_or_skip};
use tests::seed::Rng;
use tests::wait::{Deadline, for_ok};
use tests::weftd::{Weftd, mac_text};

use crate::lab::ROUTER;

/// Advertisements that scapy makes: no more than weft remembers of one port.
const CASES: usize = 60;
/// Seconds that may pass between the arrival of an advertisement and the look at what is left of it.
const MINUTE: u64 = 60;

/// A script of this folder under a Python with scapy; `None` where there is none, which is noted as skipped.
pub(crate) fn script(name: &str) -> Option<Command> {
    let mut command = Command::new(scapy_or_skip()?);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges").join(name));
    Some(command)
}

/// A daemon with a router's port, and a guest on it.
pub(crate) fn with_router() -> (Weftd, SyntheticGuest) {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "r1", ROUTER, &["--role", "router"]);
    let router = daemon.attach("r1", ROUTER);
    (daemon, router)
}

#[test]
fn weft_tells_of_an_advertisement_what_scapy_put_in() {
    let Some(mut script) = script("by_scapy.py") else { return };
    let mut rng = Rng::from_env(8801);
    let mac = mac_text(GuestOptions::new("r1", ROUTER).mac);
    let cases = output(script.args([CASES.to_string(), rng.next_u64().to_string(), mac]));
    let (daemon, mut router) = with_router();
    assert_eq!(cases.lines().map(|line| check(&daemon, &mut router, line)).count(), CASES);
}

/// Sends one advertisement and looks at what weft makes of it.
fn check(daemon: &Weftd, router: &mut SyntheticGuest, line: &str) {
    let case: Value = serde_json::from_str(line).expect("JSON");
    router.send(&unhex(text(&case["frame"])));
    let implicit = format!("{}%r1", text(&case["router"]));
    let name = case["pvd"]["name"].as_str().unwrap_or(&implicit);
    // A name may begin with a hyphen.
    let pvd = for_ok(&format!("PvD {name}"), Deadline::patient(), || {
        let shown = daemon.weft(&["--json", "pvd", "show", "--", name]);
        serde_json::from_str(&shown.stdout).map_err(|_| shown.stderr)
    });
    check_pvd(&pvd, name, &case["pvd"]);
    let listed = daemon.json(&["ra", "list", "red"]);
    let found = listed.as_array().expect("a list").iter().find(|ra| ra["router"] == case["router"]);
    let found = found.unwrap_or_else(|| panic!("{} is not in {listed}", case["router"]));
    let shown = daemon.json(&["ra", "show", "red", &found["number"].to_string()]);
    assert_eq!(shown["hex"], case["octets"], "the very octets");
    for field in ["parameters", "router_s", "options"] {
        assert_same(&shown[field], &case["ra"][field]);
    }
}

fn check_pvd(shown: &Value, name: &str, wanted: &Value) {
    assert_eq!((&shown["pvd"]["name"], &shown["pvd"]["explicit"]), (&json!(name), &json!(wanted["name"].is_string())));
    let source = &shown["sources"][0];
    for field in ["flags", "sequence", "delay", "parameters"] {
        assert_same(&source[field], &wanted[field]);
    }
    assert_left(&source["router_s"], &wanted["router_s"]);
    for facts in [&shown["facts"], &source["facts"]] {
        let (facts, wanted) = (sorted(facts), sorted(&wanted["facts"]));
        assert_eq!(facts.len(), wanted.len(), "{facts:#?}\n{wanted:#?}");
        for (fact, wanted) in facts.iter().zip(&wanted) {
            for field in ["kind", "value", "flags"] {
                assert_eq!(fact[field], wanted[field], "{fact:#}\n{wanted:#}");
            }
            for field in ["valid_s", "preferred_s"] {
                assert_left(&fact[field], &wanted[field]);
            }
        }
    }
}

/// Every field that is wanted is there, and says what is wanted; what is absent is null.
#[track_caller]
fn assert_same(found: &Value, wanted: &Value) {
    match wanted {
        Value::Object(fields) => fields.iter().for_each(|(key, wanted)| assert_same(&found[key], wanted)),
        Value::Array(wanted) => {
            let found = found.as_array().expect("a list");
            assert_eq!(found.len(), wanted.len(), "{found:#?}\n{wanted:#?}");
            found.iter().zip(wanted).for_each(|(found, wanted)| assert_same(found, wanted));
        }
        _ => assert_eq!(found, wanted),
    }
}

/// What is left of a lifetime; of one without end no end is told.
#[track_caller]
fn assert_left(found: &Value, wanted: &Value) {
    match (found.as_u64(), wanted.as_u64()) {
        (Some(found), Some(wanted)) => assert!(found <= wanted && wanted - found < MINUTE, "{found} of {wanted} s"),
        _ => assert_eq!(found, wanted),
    }
}

fn sorted(facts: &Value) -> Vec<Value> {
    let mut facts = facts.as_array().expect("a list").clone();
    facts.sort_by_key(|fact| (fact["kind"].to_string(), fact["value"].to_string()));
    facts
}

#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
}
