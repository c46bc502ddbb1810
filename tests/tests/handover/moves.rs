// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Moves that are accepted.

use std::ops::Range;

use serde_json::{Value, json};
use tests::frames::{Mac, number_of, numbered};
use tests::guest::{SyntheticGuest, ping};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

use crate::scene::{MOVING, Scene, advertise, announce};

#[test]
fn a_guest_is_reached_by_all_before_it_moves_and_after_and_when_it_is_back() {
    let scene = Scene::new();
    let (source, destination) = (&scene.source, &scene.destination);
    let (mut here, mut there) = (source.attach("here", 1), destination.attach("there", 2));
    let mut guest = source.attach(MOVING.0, MOVING.1);
    let told = scene.prepare(&[]).expect_ok();
    assert!(told.starts_with("red:moving: staged"), "{told}");
    assert_eq!(scene.stands(), [json!("leaving"), json!("staged")]);
    // Nobody has heard the guest there yet, and it is reached from there.
    ping(&mut there, &mut guest, 1);
    ping(&mut here, &mut guest, 2);
    assert_eq!(scene.stands(), [json!("leaving"), json!("staged")], "it runs at the source");
    guest.quit().expect("the switch answers");
    let mut guest = destination.attach(MOVING.0, MOVING.1);
    announce(&mut guest);
    until("both know where the guest is", Deadline::patient(), || scene.stands() == [json!("moved"), Value::Null]);
    ping(&mut here, &mut guest, 3);
    ping(&mut there, &mut guest, 4);
    destination.hand_over(MOVING.0, source, &[]).expect_ok();
    assert_eq!(scene.stands(), [json!("staged"), json!("leaving")]);
    ping(&mut here, &mut guest, 5);
    guest.quit().expect("the switch answers");
    let mut guest = source.attach(MOVING.0, MOVING.1);
    announce(&mut guest);
    until("both know that it is back", Deadline::patient(), || scene.stands() == [Value::Null, json!("moved")]);
    ping(&mut here, &mut guest, 6);
    ping(&mut there, &mut guest, 7);
}

#[test]
fn a_migration_that_is_cancelled_or_fails_leaves_all_as_it_was() {
    let scene = Scene::new();
    let (source, destination) = (&scene.source, &scene.destination);
    let (mut here, mut there) = (source.attach("here", 1), destination.attach("there", 2));
    let mut guest = source.attach(MOVING.0, MOVING.1);
    scene.prepare(&[]).expect_ok();
    // The guest is stopped, and goes on where it was.
    guest.detach().expect("the switch answers");
    let mut guest = source.attach(MOVING.0, MOVING.1);
    ping(&mut here, &mut guest, 1);
    ping(&mut there, &mut guest, 2);
    source.weft(&["migrate", "cancel", MOVING.0]).expect_ok();
    destination.weft(&["port", "del", MOVING.0]).expect_ok();
    assert_eq!(source.port(MOVING.0)["handover"], Value::Null);
    ping(&mut there, &mut guest, 3);
    scene.prepare(&[]).expect_ok();
}

#[test]
fn a_port_takes_its_numbers_features_entries_and_what_its_routers_said() {
    let scene = Scene::new();
    let (source, destination) = (&scene.source, &scene.destination);
    let mut router = source.attach("gw", 9);
    let _guest = source.attach(MOVING.0, MOVING.1);
    source.weft(&["fdb", "add", "02:00:00:00:00:77", "-n", "red", "--port", MOVING.0]).expect_ok();
    source.weft(&["pvd", "create", "work.example", "-n", "red", "--rdnss", "2001:db8::53"]).expect_ok();
    // It has been said before the uplink is there.
    destination.weft(&["port", "set", "up", "--role", "host"]).expect_ok();
    advertise(&mut router, "a.example");
    let ras = || source.json(&["ra", "list"]);
    until("the advertisement", Deadline::patient(), || ras().as_array().is_some_and(|ras| ras.len() == 1));
    destination.weft(&["port", "set", "up", "--role", "uplink"]).expect_ok();
    let told = scene.prepare(&["--json"]).expect_ok();
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["learnt"], &told["pvds"], &told["already"]), (&json!(1), &json!(1), &json!(false)));
    let ports = [source, destination].map(|daemon| daemon.port(MOVING.0));
    for same in ["number", "mac", "mtu", "queues", "role", "macs", "limits"] {
        assert_eq!(ports[0][same], ports[1][same], "{same}");
    }
    assert!(ports[0]["limits"].as_object().is_some_and(|limits| !limits.is_empty()), "{}", ports[0]);
    let ra = destination.json(&["ra", "list"]);
    assert_eq!(
        (&ra[0]["pvd"], &ra[0]["port"], &ra[0]["router"]),
        (&json!("a.example."), &json!("up"), &json!("fe80::1"))
    );
    assert!((1..=1800).contains(&ra[0]["expires_s"].as_u64().expect("a number")), "{ra}");
    let pvds = destination.json(&["pvd", "list"]);
    assert_eq!(pvds.as_array().map(Vec::len), Some(2), "{pvds}");
    let entries = destination.json(&["fdb", "list"]);
    let own = |entry: &Value| entry["mac"] == "02:00:00:00:00:77" && entry["kind"] == "static";
    assert!(entries.as_array().is_some_and(|entries| entries.iter().any(own)), "{entries}");
    let state = |daemon: &Weftd| {
        let text = std::fs::read_to_string(daemon.folder().join("state/state.json")).expect("it is saved");
        serde_json::from_str::<Value>(&text).expect("JSON")["offered"]["red:moving"].clone()
    };
    assert_eq!(state(source), state(destination), "features never shrink");
}

#[test]
fn where_a_move_stands_survives_kill_9_and_the_same_move_comes_once() {
    let mut scene = Scene::new();
    let _guest = scene.source.attach(MOVING.0, MOVING.1);
    let file = scene.exported();
    let socket = scene.destination.port_path(MOVING.0);
    let [file, socket] = [file, socket].map(|path| path.display().to_string());
    let import = ["port", "import", &file, "--vhost-user", &socket];
    scene.destination.weft(&import).expect_ok();
    let again = scene.destination.weft(&import).expect_ok();
    assert_eq!(again, "red:moving: had come by this export already\n");
    scene.prepare(&[]).expect_ok();
    let older = scene.destination.weft(&import);
    assert!(older.status == 1 && older.stderr.contains("export it anew"), "{}", older.stderr);
    scene.source.restart();
    scene.destination.restart();
    assert_eq!(scene.stands(), [json!("leaving"), json!("staged")]);
    let mut there = scene.destination.attach("there", 2);
    let mut guest = scene.source.attach(MOVING.0, MOVING.1);
    ping(&mut there, &mut guest, 1);
}

/// Sends frames of these numbers to the moving guest, and waits until the switch has them.
pub(crate) fn stream(daemon: &Weftd, (name, from): (&str, &mut SyntheticGuest), to: Mac, numbers: Range<u64>) {
    let sent = || daemon.port(name)["tx_frames"].as_u64().expect("a number");
    let before = sent();
    numbers.clone().for_each(|number| from.send(&numbered(to, from.mac(), number, 200)));
    let count = numbers.end - numbers.start;
    until("the frames are on their way", Deadline::patient(), || sent() >= before + count);
}

/// The numbers of frames that a guest gets, up to the last one.
pub(crate) fn arrive(guest: &mut SyntheticGuest, last: u64) -> Vec<u64> {
    let mut all = Vec::new();
    let deadline = Deadline::patient();
    while all.last() != Some(&last) {
        let received = guest.recv_until(deadline, |received| number_of(&received.frame).is_some());
        let received = received.unwrap_or_else(|| panic!("only {all:?} came"));
        all.extend(number_of(&received.frame));
    }
    all
}

#[test]
fn what_is_sent_while_a_guest_is_on_its_way_arrives_once_and_in_order() {
    let scene = Scene::new();
    let (source, destination) = (&scene.source, &scene.destination);
    let (mut here, mut guest) = (source.attach("here", 1), source.attach(MOVING.0, MOVING.1));
    let mac = guest.mac();
    scene.prepare(&[]).expect_ok();
    // It is stopped, and the migration fails.
    guest.pause(true).expect("the switch answers");
    stream(source, ("here", &mut here), mac, 0..50);
    guest.pause(false).expect("the switch answers");
    stream(source, ("here", &mut here), mac, 50..60);
    assert_eq!(arrive(&mut guest, 59), (0..60).collect::<Vec<u64>>());
    guest.quit().expect("the switch answers");
    stream(source, ("here", &mut here), mac, 100..150);
    let mut guest = destination.attach(MOVING.0, MOVING.1);
    announce(&mut guest);
    until("it is known to have moved", Deadline::patient(), || scene.stands()[0] == "moved");
    stream(source, ("here", &mut here), mac, 150..160);
    assert_eq!(arrive(&mut guest, 159), (100..160).collect::<Vec<u64>>());
    let drops = source.port(MOVING.0)["drops"].clone();
    assert!(drops.get("hold-full").is_none(), "{drops}");
}
