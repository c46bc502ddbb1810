// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A delegated namespace: what its tenant sees and does over his control socket, how long he has it.
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};
use tests::guest::{GuestOptions, SyntheticGuest, ping};
use tests::wait::{Deadline, until};
use tests::weftd::{Weftd, weft_at};

use crate::tenant::{NOBODY, Scene};

fn names(list: &Value) -> Vec<String> {
    let name = |object: &Value| object["name"].as_str().expect("a name").to_owned();
    list.as_array().expect("a list").iter().map(name).collect()
}

#[test]
fn a_tenant_sees_his_namespace_as_the_root_and_nothing_else() {
    let scene = Scene::new();
    assert_eq!(names(&scene.json(&["namespace", "list"])), ["dev"]);
    let own = scene.json(&["namespace", "show", "/"]);
    assert_eq!((&own["name"], &own["number"], &own["ports"]), (&json!("/"), &json!(0), &json!(1)));
    assert_eq!(own["delegation"]["socket"], scene.socket().display().to_string());
    let port = scene.json(&["port", "show", "one"]);
    assert_eq!((&port["namespace"], &port["number"]), (&json!("/"), &json!(1)));
    assert_eq!(names(&scene.json(&["port", "list"])), ["one"]);
    let entries = scene.json(&["fdb", "list"]);
    assert_eq!((entries.as_array().map(Vec::len), &entries[0]["namespace"]), (Some(1), &json!("/")));
    let status = scene.json(&["status"]);
    let counts = json!({ "namespaces": 1, "ports": 1, "ports_up": 0, "fdb_entries": 1, "zombies": 0 });
    assert_eq!((&status["counts"], &status["workers"], &status["warnings"]), (&counts, &json!([]), &json!([])));
    assert_eq!(scene.json(&["explain"]), scene.daemon.json(&["explain"]));
    let text = scene.daemon.weft(&["namespace", "show", "red"]).expect_ok();
    assert!(text.contains(&format!("to uid {NOBODY} as admin at")), "{text}");
}

#[test]
fn a_tenant_makes_ports_and_namespaces_that_are_the_operators_to_see() {
    let scene = Scene::new();
    scene.weft(&["namespace", "add", "qa", "--quota", "ports=4"]).expect_ok();
    let (vm1, vm2) = (scene.add("qa:vm1", 1, &[]), scene.add("qa:vm2", 2, &[]));
    let path = scene.directory().join("qa.vm1");
    assert!(vm1.expect_ok().contains(&path.display().to_string()) && vm2.status == 0);
    let attach = |port: &str, number| {
        let path = scene.directory().join(format!("qa.{port}"));
        SyntheticGuest::attach(&path, GuestOptions::new(port, number)).expect("the socket is there")
    };
    ping(&mut attach("vm1", 1), &mut attach("vm2", 2), 1);
    let theirs = scene.daemon.port("red/qa:vm1");
    assert_eq!((&theirs["namespace"], &theirs["name"]), (&json!("red/qa"), &json!("vm1")));
    scene.weft(&["port", "set", "qa:vm1", "--mtu", "1400"]).expect_ok();
    scene.weft(&["fdb", "add", "02:00:00:00:00:98", "-n", "qa", "-p", "vm1"]).expect_ok();
    assert_eq!(scene.json(&["fdb", "flush"]), json!({ "removed": 0 }));
    scene.weft(&["port", "del", "qa:vm2", "--force"]).expect_ok();
    scene.weft(&["namespace", "del", "qa", "--recursive", "--force"]).expect_ok();
    assert_eq!(names(&scene.daemon.json(&["namespace", "list"])), ["blue", "blue/dev", "red", "red/dev"]);
    assert!(!path.exists(), "its socket went with the port");
}

#[test]
fn what_bounds_a_tenant_is_not_his_to_change() {
    let scene = Scene::with(&["--tx-frames", "10k", "--flood-frames", "100:10"]);
    scene.add("dev:vm1", 1, &[]).expect_ok();
    let limits =
        json!({ "tx_frames": { "rate": 10_000, "burst": 1000 }, "flood_frames": { "rate": 100, "burst": 10 } });
    assert_eq!(scene.json(&["port", "show", "vm1"])["limits"], limits);
    let before = scene.everything();
    let inside = scene.directory().join("x").display().to_string();
    let uid = NOBODY.to_string();
    let touches: [&[&str]; 16] = [
        &["port", "set", "vm1", "--tx-frames", "none"],
        &["port", "set", "vm1", "--role", "router"],
        &["port", "set", "vm1", "--macs", "any"],
        &["port", "set", "one", "--mtu", "1400"],
        &["port", "del", "one", "--force"],
        &["port", "add", "/:vm2", "--vhost-user", &inside, "--role", "uplink"],
        &["port", "add", "/:vm2", "--vhost-user", &inside, "--macs", "any"],
        &["port", "add", "/:vm2", "--vhost-user", &inside, "--tx-frames", "1G"],
        &["namespace", "set", "/", "--quota", "ports=none"],
        &["namespace", "del", "/", "--recursive", "--force"],
        &["namespace", "delegate", "/", "--listen", &inside, "--uid", &uid],
        &["namespace", "undelegate", "/"],
        &["worker", "list"],
        &["log", "set", "trace"],
        &["config", "diff", "/dev/null"],
        &["config", "apply", "/dev/null"],
    ];
    for touch in touches {
        let (name, code, error) = scene.refusal(touch);
        assert_eq!((name.as_str(), code), ("Denied", 4), "{touch:?}: {error}");
    }
    assert_eq!(scene.everything(), before);
    scene.weft(&["port", "del", "vm1"]).expect_ok();
    scene.add("dev:vm1", 1, &[]).expect_ok();
    assert_eq!(scene.json(&["port", "show", "vm1"])["limits"], limits, "made anew, it is limited as it was");
    scene.daemon.weft(&["port", "set", "red/dev:vm1", "--rx-frames", "1"]).expect_ok();
    assert_eq!(scene.refusal(&["port", "del", "vm1"]).0, "Denied", "nor of the limits that the operator added");
    assert_eq!(scene.refusal(&["namespace", "del", "dev", "--recursive"]).0, "Denied");
}

#[test]
fn other_limits_hold_for_the_ports_that_he_has() {
    let scene = Scene::with(&["--tx-frames", "10k"]);
    scene.add("dev:vm1", 1, &[]).expect_ok();
    scene.add("dev:vm2", 2, &[]).expect_ok();
    scene.daemon.weft(&["port", "set", "vm2", "--tx-frames", "5"]).expect_ok();
    scene.delegate("red", &scene.socket(), &["--tx-frames", "20k"]).expect_ok();
    let rate = |port: &str| scene.daemon.port(port)["limits"]["tx_frames"]["rate"].clone();
    assert_eq!((rate("vm1"), rate("vm2"), rate("red:one")), (json!(20_000), json!(5), Value::Null));
    scene.weft(&["port", "set", "vm1", "--mtu", "1400"]).expect_ok();
    assert_eq!(scene.refusal(&["port", "del", "vm2"]).0, "Denied", "the operator limited it otherwise");
    scene.weft(&["port", "del", "vm1"]).expect_ok();
}

#[test]
fn a_quota_of_those_above_is_told_as_his_own() {
    let scene = Scene::new();
    let socket = scene.directory().join("dev.ctl");
    let dev = |arguments: &[&str]| weft_at(&socket, arguments);
    let uid = NOBODY.to_string();
    scene.weft(&["namespace", "delegate", "dev", "--listen", &socket.display().to_string(), "--uid", &uid]).expect_ok();
    scene.daemon.weft(&["namespace", "set", "red", "--quota", "ports=1"]).expect_ok();
    let path = scene.directory().join("dev.ctl.d/x").display().to_string();
    let refused = dev(&["port", "add", "/:x", "--vhost-user", &path]);
    let text = "namespace \"/\" and all below it may have no more: its quota is ports=0";
    assert!(refused.status == 5 && refused.stderr.contains(text), "{}", refused.stderr);
    assert!(!dev(&["namespace", "show", "/"]).expect_ok().contains("at most 1 ports"));
}

#[test]
fn a_reader_looks_and_does_not_touch() {
    let scene = Scene::with(&["--role", "reader"]);
    for look in [&["status"][..], &["namespace", "list"], &["port", "show", "one"], &["fdb", "list"], &["explain"]] {
        scene.weft(look).expect_ok();
    }
    let before = scene.everything();
    let touches: [&[&str]; 5] = [
        &["namespace", "add", "qa"],
        &["namespace", "del", "dev"],
        &["port", "del", "one"],
        &["fdb", "flush"],
        &["fdb", "add", "02:00:00:00:00:98", "-n", "/", "-p", "one"],
    ];
    for touch in touches {
        assert_eq!(scene.refusal(touch).0, "Denied", "{touch:?}");
    }
    assert_eq!(scene.add("dev:vm1", 1, &[]).status, 4);
    assert_eq!(scene.everything(), before);
}

#[test]
fn a_delegation_and_what_was_made_by_it_survive_a_crash() {
    let mut scene = Scene::with(&["--tx-bytes", "1M:70k"]);
    scene.add("dev:vm1", 1, &[]).expect_ok();
    let before = (scene.everything(), scene.json(&["namespace", "show", "/"]), scene.json(&["port", "list"]));
    scene.daemon.restart();
    assert_eq!((scene.everything(), scene.json(&["namespace", "show", "/"]), scene.json(&["port", "list"])), before);
    scene.weft(&["port", "del", "vm1"]).expect_ok();
}

#[test]
fn a_namespace_that_goes_takes_its_socket_and_its_callers_along() {
    let scene = Scene::new();
    let nested = scene.directory().join("dev.ctl");
    let uid = NOBODY.to_string();
    scene.weft(&["namespace", "delegate", "dev", "--listen", &nested.display().to_string(), "--uid", &uid]).expect_ok();
    let ends = |stream: &mut UnixStream| {
        stream.set_read_timeout(Some(Deadline::patient().left())).expect("a deadline");
        assert_eq!(stream.read(&mut [0; 1]).expect("it is told"), 0, "it is cut off");
    };
    let connect = |path: &std::path::Path| UnixStream::connect(path).expect("it listens");
    let (mut red, mut dev) = (connect(&scene.socket()), connect(&nested));
    scene.daemon.weft(&["namespace", "undelegate", "red"]).expect_ok();
    ends(&mut red);
    ends(&mut dev);
    assert!(!scene.socket().exists() && !nested.exists());
    assert_eq!(scene.daemon.json(&["namespace", "show", "red"]).get("delegation"), None);
    scene.delegate("red", &scene.socket(), &[]).expect_ok();
    let mut red = connect(&scene.socket());
    scene.daemon.weft(&["namespace", "del", "red", "--recursive", "--force"]).expect_ok();
    ends(&mut red);
    assert!(!scene.socket().exists());
    scene.daemon.add_namespace("red");
    assert!(!scene.socket().exists(), "another namespace of that name is nobody's");
}

#[test]
fn a_caller_who_leaves_in_the_middle_leaves_nothing_half_done() {
    let scene = Scene::new();
    let before = scene.everything();
    let call = r#"{"method":"org.weft.Switch1.NamespaceAdd","parameters":{"name":"qa"}}"#;
    let mut half = UnixStream::connect(scene.socket()).expect("it listens");
    half.write_all(&call.as_bytes()[..call.len() / 2]).expect("it reads");
    drop(half);
    scene.json(&["status"]);
    assert_eq!(scene.everything(), before);
    let mut whole = UnixStream::connect(scene.socket()).expect("it listens");
    whole.write_all(format!("{call}\0").as_bytes()).expect("it reads");
    drop(whole);
    until("all of what was asked for", Deadline::patient(), || names(&scene.json(&["namespace", "list"])).len() == 2);
    assert_eq!(scene.json(&["namespace", "show", "qa"])["macs_max"], 8192);
}

#[test]
fn a_configuration_delegates() {
    let text = "[[namespace]]\nname = \"red\"\n\
                delegation = { listen = \"{dir}/red.ctl\", uid = 65534, role = \"reader\", limits.tx-frames = 5 }\n";
    let daemon = Weftd::start_configured(text);
    let socket = daemon.folder().join("red.ctl");
    assert_eq!(weft_at(&socket, &["namespace", "add", "qa"]).status, 4);
    let shown = daemon.json(&["namespace", "show", "red"])["delegation"].clone();
    assert_eq!((&shown["role"], &shown["limits"]["tx_frames"]["rate"]), (&json!("reader"), &json!(5)));
    let file = daemon.folder().join("weft.toml");
    let text = fs::read_to_string(&file).expect("the test wrote it");
    for (from, to, parts) in [
        ("uid = 65534, ", "", ["weft.toml:3", "either uid or gid"]),
        ("reader", "king", ["weft.toml:3", "admin or reader"]),
        ("red.ctl\"", "red.ctl/\"", ["weft.toml:3", "the absolute path of a Unix socket"]),
    ] {
        fs::write(&file, text.replace(from, to)).expect("the file is ours");
        let error = daemon.refusal(&["config", "check", &file.display().to_string()]);
        let message = error["message"].as_str().expect("a text");
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    fs::write(&file, text.replace("reader", "admin")).expect("the file is ours");
    let changes = daemon.weft(&["config", "apply", &file.display().to_string()]).expect_ok();
    assert!(changes.starts_with("~ namespace red: delegation uid 65534 as reader"), "{changes}");
    weft_at(&socket, &["namespace", "add", "qa"]).expect_ok();
}
