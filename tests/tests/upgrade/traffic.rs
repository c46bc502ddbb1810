// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests under traffic: nothing is lost, doubled or overtaken, and nobody has to connect anew.

use tests::driver::{Shape, VnetHeader};
use tests::frames::{number_of, numbered};
use tests::guest::{GuestOptions, Side, SyntheticGuest};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

/// The variable that asks for more upgrades than a test should take.
const UPGRADES: &str = "WEFT_UPGRADES";
/// Upgrades in a row, while frames are under way.
const UPGRADES_DEFAULT: usize = 5;

/// A guest that sends numbered frames to another, and expects from it all numbers in order.
struct Talker {
    guest: SyntheticGuest,
    to: [u8; 6],
    sent: u64,
    got: u64,
}

impl Talker {
    fn new(guest: SyntheticGuest, to: [u8; 6]) -> Talker {
        Talker { guest, to, sent: 0, got: 0 }
    }

    fn send(&mut self, count: usize) {
        let from = self.guest.mac();
        let tx = &mut self.guest.pairs()[0].tx;
        tx.reclaim();
        for _ in 0..count {
            if tx.enqueue(&Shape::whole(), VnetHeader::default(), &numbered(self.to, from, self.sent, 200)).is_err() {
                break;
            }
            self.sent += 1;
        }
        tx.flush();
    }

    fn receive(&mut self) {
        while let Some(got) = self.guest.recv() {
            assert_eq!(
                number_of(&got.frame),
                Some(self.got),
                "{}: none is lost, doubled or overtaken",
                self.guest.name()
            );
            self.got += 1;
        }
    }
}

/// Both say something and hear what is there. No more is under way than the receiver has buffers for.
fn talk(one: &mut Talker, two: &mut Talker) {
    for (from, to) in [(0, 1), (1, 0)] {
        let both = [&mut *one, &mut *two];
        let room = 64_u64.saturating_sub(both[from].sent - both[to].got);
        both[from].send(usize::try_from(room).unwrap_or(0));
        both[to].receive();
    }
}

fn upgraded_under_traffic(side: Side) {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    let mode: &[&str] = if side == Side::Listens { &["--client"] } else { &[] };
    let attach = |name: &str, number: u8| {
        daemon.add_port("red", name, number, mode);
        daemon.attach_as(name, GuestOptions { side, ..GuestOptions::new(name, number) })
    };
    let (one, two) = (attach("one", 1), attach("two", 2));
    let (to_one, to_two) = (one.mac(), two.mac());
    let (mut one, mut two) = (Talker::new(one, to_two), Talker::new(two, to_one));
    let upgrades = std::env::var(UPGRADES).ok().and_then(|said| said.parse().ok()).unwrap_or(UPGRADES_DEFAULT);
    let mut gaps = Vec::new();
    for _ in 0..upgrades {
        let before = (daemon.pid(), one.got, two.got);
        let mut upgrading = daemon.begin_upgrade();
        while !upgrading.is_over() {
            talk(&mut one, &mut two);
        }
        let said = upgrading.outcome().unwrap_or_else(|why| panic!("{why}"));
        daemon.succeeded_by(&said);
        gaps.extend(said["gap_us"].as_u64());
        assert_eq!((said["guests"].as_u64(), daemon.pid() != before.0), (Some(2), true));
        let fresh = (one.sent, two.sent);
        until("traffic to flow", Deadline::patient(), || {
            talk(&mut one, &mut two);
            two.got > fresh.0 && one.got > fresh.1
        });
        assert_eq!(daemon.json(&["status"])["pid"].as_u64(), Some(u64::from(daemon.pid())));
    }
    gaps.sort_unstable();
    let (middle, longest) = (gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
    eprintln!("{side:?}: no ring ran for {middle} us in the median of {upgrades} upgrades, {longest} us at most");
    until("all to arrive", Deadline::patient(), || {
        one.receive();
        two.receive();
        two.got == one.sent && one.got == two.sent
    });
    // Nothing was counted by none of them, or by two.
    let counts = |name| ["tx_frames", "rx_frames"].map(|count| daemon.port(name)[count].as_u64());
    let expected = [[one.sent, two.sent], [two.sent, one.sent]].map(|counts| counts.map(Some));
    until("all to be counted", Deadline::patient(), || [counts("one"), counts("two")] == expected);
}

#[test]
fn guests_that_connect_are_served_on() {
    upgraded_under_traffic(Side::Connects);
}

#[test]
fn guests_that_listen_are_served_on() {
    upgraded_under_traffic(Side::Listens);
}
