// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that goes on where it was: weft says for it where it is, and tells it what routers have said. The guest is synthetic.
//! How long the switch takes for it is printed.

use std::time::Instant;

use tests::guest::SyntheticGuest;
use tests::wait::Deadline;
use wire::nd::{NdMessage, NdPacket};
use wire::{EtherHeader, MacAddr, build};

use crate::hosts::{self, GUEST, ROUTERS, guest_mac};

/// The variable that asks for more landings than a test should take.
const LANDINGS: &str = "WEFT_LANDINGS";
const LANDINGS_DEFAULT: usize = 2;

#[test]
fn a_guest_that_lands_is_announced_and_told_of_its_routers() {
    let Some([home, other]) = hosts::open(1) else { return };
    let mut far = other.attach_near();
    let mut guest = home.daemon.attach("guest", GUEST);
    home.speak_and_die();
    assert!(heard(&mut guest, is_advertisement));
    let landings = std::env::var(LANDINGS).map_or(LANDINGS_DEFAULT, |count| count.parse().expect("a number"));
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..landings {
        let stopping = Instant::now();
        guest.detach().expect("the switch follows");
        let stopped = stopping.elapsed();
        // What it has heard before. It has used its rings, so it lands.
        while guest.recv().is_some() {}
        let landing = Instant::now();
        guest.reconnect(Deadline::patient());
        let landed = Instant::now();
        assert!(heard(&mut guest, is_advertisement), "without having asked");
        let took = [stopped, landed - landing, landed.elapsed()];
        times.iter_mut().zip(took).for_each(|(times, took)| times.push(took));
        assert!(heard(&mut far, |frame| frame == build::rarp_announcement(MacAddr(guest_mac()))));
    }
    let [stop, start, told] = times.each_mut().map(|times| {
        times.sort();
        (times[times.len() / 2], times[times.len() - 1])
    });
    eprintln!(
        "{landings} landings, median and longest: stop {stop:?}, connect and start {start:?}; told {told:?} after that"
    );
}

fn heard(guest: &mut SyntheticGuest, wanted: impl Fn(&[u8]) -> bool) -> bool {
    guest.recv_until(Deadline::patient(), |received| wanted(&received.frame)).is_some()
}

fn is_advertisement(frame: &[u8]) -> bool {
    let packet = EtherHeader::parse(frame).and_then(|ether| NdPacket::validate(frame.get(ether.l3..)?).ok());
    packet.is_some_and(|packet| packet.src == ROUTERS[0] && matches!(packet.message, NdMessage::Advert(_)))
}
