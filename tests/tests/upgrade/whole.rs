// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a successor has of the weftd before it, and what becomes its own.

use serde_json::json;
use tests::frames::{BROADCAST, numbered};
use tests::guest::ping;
use tests::wait::Deadline;
use tests::weftd::Weftd;

#[test]
fn what_was_learnt_and_said_is_there_and_sockets_are_its_own() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &["--macs", "any"]);
    daemon.add_port("red", "two", 2, &[]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    ping(&mut one, &mut two, 1);
    one.send(&numbered(BROADCAST, [2, 0, 0, 0, 9, 9], 0, 60));
    two.recv_until(Deadline::patient(), |got| got.frame[6..12] == [2, 0, 0, 0, 9, 9]).expect("it is flooded");
    let learnt = |daemon: &Weftd| {
        let entries = daemon.json(&["fdb", "list"]);
        let found = entries.as_array().expect("a list").iter().find(|entry| entry["mac"] == "02:00:00:00:09:09");
        found.map(|entry| entry["port"].clone())
    };
    assert_eq!(learnt(&daemon), Some(json!("one")));
    daemon.upgrade();
    assert_eq!(learnt(&daemon), Some(json!("one")), "nobody has said anything since");
    assert_eq!(daemon.port("one")["state"], "up");
    ping(&mut one, &mut two, 2);
    // The session ends as any other, and the next one begins.
    drop(two);
    daemon.await_state("two", "down");
    let mut two = daemon.attach("two", 2);
    ping(&mut one, &mut two, 3);
    daemon.weft(&["port", "del", "two", "--force"]).expect_ok();
    assert!(!daemon.port_path("two").exists(), "the socket went with its port");
    assert!(daemon.stop().success());
    assert_eq!(["ctl", "one"].map(|name| daemon.port_path(name).exists()), [false; 2]);
    daemon.restart();
    one.reconnect(Deadline::patient());
}

#[test]
fn a_port_without_a_guest_waits_for_it_on() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &["--client"]);
    let said = daemon.upgrade();
    assert_eq!(said["guests"], 0);
    let mut one = daemon.attach("one", 1);
    let options =
        tests::guest::GuestOptions { side: tests::guest::Side::Listens, ..tests::guest::GuestOptions::new("two", 2) };
    let mut two = daemon.attach_as("two", options);
    ping(&mut one, &mut two, 1);
    // The log level and all else come from the same command line.
    daemon.upgrade();
    ping(&mut one, &mut two, 2);
}
