// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How the command fails: exit codes, sentences, hints.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Ran, weft, with_input};
use crate::cli::{Streams, run};
use crate::codec::Reply;
use crate::proto::v1::Error;
use crate::testing::samples;
use crate::testing::server::{Server, sample};

fn without_server(line: &str) -> Ran {
    with_input(["weft", "--socket", "/nonexistent/ctl.sock"].into_iter().chain(line.split_whitespace()), b"", false)
}

#[test]
fn every_error_of_weftd_has_its_exit_code_and_sentence() {
    for (error, code) in samples::errors().into_iter().zip([2, 6, 5, 5, 1, 4, 5, 5, 1, 65]) {
        let ran = weft(&Server::with_error(error.clone()), "port del vm1", false);
        assert_eq!((ran.code, ran.output.as_str()), (code, ""), "{error:?}");
        let first = format!("error: {} ({})", error.message(), error.to_wire().0);
        assert_eq!(ran.errors.lines().next(), Some(first.as_str()));
        let hint = error.hint().map(|hint| format!("hint: {hint}"));
        assert_eq!(ran.errors.lines().nth(1).map(str::to_owned), hint);
    }
}

#[test]
fn errors_are_json_where_json_was_asked_for() {
    let ran = weft(&Server::with_error(samples::errors().remove(0)), "--json port show p9", false);
    let error: Value = serde_json::from_str(&ran.errors).unwrap();
    let expected = json!({
        "error": "org.weft.Switch1.NotFound",
        "parameters": {"kind": "port", "name": "p9"},
        "message": "port \"p9\" not found",
        "hint": "`weft port list` shows what exists",
        "exit_code": 2,
    });
    assert_eq!(error, expected);
}

#[test]
fn hostile_text_in_errors_is_escaped() {
    let why = Error::Failed { message: "a\x1b[31m\nhint: lie".to_owned() };
    let errors = weft(&Server::with_error(why), "status", false).errors;
    assert!(errors.starts_with("error: a\\u{1b}[31m\\nhint: lie ("), "{errors}");
}

#[test]
fn wrong_usage_exits_with_1() {
    let lines = [
        "",
        "fly",
        "port",
        "port add",
        "port set vm1",
        "namespace set red --ra-throttle 0",
        "namespace set red --ra-throttle often",
        "port set vm1 --inject-pvd ,http",
        "port set vm1 --inject-pvd a.example,R",
        "port set vm1 --inject-pvd a.example,sequence=65536",
        "pvd bind vm1",
        "pvd bind vm1 --pvd",
        "pvd bind vm1 --all --none",
        "pvd bind --pvd a.example",
        "pvd create a.example",
        "pvd set a.example -n red",
        "pvd set a.example -n red --announce fe80::1",
        "pvd set a.example -n red --mtu big",
        "port add vm1 --vhost-user x",
        "port add red:vm1 -n red --vhost-user x",
        "port add vm1 -n red --vhost-user x --role king",
        "port add vm1 -n red --vhost-user x --mtu many",
        "port add vm1 -n red --vhost-user x --tx-frames many",
        "port set vm1 --rx-bytes 0",
        "port set vm1 --rx-bytes 10K",
        "port set vm1 --flood-frames 10:",
        "--json=2 port list",
        "--json=x port list",
        "-T 0 status",
        "log set info --for ever",
        "call Status [1]",
        "call Status {",
        "config check /nonexistent/file",
        "completions tcsh2",
    ];
    for line in lines {
        let ran = without_server(line);
        assert_eq!((ran.code, ran.output.as_str()), (1, ""), "{line:?}");
        assert!(!ran.errors.is_empty(), "{line:?} is explained");
    }
}

#[test]
fn usage_that_is_wrong_is_explained_in_few_words() {
    for (line, why) in [
        ("port set vm1", "say what to change: `weft port set --help`"),
        ("namespace set red", "say what to change: `weft namespace set --help`"),
        ("port set vm1 --mtu 100000", "expected bytes, 68 to 9216"),
        ("link add red:a blue:b --mtu many", "expected bytes, 68 to 9216"),
        ("namespace delegate red --listen x --uid joe", "expected a number; `id NAME` tells it"),
        ("port add vm1 -n red", "<--vhost-user <PATH>|--lane <LANE>>"),
        ("port add vm1 --vhost-user x", "which is / for a tenant"),
    ] {
        let ran = without_server(line);
        assert_eq!(ran.code, 1, "{line}");
        assert!(ran.errors.contains(why) && ran.errors.lines().count() < 10, "{line}: {}", ran.errors);
    }
}

#[test]
fn hints_are_given_where_they_can_be_followed() {
    let exists = Error::Exists { kind: "port".into(), name: "red:vm1".into() };
    for (line, can) in [
        ("port add red:vm1 --vhost-user x", true),
        ("namespace add red", true),
        ("link add red:vm1 blue:vm1", false),
        ("port import -", false),
    ] {
        let ran = weft(&Server::with_error(exists.clone()), line, false);
        assert_eq!((ran.code, ran.errors.contains("--may-exist")), (5, can), "{line}: {}", ran.errors);
    }
    let mistake = Error::Config { file: "f".into(), line: 1, key: String::new(), message: "empty".into() };
    for (line, can) in [("config apply -", true), ("config check -", false), ("config diff -", false)] {
        let ran = weft(&Server::with_error(mistake.clone()), line, false);
        assert_eq!((ran.code, ran.errors.contains("nothing was changed")), (1, can), "{line}: {}", ran.errors);
    }
    for (name, can) in [("red", true), ("/", false)] {
        let inside = Error::InUse { kind: "namespace".into(), name: name.into(), by: "port \"red:vm1\"".into() };
        let ran = weft(&Server::with_error(inside), &format!("namespace del {name}"), false);
        assert_eq!(ran.errors.contains("--recursive"), can, "{}", ran.errors);
    }
    let guest = |by: &str| Error::InUse { kind: "port".into(), name: "vm1".into(), by: by.into() };
    for (by, can) in [("a connected guest", true), ("its link with \"blue:down\"", false)] {
        let ran = weft(&Server::with_error(guest(by)), "port del vm1", false);
        assert_eq!(ran.errors.contains("--force"), can, "{}", ran.errors);
    }
}

#[test]
fn a_router_that_nobody_has_heard_is_not_found() {
    let ran = weft(&Server::with_samples(), "ra dump red fe80::99", false);
    assert_eq!((ran.code, ran.output.as_str()), (2, ""));
    assert!(ran.errors.contains("\"red:fe80::99\" not found"), "{}", ran.errors);
}

#[test]
fn a_daemon_that_does_not_run_exits_with_3_and_a_hint() {
    for line in ["status", "port list", "call Status"] {
        let ran = without_server(line);
        assert_eq!(ran.code, 3, "{line}");
        assert!(ran.errors.contains("error: cannot reach weftd at /nonexistent/ctl.sock"), "{}", ran.errors);
        assert!(ran.errors.contains("\nhint: is weftd running?"), "{}", ran.errors);
    }
    let error: Value = serde_json::from_str(&without_server("-j status").errors).unwrap();
    assert_eq!((&error["error"], &error["exit_code"]), (&json!("Unreachable"), &json!(3)));
}

#[test]
fn a_configuration_must_fit_into_a_message() {
    let server = Server::with_samples();
    let path = server.path();
    let words = || ["weft", "--socket", path.to_str().unwrap(), "config", "check", "-"].into_iter();
    assert_eq!(with_input(words(), &vec![b'#'; (1 << 20) + 1], false).code, 1);
    assert_eq!(with_input(words(), b"\xff", false).code, 1, "not text");
}

#[test]
fn raw_calls_fail_like_verbs() {
    let ran = weft(&Server::with_samples(), "call Fly", false);
    assert_eq!(ran.code, 1);
    assert!(ran.errors.contains("org.varlink.service.MethodNotFound"), "{}", ran.errors);
    let two = Server::start(Box::new(|_| {
        let page = Reply::result(&json!({"page": 1})).unwrap();
        vec![page.clone().continued(), page]
    }));
    assert_eq!(weft(&two, "call --more FdbList", false).output, "{\"page\":1}\n{\"page\":1}\n");
}

/// A writer whose reader is gone.
struct Closed(io::ErrorKind);

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn into(kind: io::ErrorKind) -> (u8, String) {
    let server = Server::with_samples();
    let path = server.path();
    let mut errors = Vec::new();
    let streams = Streams { input: &mut io::empty(), output: &mut Closed(kind), errors: &mut errors, terminal: false };
    let code = run(["weft", "--socket", path.to_str().unwrap(), "port", "list"], streams);
    (code, String::from_utf8(errors).unwrap())
}

#[test]
fn a_closed_pipe_is_quiet_and_a_full_disk_is_not() {
    assert_eq!(into(io::ErrorKind::BrokenPipe), (0, String::new()));
    let (code, errors) = into(io::ErrorKind::StorageFull);
    assert_eq!(code, 65);
    assert!(errors.starts_with("error: cannot write the answer"), "{errors}");
}

#[test]
fn a_namespace_that_goes_slowly_is_waited_for_and_says_for_what() {
    // Twice it is still there, for two reasons, and then it is not.
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(Box::new(move |call| {
        let turn = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut left = samples::zombies();
        match turn {
            1 => {}
            2 => left.zombies[0].waits_for[0] = "3 workers".to_owned(),
            _ => left.zombies.clear(),
        }
        vec![if turn == 0 { sample(call) } else { Reply::result(&left).unwrap() }]
    }));
    let ran = weft(&server, "namespace del red --recursive", false);
    let errors = "waiting for: a session or worker of port \"vm1\"\nwaiting for: 3 workers\n";
    assert_eq!((ran.code, ran.output.as_str(), ran.errors.as_str()), (0, "", errors));
    assert_eq!(server.calls().len(), 4);
}

#[test]
fn a_namespace_that_does_not_go_is_a_timeout_unless_nobody_waits() {
    let ran = weft(&Server::with_samples(), "namespace del red --timeout 1", false);
    assert_eq!((ran.code, ran.output.as_str()), (124, ""));
    let last = "error: namespace \"red\" is deleted and not gone yet: it waits for a session or worker of port \"vm1\"";
    assert!(ran.errors.contains(last), "{}", ran.errors);
    let ran = weft(&Server::with_samples(), "namespace del red --no-wait", false);
    assert_eq!((ran.code, ran.errors.as_str()), (0, ""));
}
