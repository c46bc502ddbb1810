// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Moves whose destination is told when the guest stops: what its neighbours there send it meanwhile.

use serde_json::{Value, json};
use tests::frames::{Mac, numbered};
use tests::guest::{SyntheticGuest, ping};
use tests::wait::{Deadline, until};
use tests::weftd::{Waiting, Weftd};

use crate::moves::{arrive, stream};
use crate::peers::{NAMES, Peer};
use crate::scene::{MOVING, Scene, announce};

fn delivered(daemon: &Weftd, port: &str) -> u64 {
    daemon.port(port)["rx_frames"].as_u64().expect("a number")
}

/// Sends frames for the moving guest, each followed by one for all, until one does not leave by the uplink. Returns the number of
/// that one: it is the first that waits.
fn until_they_wait(scene: &Scene, there: &mut SyntheticGuest, guest: Mac) -> u64 {
    let sent = || scene.destination.port("there")["tx_frames"].as_u64().expect("a number");
    let mut number = 1_000;
    until("frames to wait", Deadline::patient(), || {
        number += 1;
        let (left, before) = (delivered(&scene.destination, "up"), sent());
        there.send(&numbered(guest, there.mac(), number, 100));
        there.send(&numbered([0xff; 6], there.mac(), 0, 60));
        until("both to be on their way", Deadline::patient(), || sent() == before + 2);
        delivered(&scene.destination, "up") == left + 1
    });
    number
}

/// A guest that leaves, and a neighbour where it goes.
fn moving(scene: &Scene) -> (SyntheticGuest, SyntheticGuest) {
    (scene.source.attach(MOVING.0, MOVING.1), scene.destination.attach("there", 2))
}

/// The guest goes to the destination while its neighbour there speaks to it.
fn move_under_stream(scene: &Scene, waiting: Waiting) {
    let (guest, mut there) = moving(scene);
    let mac = guest.mac();
    guest.quit().expect("the switch answers");
    let first = until_they_wait(scene, &mut there, mac);
    stream(&scene.destination, ("there", &mut there), mac, 2_000..2_050);
    let mut guest = scene.destination.attach(MOVING.0, MOVING.1);
    stream(&scene.destination, ("there", &mut there), mac, 2_050..2_060);
    let expected: Vec<u64> = std::iter::once(first).chain(2_000..2_060).collect();
    let all = arrive(&mut guest, 2_059);
    assert_eq!(all.into_iter().filter(|number| *number != 0).collect::<Vec<_>>(), expected);
    announce(&mut guest);
    assert_eq!(waiting.end(), (0, "moving: its guest has moved\n".to_owned()));
    assert_eq!(scene.stands(), [json!("moved"), Value::Null]);
}

#[test]
fn what_neighbours_send_to_a_guest_that_is_about_to_come_arrives_once_and_in_order() {
    let scene = Scene::new();
    let waiting = scene.prepare_and_wait();
    move_under_stream(&scene, waiting);
}

#[test]
fn over_tls_as_well() {
    let scene = Scene::new();
    let peer = Peer::start(&scene.destination, &[]);
    let to = format!("tls:{}", peer.address);
    let shown = peer.guest();
    let words = shown.options().iter().map(String::as_str);
    let way: Vec<&str> = words.chain(["--peer", NAMES[0], "--to", &to]).collect();
    let waiting = scene.source.hand_over_by(MOVING.0, &scene.destination, &way);
    peer.says("here.example: org.weft.Switch1.MoveTell\n");
    move_under_stream(&scene, waiting);
}

#[test]
fn what_waited_for_a_guest_whose_migration_fails_follows_it_back_in_order() {
    let scene = Scene::new();
    let (mut guest, mut there) = moving(&scene);
    let waiting = scene.prepare_and_wait();
    ping(&mut there, &mut guest, 1);
    for round in [2_000, 3_000] {
        guest.pause(true).expect("the switch answers");
        let first = until_they_wait(&scene, &mut there, guest.mac());
        stream(&scene.destination, ("there", &mut there), guest.mac(), round..round + 50);
        guest.pause(false).expect("the switch answers");
        stream(&scene.destination, ("there", &mut there), guest.mac(), round + 50..round + 60);
        let mut all = arrive(&mut guest, round + 59);
        // Those before were on their way already.
        all.retain(|number| *number >= first && *number != 0);
        assert_eq!(all, std::iter::once(first).chain(round..round + 60).collect::<Vec<u64>>());
    }
    assert_eq!(scene.stands(), [json!("leaving"), json!("staged")]);
    ping(&mut there, &mut guest, 2);
    scene.source.weft(&["migrate", "cancel", MOVING.0]).expect_ok();
    let told = "moving: stays; the other weftd has given up its port\n".to_owned();
    assert_eq!(waiting.end(), (2, told), "who waited tells the destination");
    assert!(scene.destination.weft(&["port", "show", MOVING.0]).status == 2, "and there it is no more");
    assert_eq!(scene.source.port(MOVING.0)["handover"], Value::Null);
    ping(&mut there, &mut guest, 3);
    scene.prepare(&[]).expect_ok();
}

#[test]
fn a_move_that_is_cancelled_is_cancelled_at_both_ends_or_it_is_said_where_it_is_not() {
    let scene = Scene::new();
    let control = scene.destination.folder().join("ctl.sock").display().to_string();
    let cancel = |to: &str| scene.source.weft(&["migrate", "cancel", MOVING.0, "--to", to]);
    scene.prepare(&[]).expect_ok();
    assert_eq!(cancel(&control).expect_ok(), "moving: stays; the other weftd has given up its port\n");
    assert_eq!(scene.destination.weft(&["port", "show", MOVING.0]).status, 2);
    scene.prepare(&[]).expect_ok();
    let untold = cancel("/does/not/exist");
    assert!(untold.status == 3 && untold.stderr.contains("it is staged still"), "{}", untold.stderr);
    assert!(untold.stderr.contains("hint: `weft port del` there takes it away"), "{}", untold.stderr);
    assert_eq!(scene.stands(), [Value::Null, json!("staged")]);
    scene.destination.weft(&["port", "del", MOVING.0]).expect_ok();
    scene.prepare(&[]).expect_ok();
    scene.destination.weft(&["port", "del", MOVING.0]).expect_ok();
    assert_eq!(cancel(&control).expect_ok(), "moving: stays; the other weftd has no port by that move\n");
}

#[test]
fn lies_about_a_guest_that_is_here_change_nothing() {
    let scene = Scene::new();
    let file = scene.exported();
    let document = std::fs::read_to_string(&file).expect("it is ours");
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let [file, socket] = [file, scene.destination.port_path(MOVING.0)].map(|path| path.display().to_string());
    scene.destination.weft(&["port", "import", &file, "--vhost-user", &socket]).expect_ok();
    let say = |id: &str, guest: &str| {
        let word = json!({ "id": id, "guest": guest }).to_string();
        scene.destination.weft(&["call", "MoveTell", &word])
    };
    let id = document["move"]["id"].as_str().expect("it has one");
    let mut there = scene.destination.attach("there", 2);
    for guest in ["runs", "stopped", "stopped", "runs", "gone"] {
        assert!(say(id, guest).expect_ok().contains("staged"), "{guest}");
    }
    let mut guest = scene.destination.attach(MOVING.0, MOVING.1);
    announce(&mut guest);
    until("it is here", Deadline::patient(), || scene.stands()[1] == Value::Null);
    for (sequence, guest_is) in (1..).zip(["stopped", "stopped", "stays", "gone", "runs"]) {
        assert!(!say(id, guest_is).expect_ok().contains("staged"));
        ping(&mut there, &mut guest, sequence);
    }
    for unknown in ["1-0000000000000001", "nonsense", ""] {
        let refused = say(unknown, "stopped");
        assert!(refused.status == 1 && refused.stderr.contains("Invalid"), "{unknown}: {}", refused.stderr);
    }
    ping(&mut there, &mut guest, 9);
}
