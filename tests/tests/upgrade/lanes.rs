// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes that are no rings: who is at their other end notices nothing, whatever is under way.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::json;
use tests::driver::{Shape, VnetHeader};
use tests::frames::{BROADCAST, Mac, number_of, numbered};
use tests::guest::{GuestOptions, SyntheticGuest};
use tests::netns::{Netns, can_have_namespaces};
use tests::wait::{Deadline, for_value, until};
use tests::weftd::Weftd;

use crate::failed::{Scene, says};
use crate::far::{Far, behind_its_length, uplink};

/// Who sends over the lane.
const FAR: Mac = [2, 0, 0, 0, 0, 0x77];
/// Frames that are under way at once.
const WINDOW: u64 = 8;
/// Pairs of queues that the guest has.
const PAIRS: usize = 2;
/// Upgrades in a row, while frames are under way.
const UPGRADES: usize = 4;
/// Upgrades that succeed are spoken of in this format at least.
const HELLO: &str = r#"{"hello":{"reads":[3,2,1],"weft":"9.9"}}"#;

/// A guest and the far end of the uplink, who send each other numbers. Each queue of the guest's is a row of its own.
struct Talk {
    guest: SyntheticGuest,
    far: Far,
    /// Sent by each queue of the guest's, and how many of these came.
    guests: [(u64, u64); PAIRS],
    /// Sent by the far end, and what of it came.
    fars: u64,
    heard: u64,
}

impl Talk {
    fn new(guest: SyntheticGuest, far: Far) -> Talk {
        Talk { guest, far, guests: [(0, 0); PAIRS], fars: 0, heard: 0 }
    }

    fn turn(&mut self) {
        let from = self.guest.mac();
        for (pair, (sent, came)) in self.guests.iter_mut().enumerate() {
            while *sent - *came < WINDOW {
                let frame = numbered(BROADCAST, from, *sent * PAIRS as u64 + pair as u64, 300);
                self.guest.send_as(pair, &Shape::whole(), VnetHeader::default(), &frame);
                *sent += 1;
            }
        }
        while self.fars - self.heard < WINDOW && self.far.send(&numbered(BROADCAST, FAR, self.fars, 300)) {
            self.fars += 1;
        }
        self.receive();
    }

    fn receive(&mut self) {
        self.far.settle();
        let guest = &mut self.guest;
        for number in std::iter::from_fn(|| guest.recv()).filter_map(|got| number_of(&got.frame)) {
            assert_eq!(number, self.heard, "to the guest: none is lost, doubled or overtaken");
            self.heard += 1;
        }
        // weft itself says on uplinks where guests are.
        let far = &mut self.far;
        for number in std::iter::from_fn(|| far.recv()).filter_map(|frame| number_of(&frame)) {
            let came = &mut self.guests[number as usize % PAIRS].1;
            assert_eq!(number / PAIRS as u64, *came, "from the guest: none is lost, doubled or overtaken");
            *came += 1;
        }
    }
}

fn upgraded_under_traffic(mut daemon: Weftd, far: impl Fn(&Weftd) -> Far) -> Weftd {
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &["--queues", "2"]);
    let guest = daemon.attach_as("one", GuestOptions { queue_pairs: PAIRS as u16, ..GuestOptions::new("one", 1) });
    let far = far(&daemon);
    daemon.await_state("up", "up");
    let mut talk = Talk::new(guest, far);
    for _ in 0..UPGRADES {
        let mut upgrading = daemon.begin_upgrade();
        while !upgrading.is_over() {
            talk.turn();
        }
        let said = upgrading.outcome().unwrap_or_else(|why| panic!("{why}"));
        eprintln!("no ring and no lane ran for {} us", said["gap_us"]);
        daemon.succeeded_by(&said);
        let fresh = (talk.fars, talk.guests.map(|(sent, _)| sent));
        until("traffic to flow", Deadline::patient(), || {
            talk.turn();
            talk.heard > fresh.0 && (0..PAIRS).all(|pair| talk.guests[pair].1 > fresh.1[pair])
        });
    }
    until("all to arrive", Deadline::patient(), || {
        talk.receive();
        talk.heard == talk.fars && talk.guests.iter().all(|(sent, came)| sent == came)
    });
    daemon
}

/// Whoever comes later finds its socket, and it goes with the weftd whose it is.
fn assert_had(mut daemon: Weftd) {
    assert!(daemon.port_path("near").exists());
    assert!(daemon.stop().success());
    assert!(!daemon.port_path("near").exists());
}

#[test]
fn datagrams_go_on() {
    assert_had(upgraded_under_traffic(Weftd::start(), Far::dgram));
}

#[test]
fn a_connection_goes_on_in_the_middle_of_frames() {
    assert_had(upgraded_under_traffic(Weftd::start(), Far::stream));
}

/// What has come is in a ring that the kernel fills on, whoever reads it.
#[test]
fn a_netdev_goes_on_with_what_is_in_its_ring() {
    if !can_have_namespaces() {
        return;
    }
    let netns = Netns::make();
    let workers = || Weftd::start_with(&["--workers", "2"]);
    for daemon in [netns.inside(Weftd::start), netns.inside(workers)] {
        let port = upgraded_under_traffic(daemon, |daemon| Far::netdev(&netns, daemon)).port("up");
        assert_eq!(port["lane_losses"], json!({ "lost": 0, "malformed": 0, "missed": 0 }));
        netns.ip("link del near");
    }
}

/// A tap that nobody has goes, with all that the host has given it.
#[test]
fn a_tap_is_had_all_the_time() {
    if !can_have_namespaces() {
        return;
    }
    let netns = Netns::make();
    let mut daemon = netns.inside(Weftd::start);
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    let mut guest = daemon.attach("one", 1);
    uplink(&daemon, "tap:weft0");
    netns.ip("addr add 192.0.2.1/24 dev weft0");
    netns.ip("link set weft0 up");
    daemon.await_state("up", "up");
    let host = || netns.ip_json("-s addr show dev weft0")[0].clone();
    let same = ["ifindex", "addr_info"];
    let before = host();
    daemon.upgrade();
    assert_eq!(same.map(|what| host()[what].clone()), same.map(|what| before[what].clone()));
    let came = || host()["stats64"]["rx"]["packets"].as_u64();
    let before = came();
    guest.send(&numbered(BROADCAST, guest.mac(), 1, 300));
    until("the host to get a frame of the guest", Deadline::patient(), || came() > before);
}

/// The other end has half a frame on its way to the guest while successors come and go.
#[test]
fn a_connection_stays_when_there_is_no_upgrade() {
    let mut scene = Scene::new();
    let far = Far::stream(&scene.daemon);
    let Far::Stream { mut socket, .. } = far else { unreachable!("it was made as one") };
    let whole = behind_its_length(&numbered(BROADCAST, FAR, 1, 300));
    let (half, rest) = whole.split_at(100);
    socket.write_all(half).expect("there is room");
    scene.daemon.replace_program(&says(&scene, &[HELLO, "\"ready\""]));
    scene.assert_fails("it ended");
    socket.write_all(rest).expect("it is the same connection");
    let is_it = |frame: &[u8]| number_of(frame) == Some(1);
    scene.guests.one.recv_until(Deadline::patient(), |got| is_it(&got.frame)).expect("both halves make a frame");
    // One that has begun to read may have taken half a frame with it: the connection is of no use then.
    scene.daemon.replace_program(&says(&scene, &[HELLO, "\"ready\"", "\"lanes\""]));
    scene.assert_fails("it ended");
    let ended = |socket: &mut UnixStream| matches!(socket.read(&mut [0; 4096]), Ok(0));
    until("the connection to end", Deadline::patient(), || ended(&mut socket));
    let mut again = Far::connect(&scene.daemon);
    assert!(again.send(&numbered(BROADCAST, FAR, 2, 300)));
    again.settle();
    let is_it = |frame: &[u8]| number_of(frame) == Some(2);
    scene.guests.one.recv_until(Deadline::patient(), |got| is_it(&got.frame)).expect("frames go on");
}

/// A ring that somebody else may have begun to read is given up, and one that nobody has is not.
#[test]
fn a_netdev_stays_when_there_is_no_upgrade() {
    if !can_have_namespaces() {
        return;
    }
    let netns = Netns::make();
    let mut scene = netns.inside(|| Scene::over(Weftd::start_copy()));
    let mut far = Far::netdev(&netns, &scene.daemon);
    scene.daemon.await_state("up", "up");
    for (number, words) in [(1, &[HELLO, "\"ready\""][..]), (2, &[HELLO, "\"ready\"", "\"lanes\""])] {
        scene.daemon.replace_program(&says(&scene, words));
        scene.assert_fails("it ended");
        assert!(far.send(&numbered(BROADCAST, FAR, number, 300)));
        let is_it = |frame: &[u8]| number_of(frame) == Some(number);
        scene.guests.one.recv_until(Deadline::patient(), |got| is_it(&got.frame)).expect("it comes");
        scene.guests.one.send(&numbered(BROADCAST, scene.guests.one.mac(), number, 300));
        for_value("what the guest says", Deadline::patient(), || far.recv().filter(|frame| is_it(frame)));
    }
}
