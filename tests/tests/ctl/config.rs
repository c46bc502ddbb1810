// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft config check|diff|apply|show`: all of a file or nothing of it.
use serde_json::{Value, json};
use tests::guest::{GuestOptions, ping};
use tests::wait::Deadline;
use tests::weftd::{Outcome, Weftd, weft_at};

/// Lines 1 and on of a good file.
const GOOD: &str = r#"[[namespace]]
name = "red"

[[port]]
name = "one"
namespace = "red"
vhost-user = "{dir}/one.sock"
mac = "02:77:65:66:74:01"

[[port]]
name = "two"
namespace = "red"
vhost-user = "{dir}/two.sock"
mac = "02:77:65:66:74:02"
mtu = 1500

[[fdb]]
namespace = "red"
mac = "02:00:00:00:00:99"
port = "two"

[[pvd]]
namespace = "red"
name = "work.example"
prefixes = ["2001:db8:1::/64"]
"#;

/// Writes a file into the daemon's folder and runs `weft config VERB FILE`.
fn run(daemon: &Weftd, verb: &[&str], text: &str) -> Outcome {
    let file = daemon.folder().join("other.toml");
    std::fs::write(&file, text.replace("{dir}", &daemon.folder().display().to_string())).expect("the folder is ours");
    daemon.weft(&[&["config"], verb, &[&*file.display().to_string()]].concat())
}

fn names(changes: &str) -> Vec<String> {
    let changes: Value = serde_json::from_str(changes).expect("JSON");
    let name = |change: &Value| format!("{} {} {}", change["op"], change["kind"], change["name"]).replace('"', "");
    changes.as_array().expect("a list").iter().map(name).collect()
}

/// What an operator has made, whole documents.
fn made(daemon: &Weftd) -> [Value; 3] {
    [daemon.json(&["namespace", "list"]), daemon.json(&["port", "list"]), daemon.json(&["fdb", "list"])]
}

/// What was made with verbs, by the operator and by his tenant, is a file that changes nothing where it is from, and makes
/// the same elsewhere.
#[test]
fn what_runs_is_a_file() {
    let daemon = Weftd::start_with(&["--workers", "2"]);
    let folder = daemon.folder().display().to_string();
    daemon.add_namespace("red");
    daemon.add_namespace("blue");
    daemon.add_port("red", "one", 1, &["--tx-frames", "10k:100", "--mtu", "9000", "--role", "router"]);
    daemon.weft(&["link", "add", "red:up", "blue:down", "--mtu", "9000"]).expect_ok();
    daemon.weft(&["port", "set", "blue:down", "--role", "router", "--flood-frames", "50"]).expect_ok();
    daemon.weft(&["fdb", "add", "02:00:00:00:00:99", "-n", "red", "-p", "one"]).expect_ok();
    let pvd = [
        "pvd",
        "create",
        "work.example",
        "-n",
        "red",
        "--http",
        "--prefix",
        "2001:db8:1::/64,on-link",
        "--mtu",
        "1400",
    ];
    let told = ["--announce", "fe80::1", "--announce-mac", "02:00:00:00:01:01", "--router-lifetime", "1800"];
    daemon.weft(&[&pvd[..], &told, &["--captive-portal", "https://p.example/\"'"]].concat()).expect_ok();
    let (listen, uid) = (format!("{folder}/t"), rustix::process::getuid().as_raw().to_string());
    daemon.weft(&["namespace", "delegate", "red", "--listen", &listen, "--uid", &uid]).expect_ok();
    let socket = format!("{listen}.d/two");
    let add = ["port", "add", "two", "--namespace", "/", "--vhost-user", &socket];
    weft_at(listen.as_ref(), &add).expect_ok();
    let text = daemon.weft(&["config", "show", "--running"]).expect_ok();
    assert_eq!(run(&daemon, &["diff"], &text).expect_ok(), "", "{text}");
    let before = made(&daemon);
    assert_eq!(run(&daemon, &["apply"], &text).expect_ok(), "");
    assert_eq!(made(&daemon), before);
    daemon.weft(&["namespace", "del", "red", "--recursive"]).expect_ok();
    run(&daemon, &["apply"], &text).expect_ok();
    assert_eq!(daemon.weft(&["config", "show", "--running"]).expect_ok(), text, "all of it is back");
}

#[test]
fn a_file_is_compared_applied_and_then_equal() {
    let daemon = Weftd::start();
    daemon.add_namespace("gone");
    assert!(run(&daemon, &["check"], GOOD).expect_ok().ends_with(": no mistakes\n"));
    let diff = run(&daemon, &["diff", "--json"], GOOD);
    assert_eq!(diff.status, 2, "it differs");
    let expected = [
        "add namespace red",
        "add port red:one",
        "add port red:two",
        "add fdb entry red/02:00:00:00:00:99",
        "add PvD red:work.example.",
        "del namespace gone",
    ];
    let mut told = names(&diff.stdout);
    told.sort();
    let mut sorted = expected.map(str::to_owned);
    sorted.sort();
    assert_eq!(told, sorted);
    let before = made(&daemon);
    let dry = run(&daemon, &["apply", "--dry-run", "--json"], GOOD);
    assert_eq!((dry.status, dry.stdout), (0, diff.stdout.clone()));
    assert_eq!(made(&daemon), before, "neither of them changed anything");
    let applied = run(&daemon, &["apply", "--json"], GOOD);
    assert_eq!((applied.status, applied.stdout), (0, diff.stdout));
    let diff = run(&daemon, &["diff", "--json"], GOOD);
    assert_eq!((diff.status, diff.stdout.trim()), (0, "[]"), "it does not differ any more");
    ping(&mut daemon.attach("one", 1), &mut daemon.attach("two", 2), 1);
}

/// Guests that a change does not concern do not notice it.
#[test]
fn only_what_differs_is_touched() {
    let daemon = Weftd::start();
    run(&daemon, &["apply"], GOOD).expect_ok();
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    ping(&mut one, &mut two, 1);
    let changed =
        GOOD.replace("mtu = 1500", "mtu = 1400") + "rdnss = [\"2001:db8::53\"]\n\n[[namespace]]\nname = \"blue\"\n";
    let text = run(&daemon, &["diff"], &changed);
    assert!(text.stdout.contains("~ port red:two: mtu 1500 -> 1400\n"), "{}", text.stdout);
    assert!(text.stdout.contains("+ namespace blue\n"), "{}", text.stdout);
    assert!(text.stdout.contains("~ PvD red:work.example.: rdnss none -> 2001:db8::53\n"), "{}", text.stdout);
    run(&daemon, &["apply"], &changed).expect_ok();
    ping(&mut one, &mut two, 2);
    assert_eq!(daemon.port("two")["mtu"], 1400);
    let moved = changed.replace("{dir}/two.sock", "{dir}/elsewhere.sock");
    let diff = run(&daemon, &["diff"], &moved);
    assert!(diff.stdout.contains("(its guest loses frames)"), "{}", diff.stdout);
    let refused = run(&daemon, &["apply"], &moved);
    assert!(refused.status == 5 && refused.stderr.contains("nothing was changed"), "{refused:?}");
    ping(&mut one, &mut two, 3);
    run(&daemon, &["apply", "--force"], &moved).expect_ok();
    assert!(two.frontend().wait_closed(Deadline::patient()), "its socket moved");
    let mut two = daemon.attach_as("elsewhere", GuestOptions::new("two", 2));
    ping(&mut one, &mut two, 4);
}

/// It is done, so the file and what runs are the same; but who asked for it hears that no guest can come.
#[test]
fn a_port_that_nobody_can_come_to_is_told() {
    let daemon = Weftd::start();
    let nowhere = GOOD.replace("{dir}/two.sock", "{dir}/missing/two.sock");
    let outcome = run(&daemon, &["apply"], &nowhere);
    assert!(outcome.status == 65 && outcome.stderr.contains("port red:two has no socket"), "{outcome:?}");
    assert_eq!(run(&daemon, &["diff"], &nowhere).status, 0);
}

#[test]
fn settings_that_wait_for_the_next_start_are_told() {
    let daemon = Weftd::start();
    let diff = run(&daemon, &["diff", "--json"], "[daemon]\nworkers = 4\n");
    assert_eq!(names(&diff.stdout), ["change setting workers"]);
    assert!(diff.stdout.contains("next starts"), "{}", diff.stdout);
}

/// A bad file: where, which key, what was expected; and nothing changes.
#[test]
fn a_mistake_is_told_with_file_line_key_and_expectation_and_changes_nothing() {
    let daemon = Weftd::start();
    run(&daemon, &["apply"], GOOD).expect_ok();
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    daemon.await_state("one", "up");
    daemon.await_state("two", "up");
    let before = made(&daemon);
    for (from, to, line, key, expected) in [
        ("mtu = 1500", "mtu = 20", 15, "mtu", "68 to 9216"),
        ("mtu = 1500", "mtu = \"large\"", 15, "mtu", "expected"),
        ("mtu = 1500", "mut = 1500", 15, "mut", "expected one of"),
        ("mtu = 1500", "queues = 99", 15, "queues", "1 to 8"),
        ("mtu = 1500", "role = \"king\"", 15, "role", "host, router, uplink or monitor"),
        ("mtu = 1500", "macs = \"some\"", 15, "macs", "own or any"),
        ("mtu = 1500", "mode = \"sideways\"", 15, "mode", "server, client"),
        ("\"02:77:65:66:74:02\"", "\"02:77\"", 14, "mac", "six hex pairs"),
        ("\"02:77:65:66:74:02\"", "\"02:77:65:66:74:01\"", 14, "mac", "in use by port \"red:one\""),
        ("name = \"two\"", "name = \"one\"", 11, "name", "in line 5"),
        ("name = \"two\"", "name = \"Two\"", 11, "name", "a-z 0-9"),
        ("{dir}/two.sock", "two.sock", 13, "vhost-user", "absolute path"),
        ("{dir}/two.sock", "{dir}/one.sock", 13, "vhost-user", "in use by port \"red:one\""),
        ("port = \"two\"", "port = \"three\"", 20, "port", "name of a [[port]]"),
        ("name = \"red\"", "name = \"red", 2, "", ""),
        ("[[fdb]]", "[[fbd]]", 17, "fbd", "expected one of"),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from} is not in the file");
        for verb in ["check", "diff", "apply"] {
            let outcome = run(&daemon, &[verb], &text);
            assert_eq!(outcome.status, 1, "{verb} of a file with {to}: {}{}", outcome.stdout, outcome.stderr);
            let place = format!("other.toml:{line}: ");
            for part in [&*place, key, expected] {
                assert!(outcome.stderr.contains(part), "{verb} {to}: {part:?} is not in {}", outcome.stderr);
            }
            assert_eq!(outcome.stdout, "");
        }
        assert_eq!(made(&daemon), before, "{to}");
    }
    ping(&mut one, &mut two, 1);
}

#[test]
fn a_mistake_is_told_to_programs_too() {
    let daemon = Weftd::start();
    let file = daemon.folder().join("bad.toml").display().to_string();
    std::fs::write(&file, "\n[[namespace]]\nname = \"red\"\nage = 1\n").expect("the folder is ours");
    let error = daemon.refusal(&["config", "apply", &file]);
    assert_eq!(error["error"], "org.weft.Switch1.Config");
    let told = &error["parameters"];
    assert_eq!(
        (&told["file"], &told["line"], &told["key"]),
        (&json!(file), &json!(4), &json!("namespace \"red\": age"))
    );
    assert!(told["message"].as_str().is_some_and(|text| text.contains("10 to 1000000")), "{told}");
    let hint = error["hint"].as_str().expect("a hint");
    assert!(hint.contains("nothing was changed"), "{hint}");
}

/// Neither a directory, nor bytes that are no text, nor a file that is too large reaches the daemon.
#[test]
fn files_that_are_no_configuration_are_refused() {
    let daemon = Weftd::start();
    let place = |name: &str| daemon.folder().join(name).display().to_string();
    std::fs::write(place("binary"), [0xff, 0xfe, 0, 1]).expect("the folder is ours");
    std::fs::write(place("huge"), "#".repeat((1 << 20) + 1)).expect("the folder is ours");
    for name in ["binary", "huge", "", "missing"] {
        let outcome = daemon.weft(&["config", "apply", &place(name)]);
        assert!(outcome.status == 1 && outcome.stderr.contains(&place(name)), "{name:?}: {outcome:?}");
    }
    daemon.json(&["status"]);
}
