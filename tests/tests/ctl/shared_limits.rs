// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Limits of a namespace and of all that lies in it: set, shown, taken away, and kept.
use serde_json::{Value, json};
use tests::frames::{number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::wait::Deadline;
use tests::weftd::Weftd;

use crate::tenant::Scene;

fn limits(daemon: &Weftd, arguments: &[&str]) -> Value {
    daemon.json(&[&["namespace"], arguments].concat())["limits"].clone()
}

fn dropped(daemon: &Weftd, port: &str, reason: &str) -> u64 {
    daemon.port(port)["drops"][reason].as_u64().unwrap_or(0)
}

/// Two guests of a namespace.
fn pair(daemon: &Weftd, namespace: &str, numbers: [u8; 2]) -> [SyntheticGuest; 2] {
    numbers.map(|number| {
        let port = format!("g{number}");
        daemon.add_port(namespace, &port, number, &[]);
        let guest = daemon.attach(&port, number);
        daemon.await_state(&port, "up");
        guest
    })
}

/// Sends so many frames from one to the other, whatever becomes of them.
fn send(from: &mut SyntheticGuest, to: &SyntheticGuest, count: u64) {
    for number in 0..count {
        from.send(&numbered(to.mac(), from.mac(), number, 100));
    }
    from.drain(Deadline::patient());
}

fn receive(guest: &mut SyntheticGuest, number: u64) {
    let seen = guest.recv_until(Deadline::patient(), |got| number_of(&got.frame) == Some(number));
    assert!(seen.is_some(), "{} never saw frame {number}", guest.name());
}

#[test]
fn limits_are_set_one_by_one_shown_and_taken_away() {
    let daemon = Weftd::start();
    let (tx_bytes, flood_frames) =
        (json!({ "rate": 1_000_000_000, "burst": 100_000_000 }), json!({ "rate": 10_000, "burst": 1000 }));
    assert_eq!(limits(&daemon, &["add", "red", "--tx-bytes", "1G"]), json!({ "tx_bytes": tx_bytes }));
    let both = json!({ "tx_bytes": tx_bytes, "flood_frames": flood_frames });
    assert_eq!(limits(&daemon, &["set", "red", "--flood-frames", "10k"]), both);
    assert_eq!(limits(&daemon, &["set", "red", "--age", "60"]), both, "what is not named stays");
    let page = daemon.weft(&["namespace", "show", "red"]).expect_ok();
    assert!(page.contains("limits       2") && page.contains("tx-bytes") && page.contains("10k/s"), "{page}");
    daemon
        .weft(&["namespace", "add", "red", "--tx-bytes", "1G", "--flood-frames", "10k", "--age", "60", "--may-exist"])
        .expect_ok();
    assert_eq!(limits(&daemon, &["set", "red", "--tx-bytes", "none", "--flood-frames", "none"]), json!({}));
}

#[test]
fn what_a_namespace_cannot_limit_is_refused() {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    for arguments in [&["--rx-frames", "1k"][..], &["--tx-frames", "0"], &["--flood-bytes", "fast"], &[]] {
        let outcome = daemon.weft(&[&["namespace", "set", "red"], arguments].concat());
        assert_eq!(outcome.status, 1, "{arguments:?}: {}", outcome.stderr);
    }
    let set = |limits: Value| {
        daemon.refusal(&["call", "NamespaceSet", &json!({ "name": "red", "limits": limits }).to_string()])
    };
    let refused = set(json!({ "rx_bytes": { "rate": 1000 } }));
    assert_eq!((&refused["parameters"]["field"], &refused["exit_code"]), (&json!("rx-bytes"), &json!(1)), "{refused}");
    assert_eq!(set(json!({ "tx_bytes": { "rate": 9, "burst": 1 } }))["parameters"]["field"], "tx-bytes");
    let root = daemon.refusal(&["namespace", "set", "/", "--tx-frames", "1k"]);
    assert_eq!(root["error"], "org.weft.Switch1.Invalid", "{root}");
    assert_eq!(limits(&daemon, &["show", "red"]), json!({}));
}

/// Whatever is made below, and when: what the tenant makes in his namespace does not rid him of its limits.
#[test]
fn a_limit_holds_for_all_that_lies_in_the_namespace() {
    let daemon = Weftd::start();
    daemon.weft(&["namespace", "add", "red", "--tx-frames", "1:10"]).expect_ok();
    ["red/dev", "red/dev/x", "blue"].iter().for_each(|namespace| daemon.add_namespace(namespace));
    let [mut one, two] = pair(&daemon, "red/dev/x", [1, 2]);
    send(&mut one, &two, 100);
    let first = dropped(&daemon, "g1", "namespace-tx-policed");
    assert!((1..=90).contains(&first), "{first} of 100 were too many");
    let [mut three, mut four] = pair(&daemon, "blue", [3, 4]);
    send(&mut three, &four, 100);
    receive(&mut four, 99);
    assert_eq!(daemon.port("g3")["drops"], json!({}), "no limit of blue's");
    daemon.weft(&["namespace", "set", "red", "--tx-frames", "none"]).expect_ok();
    daemon.weft(&["namespace", "set", "red/dev", "--flood-frames", "1"]).expect_ok();
    let mut two = two;
    send(&mut one, &two, 200);
    receive(&mut two, 199);
    assert_eq!(dropped(&daemon, "g1", "namespace-tx-policed"), first, "no more");
    let totals = daemon.json(&["namespace", "show", "red/dev/x"]);
    assert_eq!(totals["drops"]["namespace-tx-policed"], json!(first));
    let page = daemon.weft(&["namespace", "show", "red/dev/x"]).expect_ok();
    assert!(page.contains("namespace-tx-policed") && page.contains("may together"), "{page}");
}

/// A configuration that would make the inner namespace anew and lift the limit fails at its last steps: all is as it was.
#[test]
fn a_limit_holds_on_when_what_would_have_lifted_it_is_refused() {
    let daemon = Weftd::start();
    daemon.weft(&["namespace", "add", "red", "--tx-frames", "1:10"]).expect_ok();
    daemon.add_namespace("red/dev");
    let [mut one, two] = pair(&daemon, "red/dev", [1, 2]);
    let running = daemon.weft(&["config", "show", "--running"]).expect_ok();
    let text =
        running.replace("\"red/dev\"\nmacs-max = 8192", "\"red/dev\"\nmacs-max = 64").replace("\"1:10\"", "\"1M\"");
    assert!(text.contains("macs-max = 64") && text.contains("\"1M\""), "{text}");
    let full = "[[namespace]]\nname = \"full\"\nmacs-max = 64\n";
    let port =
        format!("[[port]]\nname = \"f\"\nnamespace = \"full\"\nvhost-user = \"{}\"\n", daemon.port_path("f").display());
    let entry = |i| format!("[[fdb]]\nnamespace = \"full\"\nmac = \"06:00:00:00:00:{i:02x}\"\nport = \"f\"\n");
    let text = [text, full.to_owned(), port, (0..250).map(entry).collect()].concat();
    let file = daemon.folder().join("refused.toml");
    std::fs::write(&file, text).expect("the folder is ours");
    let refused = daemon.refusal(&["config", "apply", "--force", &file.display().to_string()]);
    assert_eq!(refused["error"], "org.weft.Switch1.Limit", "{refused}");
    send(&mut one, &two, 100);
    let dropped = dropped(&daemon, "g1", "namespace-tx-policed");
    assert!((1..=90).contains(&dropped), "{dropped} of 100 were too many");
}

#[test]
fn limits_survive_a_crash_and_are_part_of_a_configuration() {
    let mut daemon = Weftd::start();
    daemon.weft(&["namespace", "add", "red", "--tx-bytes", "1G", "--flood-frames", "10k:2k"]).expect_ok();
    let before = limits(&daemon, &["show", "red"]);
    daemon.kill_9();
    daemon.restart();
    assert_eq!(limits(&daemon, &["show", "red"]), before);
    let file = daemon.folder().join("other.toml");
    let path = file.display().to_string();
    let running = daemon.weft(&["config", "show", "--running"]).expect_ok();
    assert!(running.contains("[namespace.limits]") && running.contains("flood-frames = \"10000:2000\""), "{running}");
    std::fs::write(&file, running).expect("the folder is ours");
    assert_eq!(daemon.weft(&["config", "diff", &path]).status, 0, "what is shown is what runs");
    let text = "[[namespace]]\nname = \"red\"\nlimits.tx-frames = 1000\nlimits.tx-bytes = \"1G\"\n";
    std::fs::write(&file, text).expect("the folder is ours");
    let changes = daemon.weft(&["config", "apply", &path]).expect_ok();
    assert_eq!(changes, "~ namespace red: limits.tx-frames none -> 1000:100, limits.flood-frames 10000:2000 -> none\n");
    std::fs::write(&file, text.replace("tx-frames", "rx-frames")).expect("the folder is ours");
    let refused = daemon.refusal(&["config", "apply", &path]);
    assert_eq!((&refused["parameters"]["line"], &refused["exit_code"]), (&json!(3), &json!(1)), "{refused}");
    assert_eq!(refused["parameters"]["key"], "namespace \"red\": limits.rx-frames");
}

#[test]
fn a_tenant_sees_his_limits_and_sets_those_of_what_is_below() {
    let scene = Scene::new();
    scene.daemon.weft(&["namespace", "set", "red", "--tx-frames", "1k"]).expect_ok();
    let rate = json!({ "rate": 1000, "burst": 100 });
    assert_eq!(scene.json(&["namespace", "show", "/"])["limits"], json!({ "tx_frames": rate }));
    let (error, _, refused) = scene.refusal(&["namespace", "set", "/", "--tx-frames", "none"]);
    assert_eq!(error, "Denied", "{refused}");
    let dev = scene.json(&["namespace", "set", "dev", "--tx-frames", "1k"]);
    assert_eq!(dev["limits"], json!({ "tx_frames": rate }));
    assert_eq!(limits(&scene.daemon, &["show", "red/dev"]), dev["limits"]);
}
