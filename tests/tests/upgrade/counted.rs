// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is counted goes on, and what was set or is under way stays so.

use serde_json::{Value, json};
use tests::frames::{BROADCAST, numbered};
use tests::guest::{Couple, SyntheticGuest, ping};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;
use wire::{MacAddr, build};

/// A port of red with an upgrade behind it that no guest of it could notice.
struct Scene {
    daemon: Weftd,
    one: SyntheticGuest,
    two: SyntheticGuest,
}

impl Scene {
    fn new() -> Scene {
        let daemon = Weftd::start();
        let Couple { one, two, .. } = daemon.attach_couple("red");
        Scene { daemon, one, two }
    }

    /// Guest one sends so many frames to all, and two gets them; one more has a source that it may not use.
    fn send(&mut self, numbers: std::ops::Range<u64>) {
        let last = numbers.end - 1;
        for number in numbers {
            self.one.send(&numbered(BROADCAST, self.one.mac(), number, 100));
        }
        self.one.send(&numbered(BROADCAST, [2, 0, 0, 0, 9, 9], 0, 100));
        let is_last = |frame: &[u8]| tests::frames::number_of(frame) == Some(last);
        self.two.recv_until(Deadline::patient(), |got| is_last(&got.frame)).expect("they are flooded");
    }

    fn counts(&self) -> [Value; 5] {
        let (one, two) = (self.daemon.port("one"), self.daemon.port("two"));
        let namespace = self.daemon.json(&["namespace", "show", "red"]);
        [&one["tx_frames"], &one["tx_bytes"], &one["drops"], &two["rx_frames"], &namespace["tx_frames"]]
            .map(Value::clone)
    }
}

#[test]
fn counters_go_on_from_where_they_were() {
    let mut scene = Scene::new();
    let expected = |sent: u64, wrong: u64| {
        let tx = sent + wrong;
        [json!(tx), json!(100 * tx), json!({ "spoofed-mac": wrong }), json!(sent), json!(tx)]
    };
    for turn in 1..4 {
        scene.send(10 * (turn - 1)..10 * turn);
        until("all to be counted", Deadline::patient(), || scene.counts() == expected(10 * turn, turn));
        scene.daemon.upgrade();
        assert_eq!(scene.counts(), expected(10 * turn, turn), "nothing was sent since");
    }
    // What a port has counted stays with its namespace when it goes, over an upgrade as well.
    scene.daemon.weft(&["port", "del", "one", "--force"]).expect_ok();
    scene.daemon.upgrade();
    let namespace = scene.daemon.json(&["namespace", "show", "red"]);
    assert_eq!((&namespace["tx_frames"], &namespace["drops"]["spoofed-mac"]), (&json!(33), &json!(3)));
}

#[test]
fn what_is_logged_and_what_a_guard_has_noted_stays() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "gw", 1, &["--role", "router", "--ra-guard-learn", "3600"]);
    daemon.add_port("red", "one", 2, &[]);
    let (mut gw, mut one) = (daemon.attach("gw", 1), daemon.attach("one", 2));
    let router = "fe80::1".parse().expect("an address");
    gw.send(&build::advertisement(MacAddr(gw.mac()), router, 1800, &[]));
    let noted = |daemon: &Weftd| daemon.port("gw")["ra_learning"]["routers"].clone();
    until("it to be noted", Deadline::patient(), || noted(&daemon) == json!(["fe80::1"]));
    daemon.weft(&["log", "set", "warn"]).expect_ok();
    daemon.upgrade();
    assert_eq!((&daemon.port("gw")["ra_learning"]["state"], noted(&daemon)), (&json!("learning"), json!(["fe80::1"])));
    let said = daemon.json(&["log", "set", "info"]);
    assert_eq!(said["previous"], "warn", "{said}");
    ping(&mut gw, &mut one, 1);
}
