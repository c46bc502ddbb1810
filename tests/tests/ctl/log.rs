// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft log set`: for good, for a while, and only what makes sense.
use serde_json::json;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

/// True when the daemon logs what it says at level debug about the endpoint of a new port.
fn talks(daemon: &Weftd, port: &str) -> bool {
    daemon.add_port("red", port, 1, &[]);
    // Notices are logged before the next call is answered.
    daemon.json(&["status"]);
    daemon.weft(&["port", "del", port]).expect_ok();
    daemon.log().lines().any(|line| line.contains("DEBUG") && line.contains(&format!("port=red:{port}")))
}

#[test]
fn the_filter_changes_while_the_daemon_runs() {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    assert!(!talks(&daemon, "before"));
    assert_eq!(daemon.json(&["log", "set", "debug"]), json!({ "previous": "info" }));
    assert!(talks(&daemon, "between"));
    assert_eq!(daemon.json(&["log", "set", "backends=warn"]), json!({ "previous": "debug" }));
    assert!(!talks(&daemon, "after"));
}

#[test]
fn a_filter_for_a_while_goes_by_itself() {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    assert_eq!(daemon.json(&["log", "set", "debug", "--for", "1s"]), json!({ "previous": "info" }));
    until("the filter from before", Deadline::patient(), || {
        daemon.log().contains("the log filter is what it was before")
    });
    assert!(!talks(&daemon, "after"));
}

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let daemon = Weftd::start();
    let error = daemon.refusal(&["log", "set", "backends=loud"]);
    assert_eq!(error["error"], "org.weft.Switch1.Invalid");
    assert_eq!(error["parameters"]["field"], "filter");
    assert_eq!(daemon.json(&["log", "set", "info"]), json!({ "previous": "info" }));
}
