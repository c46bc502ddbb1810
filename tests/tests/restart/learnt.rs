// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a weftd has learnt that is killed is known to the next before anybody says it again.

use core::net::Ipv4Addr;
use std::os::unix::net::UnixDatagram;

use serde_json::{Value, json};
use tests::frames::{BROADCAST, Mac, number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, until};
use tests::weftd::{Weftd, mac_text};
use wire::nd::{NdOption, PvdOption, encode};
use wire::{MacAddr, build};

/// A host behind the uplink.
const FAR: Mac = [2, 0, 0, 0, 0, 0x77];
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Two guests and a router, and an uplink behind which there is a host.
struct Scene {
    daemon: Weftd,
    one: SyntheticGuest,
    two: SyntheticGuest,
    router: SyntheticGuest,
    far: UnixDatagram,
}

impl Scene {
    fn new() -> Scene {
        let daemon = Weftd::start();
        daemon.add_namespace("red");
        for (port, number) in [("one", 1), ("two", 2)] {
            daemon.add_port("red", port, number, &[]);
        }
        daemon.add_port("red", "gw", 3, &["--role", "router"]);
        let [near, far] = ["near", "far"].map(|name| daemon.port_path(name));
        let lane = format!("dgram:{},peer={}", near.display(), far.display());
        let far = UnixDatagram::bind(&far).expect("the folder is ours");
        far.set_nonblocking(true).expect("a socket can be so");
        daemon.weft(&["port", "add", "up", "-n", "red", "--role", "uplink", "--lane", &lane]).expect_ok();
        daemon.await_state("up", "up");
        let [one, two, router] = [("one", 1), ("two", 2), ("gw", 3)].map(|(port, number)| daemon.attach(port, number));
        Scene { daemon, one, two, router, far }
    }

    /// Everybody says who and where he is.
    fn speak(&mut self) {
        self.far.send_to(&numbered(BROADCAST, FAR, 1, 100), self.daemon.port_path("near")).expect("weftd is there");
        self.one.send(&build::arp_announcement(MacAddr(self.one.mac()), ADDRESS));
        let name: wire::name::DomainName = "work.example".parse().expect("a name");
        let options = encode([NdOption::Pvd(PvdOption::new(name.as_name(), &[]))]).expect("it fits");
        let mac = MacAddr(self.router.mac());
        self.router.send(&build::advertisement(mac, "fe80::1".parse().expect("an address"), 1800, &options));
    }

    /// What is known: where the host is, the address of the guest, the PvD.
    fn known(&self) -> [bool; 3] {
        let list = |words: &[&str]| self.daemon.json(words).as_array().cloned().unwrap_or_default();
        let (fdb, pvds) = (list(&["fdb", "list", "-n", "red"]), list(&["pvd", "list", "red"]));
        let far = json!(mac_text(FAR));
        [
            fdb.iter().any(|entry| entry["mac"] == far),
            self.daemon.port("one")["addresses"] == json!([ADDRESS.to_string()]),
            pvds.iter().any(|pvd| pvd["name"].as_str().is_some_and(|name| name.starts_with("work.example"))),
        ]
    }

    /// What is written down.
    fn written(&self) -> Value {
        let text = std::fs::read_to_string(self.daemon.folder().join("state/learnt.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn die(&mut self) {
        self.daemon.kill_9();
        self.daemon.restart();
        for guest in [&mut self.one, &mut self.two, &mut self.router] {
            guest.reconnect(Deadline::patient());
        }
        self.daemon.await_state("up", "up");
    }
}

#[test]
fn what_was_learnt_is_known_after_a_crash_and_gives_way_to_what_is_heard() {
    let mut scene = Scene::new();
    scene.speak();
    until("all to be known", Deadline::patient(), || scene.known() == [true; 3]);
    until("it to be written down", Deadline::patient(), || {
        let learnt = scene.written()["learnt"].take();
        let text = learnt.to_string();
        learnt["ras"]["red"].is_array() && text.contains(&mac_text(FAR)) && text.contains(&ADDRESS.to_string())
    });
    for _ in 0..2 {
        scene.die();
        assert_eq!(scene.known(), [true; 3], "nobody has said anything since");
    }
    // What goes to the host behind the uplink goes there and nowhere else.
    while scene.two.recv().is_some() {}
    scene.one.send(&numbered(FAR, scene.one.mac(), 2, 100));
    scene.one.send(&numbered(BROADCAST, scene.one.mac(), 3, 100));
    let heard = scene.two.recv_until(Deadline::patient(), |got| number_of(&got.frame).is_some());
    assert_eq!(heard.and_then(|got| number_of(&got.frame)), Some(3));
    // Somebody else claims the address.
    let other = build::arp_announcement(MacAddr(FAR), ADDRESS);
    scene.far.send_to(&other, scene.daemon.port_path("near")).expect("weftd is there");
    until("the address to be another's", Deadline::patient(), || scene.known() == [true, false, true]);
}
