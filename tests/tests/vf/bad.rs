// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes, VMMs and guests that do not do what they should: clear words, and frames go on.

use super::{Nic, Scene, await_number};
use std::os::unix::net::UnixListener;
use tests::netns::{Netns, can_have_namespaces};
use tests::wait::{Deadline, for_value};
use tests::weftd::{Weftd, mac_text};

/// Waits until `weft vf status` has these words.
fn await_words(scene: &Scene, words: &str) {
    let deadline = Deadline::patient();
    for_value(&format!("{words:?} in the status"), deadline, || {
        let text = scene.weft(&["vf", "status", "vm1"]);
        assert!(text.contains(words) || !deadline.passed(), "it says: {text}");
        text.contains(words).then_some(())
    });
}

/// The port works on the synthetic lane, whatever the VF does.
fn works(scene: &mut Scene, number: u64) {
    scene.vm2.send(&scene.to_vm1(number));
    await_number(&mut scene.vm1, number);
    scene.vm1.send(&scene.to_vm2(number));
    await_number(&mut scene.vm2, number);
}

#[test]
fn a_monitor_that_says_nothing_or_nonsense_is_named_and_the_port_works() {
    let mut scene = Scene::new();
    let (_nic, lane) = Nic::new(&scene);
    let qmp = scene.weftd.folder().join("qmp.sock");
    let path = qmp.display().to_string();
    scene.weft(&["port", "set", "vm1", "--vf", &lane, "--vf-qmp", &path, "--vf-pair", "nic1"]);
    await_words(&scene, "qmp.sock: No such file or directory");
    scene.weft(&["vf", "offer", "vm1"]);
    works(&mut scene, 1);
    let listener = UnixListener::bind(&qmp).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    await_words(&scene, "says what weft does not understand");
    works(&mut scene, 2);
    // Accepts, and never says a word: that takes its time to be noticed, and nobody waits for it.
    let held = listener.accept().unwrap();
    works(&mut scene, 3);
    await_words(
        &scene,
        "QEMU does not greet within 10 s: it has one client on each monitor, so another one may hold this",
    );
    let vf = scene.vf();
    assert_eq!((&vf["state"], &vf["active"]), (&"offered".into(), &"synthetic".into()), "{vf:#}");
    assert_eq!(vf["trouble"], "the VMM's channel does not answer", "{vf:#}");
    works(&mut scene, 4);
    scene.weft(&["vf", "revoke", "vm1"]);
    drop(held);
}

#[test]
fn what_cannot_be_is_refused_and_what_is_not_there_is_named() {
    let mut scene = Scene::new();
    for lane in ["dgram:vf.sock,peer=/run/x", "packet:", "carrier-pigeon", "dgram:/a"] {
        let refusal = scene.weftd.refusal(&["port", "set", "vm1", "--vf", lane]);
        assert!(refusal["exit_code"].as_i64() > Some(0), "{refusal}");
    }
    let refusal = scene.weftd.refusal(&["vf", "offer", "vm1"]);
    assert!(refusal["message"].as_str().unwrap().contains("VF of port"), "{refusal}");
    assert!(refusal["hint"].as_str().unwrap().contains("--vf LANE"), "{refusal}");
    scene.weft(&["port", "set", "vm1", "--vf", "packet:nowhere0"]);
    scene.weft(&["vf", "offer", "vm1"]);
    await_words(&scene, "netdev nowhere0 is not there");
    works(&mut scene, 1);
    let refusal = scene.weftd.refusal(&["vf", "switch", "vm1", "vf"]);
    assert!(refusal["message"].as_str().is_some(), "{refusal}");
}

#[test]
fn a_netdev_with_another_mac_or_that_another_port_has_is_not_taken() {
    if !can_have_namespaces() {
        return;
    }
    let host = Netns::make();
    let mut scene = Scene::on(host.inside(Weftd::start));
    host.ip("link add vf0 address 02:00:00:00:00:77 type veth peer name other");
    scene.weft(&["port", "set", "vm1", "--vf", "auto,iface=vf0"]);
    await_words(&scene, "02:00:00:00:00:77");
    works(&mut scene, 1);
    host.ip(&format!("link set vf0 address {}", mac_text(scene.vm1.mac())));
    ["vf0", "other"].into_iter().for_each(|netdev| _ = host.ip(&format!("link set {netdev} up")));
    scene.await_vf("on-vf");
    let mac = mac_text(scene.vm1.mac());
    let refusal = scene.weftd.refusal(&["port", "set", "vm2", "--vf", &format!("auto,iface=vf0,mac={mac}")]);
    assert!(refusal["message"].as_str().unwrap().contains("in use"), "{refusal}");
}
