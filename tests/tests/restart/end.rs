// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! SIGTERM ends the daemon in peace, SIGHUP makes it read its file again.
use std::fs;

use rustix::process::Signal;
use tests::guest::ping;
use tests::wait::{Deadline, until};
use tests::weftd::{Weftd, toml};

fn file() -> String {
    toml::namespace("red") + &toml::port("red", "one", 1)
}

#[test]
fn a_clean_end_removes_every_socket_and_keeps_the_state() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    ping(&mut one, &mut two, 1);
    assert!(daemon.stop().success());
    let sockets = ["ctl", "one", "two"].map(|name| daemon.port_path(name).exists());
    assert_eq!(sockets, [false; 3]);
    assert!(one.frontend().wait_closed(Deadline::patient()), "the session is over");
    daemon.restart();
    one.reconnect(Deadline::patient());
    two.reconnect(Deadline::patient());
    ping(&mut one, &mut two, 2);
}

#[test]
fn a_second_daemon_on_the_same_socket_is_refused() {
    let daemon = Weftd::start();
    let again = std::process::Command::new(tests::weftd::binary("weftd"))
        .arg("--socket")
        .arg(daemon.port_path("ctl"))
        .arg("--state")
        .arg(daemon.folder().join("other-state"))
        .output()
        .expect("weftd can be started");
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success() && said.contains("another weftd listens"), "{said}");
    daemon.json(&["status"]);
}

/// Each would write over what the other was told.
#[test]
fn a_second_daemon_with_the_same_state_is_refused() {
    let daemon = Weftd::start();
    let other = daemon.port_path("other-ctl");
    let again = std::process::Command::new(tests::weftd::binary("weftd"))
        .args(["--socket".as_ref(), other.as_path(), "--state".as_ref(), &daemon.folder().join("state")])
        .output()
        .expect("weftd can be started");
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success() && said.contains("another weftd keeps its state there"), "{said}");
    assert!(!other.exists(), "it leaves nothing behind");
    daemon.json(&["status"]);
}

fn write(daemon: &Weftd, text: &str) {
    let text = text.replace("{dir}", &daemon.folder().display().to_string());
    fs::write(daemon.folder().join("weft.toml"), text).expect("the file is ours");
}

#[test]
fn a_bad_file_changes_nothing_and_a_good_one_does() {
    let mut daemon = Weftd::start_configured(&file());
    daemon.add_port("red", "two", 2, &[]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    ping(&mut one, &mut two, 1);
    write(&daemon, &(file() + "mtu = \"large\"\n"));
    daemon.signal(Signal::HUP);
    until("the mistake in the log", Deadline::patient(), || daemon.log().contains("weft.toml:8"));
    assert!(daemon.log().contains("mtu"), "the key is named");
    ping(&mut one, &mut two, 2);
    assert_eq!(daemon.port("one")["mtu"], 1500);
    write(&daemon, &(file() + "mtu = 1400\n"));
    daemon.signal(Signal::HUP);
    daemon.await_port("one", |port| port["mtu"] == 1400);
    ping(&mut one, &mut two, 3);
    assert_eq!(daemon.port("two")["namespace"], "red", "what was made with weft stays");
    assert!(daemon.alive());
}

#[test]
fn a_daemon_does_not_start_with_a_bad_file_and_says_why() {
    let folder = tempfile::tempdir().expect("there is room");
    let file = folder.path().join("weft.toml");
    fs::write(&file, "[daemon]\nworkers = 0\n").expect("the folder is ours");
    for more in [&["--check-config"][..], &[]] {
        let outcome = std::process::Command::new(tests::weftd::binary("weftd"))
            .arg("--config")
            .arg(&file)
            .arg("--socket")
            .arg(folder.path().join("ctl.sock"))
            .args(more)
            .output()
            .expect("weftd can be started");
        let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
        assert!(!outcome.status.success());
        for part in ["weft.toml:2", "workers", "1 to 64"] {
            assert!(said.contains(part), "{part:?} is not in {said:?}");
        }
    }
}
