// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was made with `weft` is there again after a crash.
use serde_json::Value;
use tests::frames::numbered;
use tests::guest::ping;
use tests::wait::Deadline;
use tests::weftd::{Weftd, toml};

/// Everything that an operator has said, as the daemon tells it: no counters, no state of the moment.
fn said(daemon: &Weftd) -> [Value; 4] {
    let mut ports = daemon.json(&["port", "list"]);
    for port in ports.as_array_mut().expect("a list") {
        let port = port.as_object_mut().expect("an object");
        for moment in ["state", "reason", "features", "rx_frames", "tx_frames", "rx_bytes", "tx_bytes", "drops"] {
            port.remove(moment);
        }
    }
    let mut entries = daemon.json(&["fdb", "list"]);
    entries.as_array_mut().expect("a list").retain(|entry| entry["kind"] != "learned");
    let mut pvds = daemon.json(&["pvd", "list"]);
    // They are listed as they came, which is not the order in which they come again.
    pvds.as_array_mut().expect("a list").sort_by_key(|pvd| pvd["name"].to_string());
    for pvd in pvds.as_array_mut().expect("a list") {
        let pvd = pvd.as_object_mut().expect("an object");
        for moment in ["handle", "base_seq", "age_s"] {
            pvd.remove(moment);
        }
        let shown = daemon.json(&["pvd", "show", text(&pvd["name"]), "-n", text(&pvd["namespace"])]);
        let [facts, announce] = ["facts", "announce"].map(|key| shown.get(key).cloned());
        pvd.extend([("shown".to_owned(), facts.into()), ("told".to_owned(), announce.into())]);
    }
    [daemon.json(&["namespace", "list"]), ports, entries, pvds]
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[test]
fn all_that_was_said_with_weft_survives_a_crash() {
    let mut daemon = Weftd::start();
    daemon.weft(&["namespace", "add", "red", "--macs-max", "100", "--age", "60"]).expect_ok();
    daemon.add_namespace("blue");
    daemon.add_namespace("gone");
    daemon.add_port("red", "one", 1, &["--mtu", "2000", "--queues", "2"]);
    daemon.add_port("red", "two", 2, &["--role", "router", "--macs", "any"]);
    daemon.add_port("blue", "three", 1, &["--client", "--role", "uplink"]);
    daemon.add_port("blue", "four", 4, &[]);
    daemon.weft(&["port", "set", "one", "--mtu", "1400", "--role", "router", "--tx-bytes", "125M:1M"]).expect_ok();
    daemon.weft(&["fdb", "add", "02:00:00:00:00:99", "--namespace", "red", "--port", "two"]).expect_ok();
    daemon.weft(&["fdb", "add", "02:00:00:00:00:98", "--namespace", "red", "--port", "two"]).expect_ok();
    daemon.weft(&["fdb", "del", "02:00:00:00:00:98", "--namespace", "red"]).expect_ok();
    daemon.weft(&["port", "del", "four"]).expect_ok();
    daemon.weft(&["namespace", "del", "gone"]).expect_ok();
    // Numbers that no first start would give: those in between have gone.
    for name in ["first.example", "work.example", "other.example", "last.example"] {
        daemon.weft(&["pvd", "create", name, "-n", "red", "--rdnss", "2001:db8::53"]).expect_ok();
    }
    daemon.weft(&["pvd", "delete", "first.example", "-n", "red"]).expect_ok();
    daemon.weft(&["pvd", "delete", "other.example", "-n", "red"]).expect_ok();
    let told = ["--announce", "fe80::1", "--announce-mac", "02:00:00:00:01:01", "--inner-header"];
    let set = ["pvd", "set", "work.example", "-n", "red", "--prefix", "2001:db8:1::/64", "--route", "::/0,low"];
    daemon.weft(&[&set[..], &told].concat()).expect_ok();
    let before = said(&daemon);
    let numbers: Vec<&Value> = before[3].as_array().expect("a list").iter().map(|pvd| &pvd["number"]).collect();
    assert_eq!(numbers, [4, 2], "last.example and work.example");
    for _ in 0..3 {
        daemon.kill_9();
        daemon.restart();
        assert_eq!(said(&daemon), before);
    }
    ping(&mut daemon.attach("one", 1), &mut daemon.attach("two", 2), 1);
}

#[test]
fn what_was_said_with_weft_lies_over_the_configuration_file() {
    let text = [toml::namespace("red"), toml::port("red", "one", 1), toml::port("red", "two", 2)].concat();
    let mut daemon = Weftd::start_configured(&text);
    daemon.weft(&["port", "del", "two"]).expect_ok();
    daemon.weft(&["port", "set", "one", "--mtu", "9000"]).expect_ok();
    daemon.add_port("red", "three", 3, &[]);
    let before = said(&daemon);
    daemon.kill_9();
    daemon.restart();
    assert_eq!(said(&daemon), before);
    // As one file says, and nothing else: what was said with weft is forgotten.
    let file = daemon.folder().join("weft.toml").display().to_string();
    daemon.weft(&["config", "apply", &file]).expect_ok();
    let applied = said(&daemon);
    let names: Vec<&str> = applied[1].as_array().expect("a list").iter().filter_map(|p| p["name"].as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    daemon.kill_9();
    daemon.restart();
    assert_eq!(said(&daemon), applied);
}

/// A state file that makes no sense is put aside and reported; guests are served again.
#[test]
fn a_damaged_state_file_is_put_aside_and_told() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    assert!(daemon.stop().success());
    let file = daemon.folder().join("state/state.json");
    std::fs::write(&file, "{ \"version\": 1, \"offered\":").expect("the file is ours");
    daemon.restart();
    let warnings = daemon.json(&["status"])["warnings"].clone();
    assert!(warnings[0].as_str().is_some_and(|text| text.contains("state.json")), "{warnings}");
    assert!(daemon.folder().join("state/state.damaged").exists(), "what could not be used is kept");
    daemon.add_namespace("blue");
    daemon.kill_9();
    daemon.restart();
    assert_eq!(daemon.json(&["namespace", "show", "blue"])["name"], "blue");
}

/// Learned addresses need not survive; frames to them are flooded until they are learned again.
#[test]
fn unknown_destinations_are_flooded_after_a_restart() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &["--macs", "any"]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    let behind = [2, 0, 0, 0, 0, 0x55];
    two.send(&numbered(one.mac(), behind, 1, 60));
    assert!(one.recv_until(Deadline::patient(), |_| true).is_some());
    daemon.kill_9();
    daemon.restart();
    two.reconnect(Deadline::patient());
    one.reconnect(Deadline::patient());
    one.send(&numbered(behind, one.mac(), 2, 60));
    assert!(two.recv_until(Deadline::patient(), |got| got.frame[..6] == behind).is_some());
}
