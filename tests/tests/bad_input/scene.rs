// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A daemon with something in it, and the proof that a refused command leaves it as it was.
use serde_json::Value;
use tests::weftd::Weftd;

/// Two namespaces, three ports, a static entry.
pub(crate) fn daemon() -> Weftd {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_namespace("blue");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    daemon.add_port("blue", "three", 1, &[]);
    daemon.weft(&["fdb", "add", "02:00:00:00:00:99", "--namespace", "red", "--port", "two"]).expect_ok();
    daemon
}

/// Every document that the daemon tells of itself, without what time alone changes, and what it has stored.
fn everything(daemon: &Weftd) -> Vec<Value> {
    let mut status = daemon.json(&["status"]);
    let status = status.as_object_mut().expect("an object");
    status.remove("uptime_s");
    status.remove("workers");
    let stored = std::fs::read_to_string(daemon.folder().join("state/state.json")).expect("the state is stored");
    vec![
        Value::Object(status.clone()),
        daemon.json(&["namespace", "list"]),
        daemon.json(&["port", "list"]),
        daemon.json(&["fdb", "list"]),
        serde_json::from_str(&stored).expect("it is JSON"),
    ]
}

/// Runs a command that must be refused: with this error, this exit code, these parts in what it says, and without any
/// effect.
pub(crate) fn refused(daemon: &Weftd, arguments: &[&str], (name, code): (&str, i64), parts: &[&str]) {
    let before = everything(daemon);
    let sockets = daemon.folder().read_dir().expect("the folder is ours").count();
    let error = daemon.refusal(arguments);
    assert_eq!(error["error"], format!("org.weft.Switch1.{name}"), "{arguments:?}: {error}");
    assert_eq!(error["exit_code"], code, "{arguments:?}: {error}");
    let message = error["message"].as_str().expect("a message");
    for part in parts {
        assert!(message.contains(part), "weft {arguments:?}: {part:?} is not in {message:?}");
    }
    assert_eq!(everything(daemon), before, "weft {arguments:?} was refused and changed something");
    let left = daemon.folder().read_dir().expect("the folder is ours").count();
    assert_eq!(left, sockets, "weft {arguments:?} left a file behind");
}
