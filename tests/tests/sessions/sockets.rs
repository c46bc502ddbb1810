// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Sockets: stale ones, busy ones, and those that systemd made.
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use tests::frontend::Frontend;
use tests::guest::ping;
use tests::skip::skip;
use tests::wait::Deadline;
use tests::weftd::{Weftd, toml};

fn daemon() -> Weftd {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon
}

#[test]
fn a_socket_that_nobody_listens_on_is_replaced() {
    let daemon = daemon();
    drop(UnixListener::bind(daemon.port_path("one")).expect("the path is free"));
    assert!(daemon.port_path("one").exists(), "a listener leaves its file behind");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    ping(&mut daemon.attach("one", 1), &mut daemon.attach("two", 2), 1);
}

#[test]
fn what_others_use_is_left_alone_and_named() {
    let daemon = daemon();
    let others = UnixListener::bind(daemon.port_path("one")).expect("the path is free");
    std::fs::write(daemon.port_path("two"), "not a socket").expect("the path is free");
    for (name, reason) in [("one", "another process listens on"), ("two", "is not a socket")] {
        let path = daemon.port_path(name).display().to_string();
        let error = daemon.refusal(&["port", "add", name, "--namespace", "red", "--vhost-user", &path]);
        assert_eq!(error["exit_code"], 65, "{error}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains(reason) && message.contains(&path), "{error}");
    }
    assert_eq!(daemon.json(&["port", "list"]), serde_json::json!([]), "no port is left behind that could never work");
    drop(others);
    daemon.add_port("red", "one", 1, &[]);
    assert_eq!(std::fs::read_to_string(daemon.port_path("two")).expect("it is still there"), "not a socket");
}

/// A configured port whose socket is taken is down and says why; it comes up when the path is free.
#[test]
fn a_configured_port_waits_for_its_path() {
    let port = toml::port("red", "one", 1).replace("one.sock", "folder/one.sock");
    let text = toml::namespace("red") + &port;
    let daemon = Weftd::start_configured(&text);
    let port = daemon.await_reason("one", "does not exist");
    assert_eq!(port["state"], "down", "{port}");
    std::fs::create_dir(daemon.folder().join("folder")).expect("the directory is ours");
    daemon.await_port("one", |_| daemon.folder().join("folder/one.sock").exists());
}

#[test]
fn a_second_connection_to_a_busy_port_is_refused_and_told() {
    let daemon = daemon();
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    ping(&mut one, &mut two, 1);
    for _ in 0..20 {
        let intruder = Frontend::connect(&daemon.port_path("one")).expect("the port listens");
        assert!(intruder.wait_closed(Deadline::patient()), "a busy port hangs up");
    }
    let port = daemon.await_reason("one", "while another frontend is served");
    assert!(port["reason"].as_str().is_some_and(|text| text.contains(&format!("process {}", std::process::id()))));
    assert_eq!(port["state"], "up", "{port}");
    ping(&mut one, &mut two, 2);
    // And when the first one is gone the next is welcome.
    one.hang_up();
    ping(&mut daemon.attach("one", 1), &mut two, 3);
}

#[test]
fn sockets_that_systemd_made_are_served_and_left_to_it() {
    const HELPER: &str = "systemd-socket-activate";
    if Command::new(HELPER).arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip("systemd-socket-activate is not installed");
    }
    let wrapper = [HELPER, "--listen={dir}/ctl.sock", "--listen={dir}/one.sock"];
    let mut daemon = Weftd::start_under(&wrapper);
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    ping(&mut one, &mut two, 1);
    daemon.weft(&["port", "del", "one", "--force"]).expect_ok();
    daemon.add_port("red", "one", 1, &[]);
    let mut again = daemon.attach("one", 1);
    ping(&mut again, &mut two, 2);
    assert!(daemon.stop().success());
    let left = |name: &str| daemon.port_path(name).exists();
    assert_eq!((left("one"), left("two"), left("ctl")), (true, false, true), "what systemd made is systemd's");
}
