// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every verb that makes, changes, shows and removes: what it prints as JSON, and that a table is no less.
use serde_json::{Value, json};
use tests::frames::{BROADCAST, numbered};
use tests::wait::Deadline;
use tests::weftd::Weftd;

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap_or_else(|| panic!("{object} is no object")).keys().map(String::as_str).collect()
}

fn daemon() -> Weftd {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon
}

#[test]
fn status_tells_who_runs_and_how_much_there_is() {
    let mut daemon = Weftd::start_with(&["--workers", "3"]);
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    let _guest = daemon.attach("one", 1);
    daemon.await_state("one", "up");
    let status = daemon.json(&["status"]);
    assert_eq!(keys(&status), ["counts", "pid", "uptime_s", "version", "warnings", "workers"]);
    assert_eq!(status["pid"], daemon.pid());
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["counts"], json!({ "namespaces": 1, "ports": 2, "ports_up": 1, "fdb_entries": 2, "zombies": 0 }));
    assert_eq!(status["warnings"], json!([]));
    let workers = status["workers"].as_array().expect("a list");
    let ids: Vec<_> = workers.iter().map(|worker| worker["id"].as_u64()).collect();
    assert_eq!(ids, [Some(0), Some(1), Some(2)]);
    for key in ["busy_permille", "frames", "id", "wakeups"] {
        assert!(keys(&workers[0]).contains(&key), "{key}: {}", workers[0]);
    }
    let table = daemon.weft(&["status"]).expect_ok();
    assert!(table.contains("2 ports (1 up)") && table.contains("WORKER"), "{table}");
    assert!(daemon.alive());
}

#[test]
fn a_group_that_is_not_there_is_told_of() {
    let daemon = Weftd::start_configured("[daemon]\ngroup = \"no-such-group\"\n");
    let status = daemon.json(&["status"]);
    let said = status["warnings"][0].as_str().unwrap_or_default();
    assert!(said.contains("there is no group no-such-group") && said.contains("groupadd"), "{status}");
}

#[test]
fn a_port_that_could_not_be_added_has_taken_no_number() {
    let daemon = daemon();
    daemon.add_port("red", "one", 1, &[]);
    let add = |name: &str, path: &str| daemon.weft(&["port", "add", name, "-n", "red", "--vhost-user", path, "--json"]);
    for name in ["two", "three"] {
        let refused = add(name, "/nonexistent/port.sock");
        assert!(refused.status != 0 && refused.stderr.contains("was not added"), "{refused:?}");
    }
    daemon.add_port("red", "four", 4, &[]);
    assert_eq!(["one", "four"].map(|port| daemon.port(port)["number"].as_u64()), [Some(1), Some(2)]);
}

#[test]
fn namespaces_are_added_shown_and_deleted() {
    let daemon = Weftd::start();
    let added = daemon.json(&["namespace", "add", "red", "--macs-max", "128", "--age", "1m"]);
    let macs = |used| json!([{ "resource": "macs", "used": used }]);
    let idle = json!({
        "limits": {}, "peers": [], "rx_frames": 0, "tx_frames": 0, "rx_bytes": 0, "tx_bytes": 0, "drops": {},
        "software_checksums": 0, "software_segments": 0, "answer": "when_silent", "answer_within_ms": 500,
        "second_source": "accept", "learnt": {}, "snooped_advertisements": 0, "snooped_solicitations": 0, "snoop_missed": 0
    });
    let with = |mut own: Value| {
        own.as_object_mut().expect("an object").extend(idle.as_object().expect("an object").clone());
        own
    };
    let red = with(json!({
        "name": "red", "number": 1, "ports": 0, "macs": 0, "macs_max": 128, "age_s": 60, "usage": macs(128)
    }));
    assert_eq!(added, red);
    let blue = with(json!({
        "name": "blue", "number": 2, "ports": 0, "macs": 0, "macs_max": 8192, "age_s": 300, "usage": macs(8192)
    }));
    assert_eq!(daemon.json(&["namespace", "add", "blue"]), blue);
    assert_eq!(daemon.json(&["namespace", "list"]), json!([blue, red]), "sorted by name");
    assert_eq!(daemon.json(&["namespace", "show", "red"]), red);
    assert_eq!(daemon.json(&["namespace", "show"]), json!([blue, red]));
    assert_eq!(daemon.json(&["namespace", "add", "blue", "--may-exist"]), blue);
    assert_eq!(daemon.json(&["namespace", "del", "blue"]), json!({}));
    assert_eq!(daemon.json(&["namespace", "del", "blue", "--if-exists"]), json!({}));
    assert_eq!(daemon.json(&["namespace", "list"]), json!([red]));
    let table = daemon.weft(&["namespace", "list"]).expect_ok();
    assert_eq!(table.lines().count(), 2, "a title and one namespace: {table}");
    let bare = daemon.weft(&["namespace", "list", "--no-header"]).expect_ok();
    assert!(bare.starts_with("red") && bare.lines().count() == 1, "{bare}");
}

#[test]
fn namespaces_lie_in_each_other_and_go_together() {
    let mut daemon = Weftd::start();
    let names = |daemon: &Weftd| -> Vec<String> {
        let listed = daemon.json(&["namespace", "list"]);
        let listed = listed.as_array().expect("a list").iter();
        listed.map(|one| format!("{} {}", one["number"], one["name"].as_str().expect("a name"))).collect()
    };
    for path in ["red", "red-x", "red/dev", "blue"] {
        daemon.weft(&["namespace", "add", path]).expect_ok();
    }
    daemon.weft(&["namespace", "set", "red", "--quota", "ports=1"]).expect_ok();
    let (one, two) = (daemon.port_path("one").display().to_string(), daemon.port_path("two").display().to_string());
    let added = daemon.json(&["port", "add", "one", "--namespace", "red/dev", "--vhost-user", &one, "--number", "7"]);
    assert_eq!((&added["namespace"], &added["number"]), (&json!("red/dev"), &json!(1)), "7 is for red/dev alone");
    let error = daemon.refusal(&["port", "add", "two", "--namespace", "red", "--vhost-user", &two]);
    let message = error["message"].as_str().expect("a text");
    assert_eq!(message, "namespace \"red\" and all below it may have no more: its quota is ports=1");
    assert_eq!(error["hint"], "`weft namespace set red --quota ports=N` raises it");
    assert_eq!(names(&daemon), ["4 blue", "1 red", "3 red/dev", "2 red-x"], "in tree order");
    daemon.restart();
    assert_eq!(names(&daemon), ["4 blue", "1 red", "3 red/dev", "2 red-x"], "numbers survive a restart");
    let error = daemon.refusal(&["namespace", "del", "red"]);
    assert!(error["message"].as_str().is_some_and(|text| text.contains("port \"red/dev:one\" and 1 more")), "{error}");
    daemon.weft(&["namespace", "del", "red", "--recursive"]).expect_ok();
    assert_eq!(daemon.json(&["status"])["counts"]["zombies"], 0, "the command has waited");
    assert_eq!(names(&daemon), ["4 blue", "2 red-x"]);
    assert_eq!(daemon.json(&["port", "list"]), json!([]));
}

#[test]
fn a_port_is_what_was_asked_for_with_every_default_filled_in() {
    let daemon = daemon();
    let path = daemon.port_path("one").display().to_string();
    let add = ["port", "add", "one", "--namespace", "red", "--vhost-user", &path, "--mac", "02:00:00:00:00:01"];
    let expected = json!({
        "name": "one", "number": 1, "namespace": "red", "mac": "02:00:00:00:00:01", "role": "host", "macs": "own",
        "mtu": 1500, "queues": 1, "limits": {}, "vhost_user": { "path": path, "mode": "server" }, "state": "down",
        "reason": format!("no VMM has connected to {path} yet"), "features": [],
        "rx_frames": 0, "tx_frames": 0, "rx_bytes": 0, "tx_bytes": 0,
        "software_checksums": 0, "software_segments": 0, "drops": {},
        "snooped_advertisements": 0, "snooped_solicitations": 0, "snoop_missed": 0
    });
    assert_eq!(daemon.json(&add), expected);
    assert_eq!(daemon.json(&["port", "list"]), json!([expected]));
    assert_eq!(daemon.json(&["port", "show", "one"]), expected);
    assert_eq!(daemon.json(&["port", "show"]), json!([expected]));
    assert_eq!(daemon.json(&[&add[..], &["--may-exist"]].concat()), expected);
    let up = daemon.port_path("up").display().to_string();
    let add = ["port", "add", "up", "-n", "red", "--vhost-user", &up, "--client", "--role", "uplink", "--queues", "4"];
    let uplink = daemon.json(&add);
    assert_eq!((&uplink["role"], &uplink["macs"], &uplink["queues"]), (&json!("uplink"), &json!("any"), &json!(4)));
    assert_eq!(uplink["vhost_user"]["mode"], "client");
    let mac = uplink["mac"].as_str().expect("an address was made from the name");
    assert!(mac.starts_with("02:") && mac.len() == 17, "{mac}");
    daemon.await_state("up", "connecting");
}

#[test]
fn a_port_is_changed_while_it_runs_and_deleted() {
    let daemon = daemon();
    daemon.add_port("red", "one", 1, &[]);
    let mut guest = daemon.attach("one", 1);
    daemon.await_state("one", "up");
    let set = daemon.json(&["port", "set", "one", "--role", "router", "--macs", "any", "--mtu", "1400"]);
    assert_eq!((&set["role"], &set["macs"], &set["mtu"]), (&json!("router"), &json!("any"), &json!(1400)));
    assert_eq!(set["state"], "up", "its guest stays");
    let only = daemon.json(&["port", "set", "one", "--macs", "own"]);
    assert_eq!((&only["role"], &only["macs"], &only["mtu"]), (&json!("router"), &json!("own"), &json!(1400)));
    let refused = daemon.refusal(&["port", "del", "one"]);
    assert_eq!(refused["error"], "org.weft.Switch1.InUse");
    assert_eq!(daemon.json(&["port", "del", "one", "--force"]), json!({}));
    assert!(guest.frontend().wait_closed(Deadline::patient()), "its guest is told");
    assert_eq!(daemon.json(&["port", "del", "one", "--if-exists"]), json!({}));
    assert_eq!(daemon.json(&["port", "list"]), json!([]));
    assert!(!daemon.port_path("one").exists());
}

#[test]
fn ports_are_listed_by_namespace_and_as_a_table() {
    let daemon = daemon();
    daemon.add_namespace("blue");
    daemon.add_port("red", "two", 2, &[]);
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("blue", "three", 1, &[]);
    let names = |arguments: &[&str]| -> Vec<String> {
        let list = daemon.json(arguments);
        list.as_array().expect("a list").iter().filter_map(|port| port["name"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(names(&["port", "list"]), ["one", "three", "two"], "sorted by name");
    assert_eq!(names(&["port", "list", "--namespace", "red"]), ["one", "two"]);
    let table = daemon.weft(&["port", "list"]).expect_ok();
    for part in ["NAME", "NAMESPACE", "STATE", "one", "three", "02:77:65:66:74:02", "down"] {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
}

/// `weft port show` explains drops in the words of `weft explain`.
#[test]
fn drops_are_explained() {
    let daemon = daemon();
    daemon.add_port("red", "one", 1, &[]);
    let mut guest = daemon.attach("one", 1);
    guest.send(&numbered(BROADCAST, [2, 0, 0, 0, 0, 0x66], 1, 60));
    guest.drain(Deadline::patient());
    daemon.await_port("one", |port| port["drops"]["spoofed-mac"] == 1);
    let explained = daemon.json(&["explain", "spoofed-mac"]);
    assert_eq!(keys(&explained), ["explanation", "name"]);
    let sentence = explained["explanation"].as_str().expect("a sentence");
    let page = daemon.weft(&["port", "show", "one"]).expect_ok();
    let start: String = sentence.chars().take(30).collect();
    assert!(page.contains("spoofed-mac") && page.contains(&start), "{page}");
    let all = daemon.json(&["explain"]);
    assert!(all.as_array().is_some_and(|all| all.len() > 10 && all.contains(&explained)), "{all}");
}

#[test]
fn raw_calls_completions_and_help_work() {
    let daemon = daemon();
    let called = daemon.json(&["call", "NamespaceList", r#"{"name": "red"}"#]);
    assert_eq!(called["namespaces"][0]["name"], "red");
    let info = daemon.json(&["call", "org.varlink.service.GetInfo"]);
    assert!(info["interfaces"].as_array().is_some_and(|all| all.contains(&json!("org.weft.Switch1"))), "{info}");
    assert!(daemon.weft(&["completions", "bash"]).expect_ok().contains("weft"));
    let verbs = ["status", "namespace", "port", "fdb", "config", "log", "explain", "call", "completions"];
    for verb in verbs {
        let help = daemon.weft(&[verb, "--help"]).expect_ok();
        assert!(help.contains("Usage:"), "{verb}: {help}");
    }
    for [object, verb] in [
        ["namespace", "add"],
        ["namespace", "del"],
        ["namespace", "list"],
        ["namespace", "show"],
        ["port", "add"],
        ["port", "del"],
        ["port", "set"],
        ["port", "list"],
        ["port", "show"],
        ["fdb", "list"],
        ["fdb", "add"],
        ["fdb", "del"],
        ["fdb", "flush"],
        ["config", "check"],
        ["config", "diff"],
        ["config", "apply"],
        ["log", "set"],
    ] {
        assert!(daemon.weft(&[object, verb, "--help"]).expect_ok().contains("Usage:"), "{object} {verb}");
    }
}

/// Abbreviations, and a path that is relative to where the operator stands.
#[test]
fn what_is_typed_may_be_short() {
    let daemon = daemon();
    let list = daemon.weft(&["na", "li", "-j"]).expect_ok();
    assert_eq!(serde_json::from_str::<Value>(&list).expect("JSON"), daemon.json(&["namespace", "list"]));
    let relative = "a-relative-path-of-a-test.sock";
    let refused = daemon.weft(&["port", "add", "one", "-n", "nowhere", "--vhost-user", relative]);
    assert_eq!(refused.status, 2, "the path was accepted, the namespace was not: {}", refused.stderr);
    assert_eq!(daemon.weft(&["namespace", "list", "--json=1"]).expect_ok(), list);
}
