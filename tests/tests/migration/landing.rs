// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that goes on where it was: weft says for it where it is, and tells it what routers have said. The guest is synthetic.

use tests::guest::SyntheticGuest;
use tests::wait::Deadline;
use wire::nd::{NdMessage, NdPacket};
use wire::{EtherHeader, MacAddr, build};

use crate::hosts::{self, GUEST, ROUTER, guest_mac};

#[test]
fn a_guest_that_lands_is_announced_and_told_of_its_routers() {
    let Some([home, other]) = hosts::open(1) else { return };
    let mut far = other.attach_near();
    let mut guest = home.daemon.attach("guest", GUEST);
    home.speak_and_die();
    for _ in 0..2 {
        // Its rings are in use: what it said, and heard, before.
        assert!(heard(&mut guest, is_advertisement));
        guest.detach().expect("the switch follows");
        guest.reconnect(Deadline::patient());
        assert!(heard(&mut far, |frame| frame == build::rarp_announcement(MacAddr(guest_mac()))));
    }
    assert!(heard(&mut guest, is_advertisement), "without having asked");
}

fn heard(guest: &mut SyntheticGuest, wanted: impl Fn(&[u8]) -> bool) -> bool {
    guest.recv_until(Deadline::patient(), |received| wanted(&received.frame)).is_some()
}

fn is_advertisement(frame: &[u8]) -> bool {
    let packet = EtherHeader::parse(frame).and_then(|ether| NdPacket::validate(frame.get(ether.l3..)?).ok());
    packet.is_some_and(|packet| packet.src == ROUTER && matches!(packet.message, NdMessage::Advert(_)))
}
