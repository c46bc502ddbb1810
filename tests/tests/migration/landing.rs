// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that goes on where it was: weft says for it where it is, and tells it what routers have said. The guest is synthetic.
//! How long the switch takes for it is printed.

use std::fmt::{self, Display};
use std::time::{Duration, Instant};

use pvd::limits::PORT_LANDINGS;
use tests::frontend::Request;
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
    let mut times = Times::default();
    for number in 1..=landings {
        let stopped = times.note("stop its rings (GET_VRING_BASE)", || guest.detach().expect("the switch follows"));
        // What it has heard before. It has used its rings, so it lands.
        while guest.recv().is_some() {}
        times.note("connect and negotiate, while it still runs elsewhere", || {
            guest.connect(Deadline::patient()).expect("the switch follows");
        });
        let landing = Instant::now();
        let started = times.note("start its rings", || guest.land().expect("the switch follows"));
        times.add("weft's own part of a downtime: stop them and start them", stopped + started);
        times.note_parts(landing, guest.said());
        // Who lands more often in a row has to wait for what follows.
        if number >= PORT_LANDINGS as usize {
            continue;
        }
        times.note("be told of its routers after that", || {
            assert!(heard(&mut guest, is_advertisement), "without having asked");
        });
        assert!(heard(&mut far, |frame| frame == build::rarp_announcement(MacAddr(guest_mac()))));
    }
    eprintln!("{landings} landings, median and longest of the times to{times}");
}

/// How long each part of a landing took.
#[derive(Default)]
struct Times(Vec<(&'static str, Vec<Duration>)>);

impl Times {
    fn note(&mut self, what: &'static str, act: impl FnOnce()) -> Duration {
        let began = Instant::now();
        act();
        let took = began.elapsed();
        self.add(what, took);
        took
    }

    /// The parts of the start, by which message was said when.
    fn note_parts(&mut self, began: Instant, said: &[(Request, Instant)]) {
        let until = |name: &str| said.iter().rev().find(|(request, _)| *request == Request::named(name));
        let [features, memory] = ["SET_FEATURES", "ADD_MEM_REG"].map(|name| until(name).map_or(began, |(_, at)| *at));
        self.add("  of that, to enable them and to have features", features.duration_since(began));
        self.add("  to have its memory", memory.saturating_duration_since(features));
        self.add("  to have addresses and bells, until all run", memory.elapsed());
    }

    fn add(&mut self, what: &'static str, took: Duration) {
        match self.0.iter_mut().find(|(known, _)| *known == what) {
            Some((_, times)) => times.push(took),
            None => self.0.push((what, vec![took])),
        }
    }
}

impl Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, times)| {
            let mut times = times.clone();
            times.sort();
            write!(f, "\n  {what}: {:?}, {:?}", times[times.len() / 2], times[times.len() - 1])
        })
    }
}

fn heard(guest: &mut SyntheticGuest, wanted: impl Fn(&[u8]) -> bool) -> bool {
    guest.recv_until(Deadline::patient(), |received| wanted(&received.frame)).is_some()
}

fn is_advertisement(frame: &[u8]) -> bool {
    let packet = EtherHeader::parse(frame).and_then(|ether| NdPacket::validate(frame.get(ether.l3..)?).ok());
    packet.is_some_and(|packet| packet.src == ROUTERS[0] && matches!(packet.message, NdMessage::Advert(_)))
}
