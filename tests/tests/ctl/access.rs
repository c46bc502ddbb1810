// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who may do what: the kernel says who calls (SO_PEERCRED), the daemon decides.
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tests::skip::can_be_others;
use tests::weftd::{Outcome, Weftd, binary};

/// A user that owns nothing, and a group that every Debian has.
const NOBODY: &str = "65534";
const GROUP: &str = "daemon";

/// A daemon that everybody can reach, and a `weft` that everybody can run.
fn open_to_all(config: &str) -> (Weftd, PathBuf) {
    let daemon = Weftd::start_configured(config);
    let weft = daemon.folder().join("weft");
    // By another process: a program that this one has open for writing, if only in a child that is being started, cannot
    // be run.
    let copied = Command::new("cp").arg(binary("weft")).arg(&weft).status();
    assert!(copied.is_ok_and(|status| status.success()), "the folder is ours");
    for path in [daemon.folder(), &weft] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("the folder is ours");
    }
    (daemon, weft)
}

/// Runs `weft` as nobody, in this group.
fn as_nobody(daemon: &Weftd, weft: &Path, group: &str, arguments: &[&str]) -> Outcome {
    as_member(daemon, weft, (group, "--clear-groups"), arguments)
}

/// The same, with supplementary groups as well: an option of setpriv.
fn as_member(daemon: &Weftd, weft: &Path, (group, groups): (&str, &str), arguments: &[&str]) -> Outcome {
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={NOBODY}"), &format!("--regid={group}"), groups]);
    command.arg(weft).arg("--socket").arg(daemon.port_path("ctl")).args(arguments).stdin(Stdio::null());
    let output = command.output().expect("setpriv can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome { status: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

#[test]
fn others_may_look_and_not_touch() {
    if !can_be_others() {
        return;
    }
    let (daemon, weft) = open_to_all("[[namespace]]\nname = \"red\"\n");
    daemon.add_port("red", "one", 1, &[]);
    let file = daemon.folder().join("weft.toml").display().to_string();
    let run = |arguments: &[&str]| as_nobody(&daemon, &weft, NOBODY, arguments);
    let looks: [&[&str]; 9] = [
        &["status"],
        &["namespace", "list"],
        &["namespace", "show", "red"],
        &["port", "list"],
        &["port", "show", "one"],
        &["fdb", "list"],
        &["explain"],
        &["config", "check", &file],
        &["call", "org.varlink.service.GetInfo"],
    ];
    for look in looks {
        run(look).expect_ok();
    }
    assert_eq!(run(&["config", "diff", &file]).status, 2, "a difference is told");
    let before = [daemon.json(&["namespace", "list"]), daemon.json(&["port", "list"]), daemon.json(&["fdb", "list"])];
    let touches: [(&[&str], &str); 11] = [
        (&["namespace", "add", "blue"], "namespace add"),
        (&["namespace", "del", "red"], "namespace del"),
        (&["port", "add", "two", "-n", "red", "--vhost-user", "/tmp/two.sock"], "port add"),
        (&["port", "set", "one", "--mtu", "1400"], "port set"),
        (&["port", "del", "one", "--force"], "port del"),
        (&["fdb", "add", "02:00:00:00:00:99", "-n", "red", "-p", "one"], "fdb add"),
        (&["fdb", "del", "02:00:00:00:00:99", "-n", "red"], "fdb del"),
        (&["fdb", "flush"], "fdb flush"),
        (&["config", "apply", &file], "config apply"),
        (&["config", "apply", "--dry-run", &file], "config apply"),
        (&["log", "set", "trace"], "log set"),
    ];
    for (touch, action) in touches {
        let outcome = run(&[touch, &["--json"]].concat());
        let error: Value = serde_json::from_str(&outcome.stderr).expect("a JSON error");
        assert_eq!((outcome.status, &error["error"]), (4, &"org.weft.Switch1.Denied".into()), "{touch:?}: {error}");
        assert_eq!(error["parameters"]["action"], action);
        assert!(error["parameters"]["needed"].as_str().is_some_and(|text| text.contains("root")), "{error}");
    }
    let after = [daemon.json(&["namespace", "list"]), daemon.json(&["port", "list"]), daemon.json(&["fdb", "list"])];
    assert_eq!(after, before);
}

#[test]
fn others_may_be_refused_altogether() {
    if !can_be_others() {
        return;
    }
    let (daemon, weft) = open_to_all("[daemon]\nothers = \"refuse\"\n");
    let early = as_nobody(&daemon, &weft, NOBODY, &["status"]);
    assert_eq!(early.status, 4, "the file's mode says it already: {}", early.stderr);
    // The mode is a courtesy: whoever gets around it is refused by name.
    fs::set_permissions(daemon.port_path("ctl"), Permissions::from_mode(0o666)).expect("the socket is ours");
    let outcome = as_nobody(&daemon, &weft, NOBODY, &["status"]);
    assert!(outcome.status == 4 && outcome.stderr.contains("status is not permitted"), "{}", outcome.stderr);
    as_nobody(&daemon, &weft, NOBODY, &["call", "org.varlink.service.GetInfo"]).expect_ok();
    daemon.json(&["status"]);
}

#[test]
fn members_of_the_group_administer() {
    if !can_be_others() {
        return;
    }
    let (daemon, weft) = open_to_all(&format!("[daemon]\nothers = \"refuse\"\ngroup = \"{GROUP}\"\n"));
    as_nobody(&daemon, &weft, GROUP, &["namespace", "add", "red"]).expect_ok();
    assert_eq!(daemon.json(&["namespace", "show", "red"])["name"], "red");
    let member = (NOBODY, &*format!("--groups=4242,{GROUP},4243"));
    as_member(&daemon, &weft, member, &["namespace", "add", "blue"]).expect_ok();
    assert_eq!(daemon.json(&["namespace", "show", "blue"])["name"], "blue");
    // More groups than anybody has, none of them the right one.
    let many: Vec<String> = (70_000..70_200).map(|group| group.to_string()).collect();
    let stranger = (NOBODY, &*format!("--groups={}", many.join(",")));
    assert_eq!(as_member(&daemon, &weft, stranger, &["namespace", "del", "blue"]).status, 4);
    let mode = fs::metadata(daemon.port_path("ctl")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
}
