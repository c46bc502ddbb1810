// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that goes on where it was: weft says for it where it is, and tells it what routers have said. The guest is synthetic.

use core::net::Ipv6Addr;

use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, until};
use wire::nd::{NdMessage, NdOption, NdPacket, PrefixInfo, encode};
use wire::{EtherHeader, MacAddr, build};

use crate::hosts::{self, GUEST, Host, guest_mac};

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const PREFIX: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0);

#[test]
fn a_guest_that_lands_is_announced_and_told_of_its_routers() {
    let Some([home, other]) = hosts::open(1) else { return };
    let mut far = other.attach_near();
    let mut guest = home.daemon.attach("guest", GUEST);
    speak_and_die(&home);
    for _ in 0..2 {
        // Its rings are in use: what it said, and heard, before.
        assert!(heard(&mut guest, is_advertisement));
        guest.detach().expect("the switch follows");
        guest.reconnect(Deadline::patient());
        assert!(heard(&mut far, |frame| frame == build::rarp_announcement(MacAddr(guest_mac()))));
    }
    assert!(heard(&mut guest, is_advertisement), "without having asked");
}

/// A router of the namespace says what it has to say once, and ends.
fn speak_and_die(host: &Host) {
    host.daemon.add_port("red", "router", 9, &["--role", "router"]);
    let mut router = host.daemon.attach("router", 9);
    let info = PrefixInfo { prefix: PREFIX, prefix_len: 64, flags: 0xc0, valid: 3600, preferred: 1800 };
    let options = encode([NdOption::Prefix(info)]).expect("a good prefix");
    router.send(&build::advertisement(MacAddr(router.mac()), ROUTER, 1800, &options));
    let listed = || host.daemon.json(&["ra", "list", "red"]).as_array().is_some_and(|list| list.len() == 1);
    until("the advertisement", Deadline::patient(), listed);
    router.hang_up();
    host.daemon.await_state("router", "down");
}

fn heard(guest: &mut SyntheticGuest, wanted: impl Fn(&[u8]) -> bool) -> bool {
    guest.recv_until(Deadline::patient(), |received| wanted(&received.frame)).is_some()
}

fn is_advertisement(frame: &[u8]) -> bool {
    let packet = EtherHeader::parse(frame).and_then(|ether| NdPacket::validate(frame.get(ether.l3..)?).ok());
    packet.is_some_and(|packet| packet.src == ROUTER && matches!(packet.message, NdMessage::Advert(_)))
}
