// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that goes on at its new host without a word: its switch says for it where it is, and which addresses are there.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use dataplane::limits::{LANDING_GAP, LANDINGS};
use serde_json::{Value, json};
use tests::guest::{SyntheticGuest, ping};
use tests::wait::{Deadline, until};
use wire::{MacAddr, build};

use crate::scene::{MOVING, Scene, announce};

const V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 3);
const LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 3);

#[test]
fn the_addresses_of_a_guest_that_has_moved_are_announced_to_all_it_has_left() {
    let scene = Scene::new();
    let (source, destination) = (&scene.source, &scene.destination);
    let (mut here, mut guest) = (source.attach("here", 1), source.attach(MOVING.0, MOVING.1));
    // From here on its rings are in use.
    ping(&mut here, &mut guest, 1);
    let mac = MacAddr(guest.mac());
    guest.send(&build::arp_request((mac, V4), Ipv4Addr::new(192, 0, 2, 1)));
    guest.send(&build::neighbor_solicitation(mac, LOCAL, V6));
    guest.send(&build::neighbor_announcement(mac, V6, true));
    // One that it only asks about, and one of somebody else's hardware.
    guest.send(&build::neighbor_solicitation(mac, Ipv6Addr::UNSPECIFIED, "2001:db8:1::66".parse().expect("one")));
    guest.send(&build::arp_request((MacAddr(here.mac()), Ipv4Addr::new(192, 0, 2, 66)), V4));
    let all = json!([V4.to_string(), V6.to_string(), LOCAL.to_string()]);
    until("its addresses", Deadline::patient(), || source.port(MOVING.0)["addresses"] == all);
    let shown = source.weft(&["port", "show", MOVING.0]).expect_ok();
    assert!(shown.contains("addresses") && shown.contains("192.0.2.3 "), "{shown}");
    scene.prepare(&[]).expect_ok();
    assert_eq!(destination.port(MOVING.0)["addresses"], all, "they go along");
    guest.detach().expect("the switch answers");
    while here.recv().is_some() {}
    guest.reconnect_at(&destination.port_path(MOVING.0), Deadline::patient());
    let said = [
        build::rarp_announcement(mac),
        build::arp_announcement(mac, V4),
        build::neighbor_announcement(mac, LOCAL, false),
        build::neighbor_announcement(mac, V6, true),
    ];
    // Twice, two seconds apart.
    for frame in said.iter().chain(&said) {
        assert!(heard(&mut here, frame), "{}", wire::pretty::Pretty(frame));
    }
    until("both know where the guest is", Deadline::patient(), || scene.stands() == [json!("moved"), Value::Null]);
    ping(&mut here, &mut guest, 2);
}

#[test]
fn a_guest_that_lands_without_end_is_not_announced_without_end() {
    let scene = Scene::new();
    let source = &scene.source;
    let mut far = scene.destination.attach("there", 2);
    let (mut here, mut guest) = (source.attach("here", 1), source.attach(MOVING.0, MOVING.1));
    ping(&mut here, &mut guest, 1);
    let mac = MacAddr(guest.mac());
    guest.send(&build::arp_request((mac, V4), Ipv4Addr::new(192, 0, 2, 1)));
    until("its address", Deadline::patient(), || source.port(MOVING.0)["addresses"] == json!([V4.to_string()]));
    let (began, announced) = (Instant::now(), build::arp_announcement(mac, V4));
    for _ in 0..3 * LANDINGS {
        guest.reconnect(Deadline::patient());
    }
    // What is said last is heard last.
    announce(&mut here);
    let mut heard = 0;
    let last = far.recv_until(Deadline::patient(), |received| {
        heard += u32::from(received.frame == announced);
        received.frame[6..12] == here.mac()
    });
    let most = LANDINGS + 1 + (began.elapsed().as_secs() / LANDING_GAP.as_secs()) as u32;
    assert!(last.is_some() && (1..=most).contains(&heard), "{heard} of at most {most}");
    let port = source.port(MOVING.0);
    assert_eq!(port["addresses"], json!([V4.to_string()]), "it has it still");
    assert!(port["unannounced"].as_u64().is_some_and(|count| count > 0), "what is not said is counted: {port:#}");
    let shown = source.weft(&["port", "show", MOVING.0]).expect_ok();
    assert!(shown.contains("unannounced") && shown.contains("times: its guest lands too often"), "{shown}");
}

#[test]
fn another_guest_at_the_same_port_has_none_of_its_addresses() {
    let scene = Scene::new();
    let mut guest = scene.source.attach(MOVING.0, MOVING.1);
    let addresses = || scene.source.port(MOVING.0)["addresses"].clone();
    guest.send(&build::arp_announcement(MacAddr(guest.mac()), V4));
    until("its address", Deadline::patient(), || addresses() == json!([V4.to_string()]));
    guest.reboot().expect("the switch answers");
    until("it is forgotten", Deadline::patient(), || addresses() == Value::Null);
}

fn heard(guest: &mut SyntheticGuest, wanted: &[u8]) -> bool {
    guest.recv_until(Deadline::patient(), |received| received.frame == wanted).is_some()
}
