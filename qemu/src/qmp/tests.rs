// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The client against a monitor that is played by a thread.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use super::*;

const GREETING: &str = r#"{"QMP": {"version": {"qemu": {"major": 10}}, "capabilities": []}}"#;

/// Plays a monitor: greets, then answers every request by what `answer` makes of it.
fn monitor(answer: impl Fn(&Value) -> String + Send + 'static) -> (Qmp, JoinHandle<Vec<String>>) {
    let (near, far) = UnixStream::pair().unwrap();
    let player = thread::spawn(move || {
        let mut writer = far.try_clone().unwrap();
        writeln!(writer, "{GREETING}").unwrap();
        let mut commands = Vec::new();
        for line in BufReader::new(far).lines().map_while(Result::ok) {
            let request: Value = serde_json::from_str(&line).unwrap();
            commands.push(request["execute"].as_str().unwrap().to_owned());
            writeln!(writer, "{}", answer(&request)).unwrap();
        }
        commands
    });
    (Qmp::new(LineStream::new(near), Duration::from_secs(10)), player)
}

fn done(request: &Value) -> String {
    json!({ "return": {}, "id": request["id"] }).to_string()
}

#[test]
fn negotiation_comes_before_the_first_command() {
    let (mut qmp, player) = monitor(done);
    qmp.stop().unwrap();
    qmp.cont().unwrap();
    drop(qmp);
    assert_eq!(player.join().unwrap(), ["qmp_capabilities", "stop", "cont"]);
}

#[test]
fn answers_are_matched_by_id_and_events_are_kept() {
    let (mut qmp, player) = monitor(|request| {
        let event = r#"{"event": "RESET", "data": {"guest": false}, "timestamp": {}}"#;
        let stale = r#"{"return": {"status": "stale"}, "id": 4711}"#;
        let answer = json!({ "return": { "status": "running" }, "id": request["id"] });
        format!("{event}\n{stale}\n{answer}")
    });
    assert_eq!(qmp.query_status().unwrap(), "running");
    let event = qmp.wait_event("RESET", Duration::from_secs(10)).unwrap();
    assert_eq!(event.data, json!({ "guest": false }));
    qmp.forget_events();
    assert!(qmp.wait_event("RESET", Duration::from_millis(1)).is_err());
    drop(qmp);
    player.join().unwrap();
}

#[test]
fn refusals_carry_the_words_of_qemu() {
    let (mut qmp, player) = monitor(|request| match request["execute"].as_str() {
        Some("device_del") => {
            let error = json!({ "class": "DeviceNotFound", "desc": "Device 'nic-a' not found" });
            json!({ "error": error, "id": request["id"] }).to_string()
        }
        _ => done(request),
    });
    let refusal = qmp.device_del("nic-a").unwrap_err().to_string();
    assert_eq!(refusal, "QMP device_del: Device 'nic-a' not found");
    drop(qmp);
    player.join().unwrap();
}

#[test]
fn a_monitor_that_says_nothing_or_rubbish_is_an_error() {
    let (near, mut far) = UnixStream::pair().unwrap();
    let mut qmp = Qmp::new(LineStream::new(near), Duration::from_millis(1));
    assert!(qmp.stop().unwrap_err().to_string().contains("in time"));
    qmp.limit = Duration::from_secs(10);
    far.write_all(b"login:\n").unwrap();
    assert!(qmp.stop().unwrap_err().to_string().contains("not JSON"));
    far.write_all(b"{}\n").unwrap();
    assert!(qmp.stop().unwrap_err().to_string().contains("greeting"));
    drop(far);
    assert!(qmp.stop().unwrap_err().to_string().contains("closed"));
}
