// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! RA guard that learns, from the command line to what arrives, what is shown and what a restart leaves of it.

use serde_json::{Value, json};
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

use crate::ra_guard::{ROUTER, advertise, await_drops, learnt};

/// A daemon whose red has a router `gw` of which the guard learns for longer than any test takes.
fn learning() -> (Weftd, SyntheticGuest) {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "gw", 1, &["--role", "router", "--ra-guard-learn", "3600"]);
    let router = daemon.attach("gw", 1);
    (daemon, router)
}

/// Lets the span end, and waits until this is decided.
fn decide(daemon: &Weftd, state: &str) -> Value {
    daemon.weft(&["port", "set", "gw", "--ra-guard-learn", "1"]).expect_ok();
    daemon.await_port("gw", |port| port["ra_learning"]["state"] == state)["ra_learning"].clone()
}

/// Advertises 2001:db8:1::/64 and waits until the guard has noted it.
fn show(daemon: &Weftd, router: &mut SyntheticGuest) {
    advertise(router, ROUTER, 1);
    daemon.await_port("gw", |port| port["ra_learning"]["routers"] == json!(["fe80::1"]));
}

fn page(daemon: &Weftd) -> String {
    daemon.weft(&["port", "show", "gw"]).expect_ok()
}

#[test]
fn a_router_shows_itself_and_is_held_to_it_over_a_restart() {
    let (mut daemon, mut router) = learning();
    assert!(page(&daemon).contains("ra learning  learning, 3"), "{}", page(&daemon));
    show(&daemon, &mut router);
    await_drops(&daemon, "ra-learning", 1);
    assert!(learnt(&daemon).is_empty(), "nobody is taught yet");
    let decided = decide(&daemon, "forwarding");
    let expected = json!({
        "state": "forwarding", "routers": ["fe80::1"], "macs": [daemon.port("gw")["mac"]], "prefixes": ["2001:db8:1::/64"],
    });
    assert_eq!(decided, expected);
    for part in ["ra guard     1\n    learn  1 s\n", "ra learning  forwarding\n    routers   fe80::1\n"] {
        assert!(page(&daemon).contains(part), "{part:?} is not in {}", page(&daemon));
    }
    advertise(&mut router, ROUTER, 1);
    until("the prefix", Deadline::patient(), || learnt(&daemon) == ["2001:db8:1::/64"]);
    daemon.restart();
    router.reconnect(Deadline::patient());
    daemon.await_state("gw", "up");
    assert_eq!(daemon.port("gw")["ra_learning"], expected, "and not learnt anew");
    advertise(&mut router, ROUTER, 2);
    await_drops(&daemon, "ra-prefix", 1);
    advertise(&mut router, ROUTER, 1);
    until("the prefix", Deadline::patient(), || learnt(&daemon) == ["2001:db8:1::/64"]);
}

#[test]
fn where_none_was_there_none_is_heard_until_it_is_learnt_anew() {
    let (mut daemon, mut router) = learning();
    assert_eq!(decide(&daemon, "blocking")["routers"], json!([]));
    advertise(&mut router, ROUTER, 1);
    await_drops(&daemon, "ra-blocked", 1);
    until("a line of the log", Deadline::patient(), || {
        daemon.log().lines().any(|line| line.contains("port=red:gw reason=ra-blocked frames=1"))
    });
    daemon.restart();
    router.reconnect(Deadline::patient());
    assert_eq!(daemon.await_state("gw", "up")["ra_learning"]["state"], "blocking");
    daemon.weft(&["port", "set", "gw", "--ra-guard-learn", "3600", "--ra-guard-relearn"]).expect_ok();
    show(&daemon, &mut router);
    decide(&daemon, "forwarding");
    daemon.weft(&["port", "set", "gw", "--ra-guard-learn", "off"]).expect_ok();
    assert_eq!(daemon.port("gw")["ra_learning"], Value::Null);
    advertise(&mut router, ROUTER, 2);
    until("the prefix", Deadline::patient(), || learnt(&daemon) == ["2001:db8:2::/64"]);
}

#[test]
fn learning_is_written_down_as_a_configuration_that_changes_nothing() {
    let (daemon, mut router) = learning();
    show(&daemon, &mut router);
    let decided = decide(&daemon, "forwarding");
    let file = daemon.folder().join("running.toml");
    let text = daemon.weft(&["config", "show", "--running"]).expect_ok();
    assert!(text.contains("learn = 1"), "{text}");
    std::fs::write(&file, &text).expect("the folder is writable");
    daemon.weft(&["config", "apply", &file.display().to_string()]).expect_ok();
    assert_eq!(daemon.port("gw")["ra_learning"], decided);
}

#[test]
fn a_host_has_nothing_to_learn_and_that_is_said() {
    let (daemon, _router) = learning();
    let refused = |arguments: &[&str]| {
        let outcome = daemon.weft(&[&["port", "set", "gw"], arguments].concat());
        assert_ne!(outcome.status, 0);
        outcome.stderr
    };
    for arguments in [&["--role", "host"][..], &["--ra-guard-learn", "9999"], &["--ra-guard-learn", "0"]] {
        let why = refused(arguments);
        assert!(why.contains("ra-guard-learn"), "{why}");
    }
    daemon.weft(&["port", "set", "gw", "--role", "host", "--ra-guard-learn", "off"]).expect_ok();
    assert!(refused(&["--ra-guard-relearn"]).contains("ra-guard-relearn"));
}
