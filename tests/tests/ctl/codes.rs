// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Exit codes, which scripts rely on.
use rustix::process::Signal;
use tests::weftd::Weftd;

#[test]
fn every_exit_code_has_its_occasion() {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    let bad = daemon.folder().join("bad.toml");
    std::fs::write(&bad, "nonsense = 1\n").expect("the folder is ours");
    let bad = bad.display().to_string();
    let unopenable = daemon.folder().join("no-such-folder/two.sock").display().to_string();
    for (arguments, code) in [
        (&["status"][..], 0),
        (&["--version"], 0),
        (&["frobnicate"], 1),
        (&["port", "add", "x"], 1),
        (&["port", "set", "one"], 1),
        (&["status", "--json=2"], 1),
        (&["namespace", "add", "Not A Name"], 1),
        (&["port", "set", "one", "--mtu", "10"], 1),
        (&["config", "check", &bad], 1),
        (&["config", "check", "/no/such/file"], 1),
        (&["log", "set", "a=b=c"], 1),
        (&["call", "NoSuchMethod"], 1),
        (&["port", "show", "nobody"], 2),
        (&["port", "del", "nobody"], 2),
        (&["namespace", "del", "nowhere"], 2),
        (&["port", "list", "--namespace", "nowhere"], 2),
        (&["fdb", "list", "--namespace", "nowhere"], 2),
        (&["fdb", "del", "02:00:00:00:00:42", "--namespace", "red"], 2),
        (&["explain", "bad-luck"], 2),
        (&["namespace", "add", "red"], 5),
        (&["namespace", "del", "red"], 5),
        (&["namespace", "undelegate", "red"], 5),
        (&["port", "add", "two", "--namespace", "red", "--vhost-user", &unopenable], 65),
    ] {
        let outcome = daemon.weft(arguments);
        assert_eq!(outcome.status, code, "weft {arguments:?}\n{}{}", outcome.stdout, outcome.stderr);
        let told = if code == 0 { &outcome.stdout } else { &outcome.stderr };
        assert!(!told.is_empty(), "weft {arguments:?} says nothing");
    }
}

/// Errors name what is wrong, carry the stable name, and say what to do.
#[test]
fn an_error_is_a_sentence_a_name_and_a_hint() {
    let daemon = Weftd::start();
    let outcome = daemon.weft(&["port", "show", "nobody"]);
    assert_eq!(outcome.stdout, "");
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(lines[0], r#"error: port "nobody" not found (org.weft.Switch1.NotFound)"#);
    assert!(lines[1].starts_with("hint: ") && lines[1].contains("weft port list"), "{}", outcome.stderr);
    let error = daemon.refusal(&["port", "show", "nobody"]);
    assert_eq!(error["parameters"], serde_json::json!({ "kind": "port", "name": "nobody" }));
}

#[test]
fn a_daemon_that_is_gone_is_3_and_one_that_does_not_answer_is_124() {
    let mut daemon = Weftd::start();
    daemon.signal(Signal::STOP);
    let outcome = daemon.weft(&["-T", "1", "status"]);
    assert_eq!(outcome.status, 124, "{}", outcome.stderr);
    daemon.signal(Signal::CONT);
    daemon.weft(&["status"]).expect_ok();
    daemon.kill_9();
    let outcome = daemon.weft(&["status"]);
    assert!(outcome.status == 3 && outcome.stderr.contains("hint: is weftd running?"), "{}", outcome.stderr);
}
