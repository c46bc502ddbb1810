// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A port whose namespace is not where it goes.

use serde_json::{Value, json};
use tests::weftd::Weftd;

use crate::peers::Peer;
use crate::scene::Scene;

/// The numbers of a namespace, as a daemon has saved them: that in its parent first.
fn numbers(daemon: &Weftd, namespace: &str) -> Vec<u64> {
    let text = std::fs::read_to_string(daemon.folder().join("state/state.json")).expect("it is saved");
    let state: Value = serde_json::from_str(&text).expect("JSON");
    let numbers = state["numbers"]["namespaces"][namespace].as_array().cloned().unwrap_or_default();
    numbers.iter().filter_map(Value::as_u64).collect()
}

/// What the tenant's namespace is configured with, beyond numbers.
const SETTINGS: &[&str] = &[
    "--tx-bytes",
    "1M",
    "--flood-frames",
    "1000",
    "--quota",
    "ports=8",
    "--quota",
    "pvds=3",
    "--answer",
    "always",
    "--answer-within",
    "20",
    "--ra-throttle",
    "5m",
    "--age",
    "60",
];

/// All that is said of a namespace.
fn settings(daemon: &Weftd, namespace: &str) -> Value {
    let shown = daemon.json(&["namespace", "show", namespace]);
    let most = |one: &Value| json!([one["resource"], one["max"]]);
    let quotas: Vec<Value> = shown["usage"].as_array().into_iter().flatten().map(most).collect();
    let said = ["limits", "answer", "answer_within_ms", "ra_throttle_s", "age_s", "macs_max"];
    let mut all: Value = said.iter().map(|key| ((*key).to_owned(), shown[key].clone())).collect();
    all["quotas"] = quotas.into_iter().filter(|quota| !quota[1].is_null()).collect();
    all
}

#[test]
fn a_namespace_comes_with_its_port_under_the_same_number_where_that_is_asked_for_and_allowed() {
    let scene = Scene::new();
    let (source, destination) = (&scene.source, &scene.destination);
    source.weft(&["namespace", "add", "red/dev", "--number", "7"]).expect_ok();
    source.weft(&[&["namespace", "set", "red/dev"], SETTINGS].concat()).expect_ok();
    source.add_port("red/dev", "vm9", 9, &[]);
    let (control, socket) = (destination.folder().join("ctl.sock"), destination.port_path("vm9"));
    let [control, socket] = [control, socket].map(|path| path.display().to_string());
    let prepare = |more: &[&str]| {
        let fixed = ["migrate", "prepare", "vm9", "--to", &control, "--vhost-user", &socket];
        source.weft(&[&fixed[..], more].concat())
    };
    let missing = prepare(&[]);
    assert!(missing.status == 2 && missing.stderr.contains("namespace \"red/dev\" not found"), "{}", missing.stderr);
    destination.weft(&["namespace", "add", "red/other", "--number", "7"]).expect_ok();
    let taken = prepare(&["--add-namespace"]);
    let why = "is in use by another of namespace";
    assert!(taken.status == 5 && taken.stderr.contains(why) && destination.log().contains(why), "{}", taken.stderr);
    assert_eq!(destination.refusal(&["namespace", "show", "red/dev"])["exit_code"], json!(2), "nothing is left behind");
    assert_eq!(source.port("vm9")["handover"], Value::Null);
    destination.weft(&["namespace", "del", "red/other"]).expect_ok();
    let peer = Peer::start(destination, &[]);
    let other_host = peer.prepare_port(source, "vm9", &["--vhost-user", &socket, "--add-namespace"]);
    assert!(other_host.status == 4 && other_host.stderr.contains("--namespaces"), "{}", other_host.stderr);
    let peer = Peer::start(destination, &["--namespaces"]);
    let told = peer.prepare_port(source, "vm9", &["--vhost-user", &socket, "--add-namespace"]).expect_ok();
    assert!(told.starts_with("red/dev:vm9: staged"), "{told}");
    assert_eq!((numbers(source, "red/dev")[0], numbers(destination, "red/dev")[0]), (7, 7));
    let settings = [source, destination].map(|daemon| settings(daemon, "red/dev"));
    assert_eq!(settings[0], settings[1], "a tenant who is limited stays so");
    assert!(settings[0]["limits"]["tx_bytes"].is_object() && settings[0]["answer"] == "always", "{}", settings[0]);
    // After a restart, too; and no tenant can be handed over by that.
    let socket = source.port_path("red.sock").display().to_string();
    source.weft(&["namespace", "delegate", "red/dev", "--listen", &socket, "--uid", "1"]).expect_ok();
    let document = source.weft(&["port", "export", "vm9"]).expect_ok();
    assert!(document.contains("\"tx-bytes\"") && !document.contains("red.sock"), "{document}");
}

#[test]
fn what_came_with_a_port_goes_when_its_move_is_cancelled() {
    let Scene { source, mut destination } = Scene::new();
    source.add_namespace("red/dev");
    source.add_port("red/dev", "vm9", 9, &[]);
    source.weft(&["pvd", "create", "work.example", "-n", "red/dev"]).expect_ok();
    let control = destination.folder().join("ctl.sock").display().to_string();
    let found = |daemon: &Weftd, words: &[&str]| daemon.weft(words).status == 0;
    let all = |daemon: &Weftd| {
        [&["namespace", "show", "red/dev"][..], &["pvd", "show", "work.example", "-n", "red/dev"]]
            .map(|words| found(daemon, words))
    };
    let prepare = |daemon: &Weftd| source.hand_over("vm9", daemon, &["--add-namespace"]).expect_ok();
    let cancel = || source.weft(&["migrate", "cancel", "vm9", "--to", &control]).expect_ok();
    let meanwhile: [fn(&mut Weftd); 4] = [
        |_| (),
        |_| (),
        |destination| {
            destination.kill_9();
            destination.restart();
        },
        |destination| drop(destination.upgrade()),
    ];
    for (number, happens) in meanwhile.into_iter().enumerate() {
        prepare(&destination);
        assert_eq!(all(&destination), [true, true]);
        happens(&mut destination);
        assert_eq!(all(&destination), [true, true]);
        cancel();
        assert!(!found(&destination, &["port", "show", "vm9"]));
        assert_eq!(all(&destination), [false, false], "time {number}");
    }
    // Once a guest has been there it is an operator's, whatever becomes of weftd.
    prepare(&destination);
    let guest = destination.attach("vm9", 9);
    destination.await_port("vm9", |port| port["handover"].is_null());
    drop(guest);
    destination.restart();
    destination.weft(&["port", "del", "vm9", "--force"]).expect_ok();
    source.weft(&["migrate", "cancel", "vm9"]).expect_ok();
    prepare(&destination);
    cancel();
    assert_eq!(all(&destination), [true, true]);
}
