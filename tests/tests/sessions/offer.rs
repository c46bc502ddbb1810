// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a port offers: virtio features, configuration space, messages of the network device.
use tests::frames::{number_of, numbered};
use tests::frontend::{Frontend, FrontendError, protocol};
use tests::guest::{GuestOptions, SyntheticGuest, feature, ping};
use tests::wait::Deadline;
use tests::weftd::{Weftd, mac_text};

/// Everything that a port must offer, by name.
const FEATURES: [(&str, u64); 19] = [
    ("VERSION_1", feature::VERSION_1),
    ("PROTOCOL_FEATURES", feature::PROTOCOL_FEATURES),
    ("EVENT_IDX", feature::EVENT_IDX),
    ("INDIRECT_DESC", feature::INDIRECT_DESC),
    ("IN_ORDER", feature::IN_ORDER),
    ("MRG_RXBUF", feature::MRG_RXBUF),
    ("MQ", feature::MQ),
    ("CTRL_VQ", feature::CTRL_VQ),
    ("GUEST_ANNOUNCE", feature::GUEST_ANNOUNCE),
    ("MTU", feature::MTU),
    ("MAC", feature::MAC),
    ("CSUM", feature::CSUM),
    ("GUEST_CSUM", feature::GUEST_CSUM),
    ("HOST_TSO4", feature::HOST_TSO4),
    ("HOST_TSO6", feature::HOST_TSO6),
    ("GUEST_TSO4", feature::GUEST_TSO4),
    ("GUEST_TSO6", feature::GUEST_TSO6),
    ("HOST_ECN", 1 << 13),
    ("GUEST_ECN", 1 << 9),
];

/// Every protocol feature that a session must offer, by name.
const PROTOCOL: [(&str, u64); 6] = [
    ("MQ", protocol::MQ),
    ("REPLY_ACK", protocol::REPLY_ACK),
    ("RARP", protocol::RARP),
    ("MTU", protocol::MTU),
    ("CONFIG", protocol::CONFIG),
    ("CONFIGURE_MEM_SLOTS", protocol::CONFIGURE_MEM_SLOTS),
];

fn daemon(more: &[&str]) -> Weftd {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, more);
    daemon
}

/// A guest whose VMM knows the messages of the network device.
fn talkative(daemon: &Weftd) -> SyntheticGuest {
    let options = GuestOptions::new("one", 1);
    let protocol = options.protocol | protocol::RARP | protocol::MTU;
    daemon.attach_as("one", GuestOptions { protocol, ..options })
}

#[test]
fn every_feature_that_is_promised_is_offered_whatever_the_port_is_like() {
    for more in [&[][..], &["--queues", "4", "--mtu", "9000"], &["--role", "uplink"]] {
        let daemon = daemon(more);
        let mut frontend = Frontend::connect(&daemon.port_path("one")).expect("the port listens");
        let offered = frontend.get_features().expect("it answers");
        let missing: Vec<&str> = FEATURES.iter().filter(|(_, bit)| offered & bit == 0).map(|(name, _)| *name).collect();
        assert!(missing.is_empty(), "a port with {more:?} does not offer {missing:?}");
        let offered = frontend.get_protocol_features().expect("it answers");
        let missing: Vec<&str> = PROTOCOL.iter().filter(|(_, bit)| offered & bit == 0).map(|(name, _)| *name).collect();
        assert!(missing.is_empty(), "a session of a port with {more:?} does not offer {missing:?}");
    }
}

#[test]
fn what_was_negotiated_is_told_by_name() {
    let daemon = daemon(&[]);
    let features = feature::LINUX | feature::IN_ORDER;
    let _guest = daemon.attach_as("one", GuestOptions { features, ..GuestOptions::new("one", 1) });
    let port = daemon.await_state("one", "up");
    let names: Vec<&str> =
        port["features"].as_array().expect("a list").iter().filter_map(|name| name.as_str()).collect();
    for expected in
        ["version-1", "event-idx", "indirect-desc", "in-order", "mrg-rxbuf", "csum", "host-tso4", "guest-tso6"]
    {
        assert!(names.contains(&expected), "{expected} is not in {names:?}");
    }
    assert!(names.iter().all(|name| !name.starts_with("bit-")), "every feature has a name: {names:?}");
}

#[test]
fn the_configuration_space_tells_address_link_queues_and_mtu() {
    let daemon = daemon(&["--mtu", "4000", "--queues", "3"]);
    let mut guest = daemon.attach("one", 1);
    let config = guest.frontend().get_config(0, 24).expect("CONFIG was negotiated");
    let word = |at: usize| u16::from_le_bytes([config[at], config[at + 1]]);
    assert_eq!((&config[..6], word(6) & 1, word(8), word(10)), (&guest.mac()[..], 1, 3, 4000));
    let port = daemon.port("one");
    assert_eq!((port["mac"].as_str(), port["mtu"].as_u64()), (Some(&*mac_text(guest.mac())), Some(4000)));
}

#[test]
fn a_vmm_sets_the_mtu_within_the_ports_and_no_further() {
    let daemon = daemon(&["--mtu", "4000"]);
    let mut guest = talkative(&daemon);
    let frontend = guest.frontend();
    frontend.acknowledge(true);
    frontend.net_set_mtu(1400).expect("less than the port's");
    frontend.net_set_mtu(4000).expect("the port's");
    for wrong in [67, 4001, u64::MAX] {
        let refused = frontend.net_set_mtu(wrong).expect_err("more or less than can be");
        assert!(matches!(refused, FrontendError::Refused(_, 1)), "{wrong}: {refused}");
    }
    daemon.await_reason("one", "NET_SET_MTU");
    assert_eq!(daemon.port("one")["state"], "up", "the session goes on");
}

/// SEND_RARP: a guest that has just landed is found at its new port by those who had learnt another.
#[test]
fn a_vmm_announces_its_guest() {
    let daemon = daemon(&["--macs", "any"]);
    let mut guest = talkative(&daemon);
    guest.frontend().acknowledge(true);
    guest.frontend().send_rarp([2, 0, 0, 0, 0, 0x99]).expect("RARP was negotiated");
    let own = guest.mac();
    guest.frontend().send_rarp(own).expect("its own address is fine too");
    let table = daemon.json(&["fdb", "list"]);
    let learned = table.as_array().expect("a list").iter().find(|entry| entry["mac"] == "02:00:00:00:00:99");
    let learned = learned.unwrap_or_else(|| panic!("the announced address is not in {table}"));
    assert_eq!((learned["port"].as_str(), learned["kind"].as_str()), (Some("one"), Some("learned")));
}

/// A port that may use its own address only cannot announce others either: it would draw their frames to itself.
#[test]
fn a_vmm_cannot_announce_addresses_that_its_guest_may_not_use() {
    let daemon = daemon(&[]);
    daemon.add_port("red", "two", 2, &["--macs", "any"]);
    daemon.add_port("red", "three", 3, &[]);
    let (mut thief, mut owner) = (talkative(&daemon), daemon.attach("two", 2));
    let mut asker = daemon.attach("three", 3);
    let treasure = [2, 0, 0, 0, 0, 0x99];
    owner.send(&numbered(asker.mac(), treasure, 1, 60));
    assert!(asker.recv_until(Deadline::patient(), |got| number_of(&got.frame) == Some(1)).is_some());
    thief.frontend().acknowledge(true);
    thief.frontend().send_rarp(treasure).expect("the message itself is known");
    asker.send(&numbered(treasure, asker.mac(), 2, 60));
    let found = owner.recv_until(Deadline::patient(), |got| number_of(&got.frame) == Some(2));
    assert!(found.is_some(), "frames for an address behind port two must go there");
    ping(&mut thief, &mut owner, 1);
}
