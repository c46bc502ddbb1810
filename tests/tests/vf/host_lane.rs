// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests that see one NIC, and a VF of the host that weft uses for them: a veth in its place.

use super::{Scene, await_number};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Instant;
use tests::frames;
use tests::guest::SyntheticGuest;
use tests::netns::{Netns, can_have_namespaces};
use tests::wait::{Deadline, until};
use tests::weftd::{Weftd, mac_text};

/// A host with a VF, whose other side is the uplink of the same namespace: what leaves by the VF comes back there.
fn scene() -> (Netns, Scene) {
    let host = Netns::make();
    let scene = Scene::on(host.inside(Weftd::start));
    let mac = mac_text(scene.vm1.mac());
    host.ip(&format!("link add vf0 address {mac} type veth peer name fabric"));
    for netdev in ["vf0", "fabric"] {
        host.set(&format!("ipv6/conf/{netdev}/disable_ipv6"), "1");
        host.ip(&format!("link set {netdev} up"));
    }
    scene.weft(&["port", "add", "up", "--namespace", "red", "--role", "uplink", "--lane", "packet:fabric"]);
    scene.weftd.await_state("up", "up");
    (host, scene)
}

/// Frames that left by the VF.
fn outward(vf: &Value) -> u64 {
    vf["vf"]["tx_frames"].as_u64().unwrap_or_default()
}

#[test]
fn a_vf_that_is_found_on_the_host_is_used_and_left_by_itself() {
    if !can_have_namespaces() {
        return;
    }
    let (host, mut scene) = scene();
    scene.weft(&["port", "set", "vm1", "--vf", "auto,force"]);
    let vf = scene.await_vf("on-vf");
    assert_eq!((&vf["model"], &vf["lane"]["found"]), (&"host_lane".into(), &"vf0".into()), "{vf:#}");
    scene.vm1.send(&scene.to_vm2(1));
    await_number(&mut scene.vm2, 1);
    scene.vm2.send(&scene.to_vm1(2));
    await_number(&mut scene.vm1, 2);
    // A broadcast is heard once, though the fabric brings it too.
    scene.vm2.send(&frames::numbered([0xff; 6], scene.vm2.mac(), 3, 100));
    await_number(&mut scene.vm1, 3);
    scene.vm2.send(&scene.to_vm1(4));
    let next = scene.vm1.recv_until(Deadline::patient(), |_| true).and_then(|got| frames::number_of(&got.frame));
    assert_eq!(next, Some(4));
    host.ip("link set vf0 down");
    host.ip("link set vf0 name vf7");
    host.ip("link set vf7 up");
    scene.await_vf("on-vf");
    host.ip("link del vf7");
    let vf = scene.await_vf("absent");
    assert!(vf["lane"]["reason"].is_string(), "{vf:#}");
    scene.vm1.send(&scene.to_vm2(5));
    await_number(&mut scene.vm2, 5);
}

/// Frames of one direction on their way: the receiver's ring always has room for them, so that what is lost is lost by weft.
const WINDOW: u64 = 128;

/// At most one in so many frames is overtaken by later ones. None was, as measured.
const OVERTAKEN: u64 = 100;

/// Numbered frames from one guest to the other, as many on their way as a window lets.
#[derive(Debug, Default)]
struct Stream {
    sent: u64,
    /// All before this one have come.
    next: u64,
    beyond: BTreeSet<u64>,
    /// Those that came before one that was sent earlier.
    early: u64,
}

impl Stream {
    fn send(&mut self, from: &mut SyntheticGuest, to: [u8; 6]) {
        while self.sent < self.next + WINDOW {
            from.send(&frames::numbered(to, from.mac(), self.sent, 100));
            self.sent += 1;
        }
    }

    fn take(&mut self, at: &mut SyntheticGuest) {
        while let Some(got) = at.recv() {
            let number = frames::number_of(&got.frame).expect("only numbered frames are sent");
            assert!(number >= self.next && self.beyond.insert(number), "frame {number} came twice");
            self.early += u64::from(number > self.next);
            while self.beyond.remove(&self.next) {
                self.next += 1;
            }
        }
    }
}

#[test]
fn a_thousand_switches_under_load_lose_and_double_nothing() {
    if !can_have_namespaces() {
        return;
    }
    const SWITCHES: usize = 1000;
    let (_host, mut scene) = scene();
    scene.weft(&["port", "set", "vm1", "--vf", "packet:vf0"]);
    scene.weft(&["vf", "offer", "vm1"]);
    scene.await_vf("on-vf");
    let Scene { weftd, vm1, vm2 } = &mut scene;
    let (macs, began) = ([vm1.mac(), vm2.mac()], Instant::now());
    let [mut out, mut back] = [Stream::default(), Stream::default()];
    std::thread::scope(|scope| {
        let switcher = scope.spawn(|| {
            for turn in 0..SWITCHES {
                let lane = if turn % 2 == 0 { "synthetic" } else { "vf" };
                weftd.weft(&["vf", "switch", "vm1", lane]).expect_ok();
            }
        });
        let mut take = |is_over: bool| {
            if !is_over {
                out.send(vm1, macs[1]);
                back.send(vm2, macs[0]);
            }
            out.take(vm2);
            back.take(vm1);
            [&out, &back].iter().all(|stream| stream.next == stream.sent)
        };
        while !switcher.is_finished() {
            take(false);
        }
        until("all that was sent", Deadline::patient(), || take(true));
    });
    let rate = (out.sent + back.sent) as f64 / began.elapsed().as_secs_f64();
    eprintln!("{SWITCHES} switches, {} and {} frames, {rate:.0} frames/s; {} early", out.sent, back.sent, out.early);
    // What is on its way through the host's netdevs may be overtaken by what crosses weft alone, at a switch and at no other time.
    assert!(out.early <= out.sent / OVERTAKEN && back.early == 0, "{} and {} out of order", out.early, back.early);
    let vf = scene.vf();
    assert!(vf["switches"].as_u64() >= Some(SWITCHES as u64), "{vf:#}");
    assert!(out.sent > 10 * WINDOW && outward(&vf) > 0, "{} frames: {vf:#}", out.sent);
}

#[test]
fn a_netdev_that_takes_shorter_frames_than_its_port_is_not_used_and_says_why() {
    if !can_have_namespaces() {
        return;
    }
    let (host, mut scene) = scene();
    host.ip("link set vf0 mtu 1400");
    scene.weft(&["port", "set", "vm1", "--vf", "packet:vf0"]);
    let short = |scene: &Scene| {
        let vf = scene.await_vf("absent");
        let why = vf["lane"]["reason"].as_str().unwrap_or_default();
        assert!(why.contains("1400 bytes at most") && why.contains("may have 1500"), "{vf:#}");
    };
    scene.weft(&["vf", "offer", "vm1"]);
    short(&scene);
    host.ip("link set vf0 mtu 1500");
    scene.weft(&["vf", "offer", "vm1"]);
    scene.await_vf("on-vf");
    host.ip("link set vf0 mtu 1400");
    short(&scene);
    scene.vm1.send(&scene.to_vm2(1));
    await_number(&mut scene.vm2, 1);
    scene.weft(&["port", "set", "vm1", "--mtu", "1400"]);
    scene.weft(&["vf", "offer", "vm1"]);
    scene.await_vf("on-vf");
    scene.weft(&["port", "set", "vm1", "--mtu", "1500"]);
    short(&scene);
}

#[test]
fn the_netdev_of_a_vf_is_up_and_speaks_no_ipv6_while_it_is_used_and_then_as_before() {
    if !can_have_namespaces() {
        return;
    }
    let host = Netns::make();
    let mut scene = Scene::on(host.inside(Weftd::start));
    let mac = mac_text(scene.vm1.mac());
    host.ip(&format!("link add vf0 address {mac} type veth peer name fabric"));
    host.ip("link set fabric up");
    let read =
        || host.inside(|| std::fs::read_to_string("/proc/sys/net/ipv6/conf/vf0/disable_ipv6").expect("it is there"));
    let is_up = || host.ip_json("link show vf0")[0]["flags"].as_array().expect("flags").contains(&"UP".into());
    assert_eq!((is_up(), read().trim()), (false, "0"));
    for lane in ["packet:vf0", "auto"] {
        scene.weft(&["port", "set", "vm1", "--vf", lane]);
        if lane != "auto" {
            scene.weft(&["vf", "offer", "vm1"]);
        }
        scene.await_vf("on-vf");
        assert_eq!((is_up(), read().trim()), (true, "1"), "{lane}");
        let addresses = host.ip_json("-6 addr show dev vf0");
        assert!(
            addresses.as_array().is_none_or(|all| all.iter().all(|one| one["addr_info"][0].is_null())),
            "{addresses}"
        );
        scene.weft(&["vf", "revoke", "vm1"]);
        scene.await_vf("absent");
        until("the netdev as it was", Deadline::patient(), || !is_up() && read().trim() == "0");
    }
    scene.vm1.send(&scene.to_vm2(1));
    await_number(&mut scene.vm2, 1);
}
