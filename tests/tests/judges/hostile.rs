// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What scapy makes to fool those who read Router Advertisements: what is malformed changes nothing, and what is hidden
//! is dropped for the right reason.

use serde_json::{Value, json};
use tests::guest::GuestOptions;
use tests::programs::output;
use tests::wait::{Deadline, until};
use tests::weftd::{Weftd, mac_text};

use crate::lab::{HOST, ROUTER};
use crate::scapy::{script, text, unhex, with_router};

/// The frames of one kind; `None` without scapy, which is noted as skipped.
fn cases(kind: &str, number: u8) -> Option<Vec<Value>> {
    let lines = output(script("hostile.py")?.args([kind, &mac_text(GuestOptions::new("", number).mac)]));
    Some(lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

#[test]
fn a_malformed_advertisement_changes_nothing() {
    let Some(cases) = cases("malformed", ROUTER) else { return };
    let (daemon, mut router) = with_router();
    let good = unhex(text(&cases[0]["frame"]));
    router.send(&good);
    await_heard(&daemon, 1);
    let established = daemon.json(&["pvd", "show", "good.example"]);
    let mut names = vec![json!("good.example.")];
    for (case, times) in cases[1..].iter().zip(2..) {
        router.send(&unhex(text(&case["frame"])));
        // Heard after it, so that it was heard too.
        router.send(&good);
        await_heard(&daemon, times);
        names.extend(case["taken"].as_str().map(|name| json!(name)));
        let listed = daemon.json(&["pvd", "list", "red"]);
        let listed: Vec<_> = listed.as_array().expect("a list").iter().map(|pvd| pvd["name"].clone()).collect();
        assert_eq!(listed, names, "after {}", case["name"]);
        let shown = daemon.json(&["pvd", "show", "good.example"]);
        for field in ["handle", "number", "prefixes", "facts", "routers"] {
            assert_eq!(shown["pvd"][field], established["pvd"][field], "{field} after {}", case["name"]);
        }
    }
    let remembered = daemon.json(&["ra", "list", "red"]);
    assert_eq!(remembered.as_array().map(Vec::len), Some(names.len()), "{remembered:#}");
}

/// Waits until the good one was heard so many times.
fn await_heard(daemon: &Weftd, times: u64) {
    until(&format!("the good one, {times} times"), Deadline::patient(), || {
        let listed = daemon.json(&["ra", "list", "red"]);
        let good = listed.as_array().expect("a list").iter().find(|ra| ra["pvd"] == "good.example.");
        good.is_some_and(|ra| ra["heard"] == times)
    });
}

#[test]
fn an_advertisement_of_a_host_is_found_wherever_it_hides() {
    let Some(cases) = cases("evasive", HOST) else { return };
    let (daemon, _router) = with_router();
    daemon.add_port("red", "h1", HOST, &[]);
    daemon.add_port("red", "h2", HOST + 1, &[]);
    let (mut sender, mut other) = (daemon.attach("h1", HOST), daemon.attach("h2", HOST + 1));
    let mut drops = daemon.port("h1")["drops"].clone();
    for case in &cases {
        let frame = unhex(text(&case["frame"]));
        sender.send(&frame);
        let name = &case["name"];
        match case["reason"].as_str() {
            Some(reason) => {
                drops[reason] = json!(drops[reason].as_u64().unwrap_or(0) + 1);
                sender.drain(Deadline::patient());
                daemon.await_port("h1", |port| total(&port["drops"]) >= total(&drops));
                assert_eq!(daemon.port("h1")["drops"], drops, "{name} is dropped as {reason}");
            }
            None => {
                let got = other.recv_until(Deadline::patient(), |got| got.frame[6..12] == frame[6..12]);
                assert_eq!(got.map(|got| got.frame), Some(frame), "{name} passes");
            }
        }
    }
    assert_eq!(other.recv().map(|got| got.frame), None, "nothing that was dropped arrived");
    assert_eq!(daemon.port("h1")["drops"], drops, "and nothing that passed was counted");
    assert_eq!((daemon.json(&["pvd", "list"]), daemon.json(&["ra", "list"])), (json!([]), json!([])));
}

fn total(drops: &Value) -> u64 {
    drops.as_object().expect("counters by reason").values().filter_map(Value::as_u64).sum()
}
