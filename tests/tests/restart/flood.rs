// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `kill -9` between the moment when a worker has told the first receiver of a frame and the moment when it has told the
//! last, and its sender: whatever a wrong order would double is doubled here. Everybody says little to everybody, so
//! that the workers spend their time on telling guests, not on copying frames.
use std::collections::BTreeMap;

use tests::driver::{Shape, VnetHeader};
use tests::frames::{BROADCAST, number_of, numbered};
use tests::guest::{GuestOptions, SyntheticGuest, feature};
use tests::seed::Rng;
use tests::wait::Deadline;
use tests::weftd::Weftd;

const GUESTS: u8 = 24;
const KILLS: u64 = 20;
/// Frames that each guest says at once.
const FRAMES: usize = 8;

struct Crowd {
    guests: Vec<SyntheticGuest>,
    /// The number of the next frame, of whomever.
    next: u64,
    /// The last number that a guest (by its place) has got from another (by its address).
    last: BTreeMap<(usize, Vec<u8>), u64>,
}

impl Crowd {
    fn new(daemon: &Weftd) -> Crowd {
        daemon.add_namespace("red");
        let attach = |number: u8| {
            let name = format!("vm{number}");
            daemon.add_port("red", &name, number, &[]);
            // Without event indices everybody is told of everything, which takes the workers longest.
            let features = feature::LINUX & !feature::EVENT_IDX;
            daemon.attach_as(&name, GuestOptions { features, ..GuestOptions::new(&name, number) })
        };
        Crowd { guests: (0..GUESTS).map(attach).collect(), next: 0, last: BTreeMap::new() }
    }

    /// Everybody says something to everybody, all at the same time.
    fn speak(&mut self) {
        for guest in &mut self.guests {
            let from = guest.mac();
            guest.pairs()[0].rx.queue().arm();
            let tx = &mut guest.pairs()[0].tx;
            tx.reclaim();
            for _ in 0..FRAMES {
                let frame = numbered(BROADCAST, from, self.next, 60);
                tx.enqueue(&Shape::whole(), VnetHeader::default(), &frame).expect("the ring is nearly empty");
                self.next += 1;
            }
        }
        for guest in &mut self.guests {
            guest.pairs()[0].tx.flush();
        }
    }

    /// True when the switch has taken what was said by all of the first `count` guests.
    fn is_taken(&mut self, count: u8) -> bool {
        self.guests[..count.into()].iter_mut().all(|guest| {
            let ring = guest.pairs()[0].tx.queue().ring();
            ring.avail_index() == ring.used_index()
        })
    }

    /// Waits, awake, until the switch has taken what the first `count` have said.
    fn await_taken(&mut self, count: u8) {
        let deadline = Deadline::patient();
        while !self.is_taken(count) {
            assert!(!deadline.passed(), "the switch does not take what {count} guests say");
        }
    }

    /// Takes what has come. From each guest numbers only rise: nothing comes twice.
    fn listen(&mut self) {
        for (place, guest) in self.guests.iter_mut().enumerate() {
            while let Some(got) = guest.recv() {
                let number = number_of(&got.frame).expect("only numbered frames were sent");
                let before = self.last.insert((place, got.frame[6..12].to_vec()), number);
                assert!(before < Some(number), "{}: frame {number} came after {before:?}", guest.name());
            }
        }
    }

    fn come_back(&mut self, daemon: &mut Weftd) {
        daemon.restart();
        self.guests.iter_mut().for_each(|guest| guest.reconnect(Deadline::patient()));
        self.guests.iter_mut().for_each(|guest| guest.drain(Deadline::patient()));
        self.listen();
    }
}

#[test]
fn a_flood_is_never_doubled() {
    let mut rng = Rng::from_env(4);
    let mut daemon = Weftd::start();
    let mut crowd = Crowd::new(&daemon);
    for _ in 0..KILLS {
        crowd.speak();
        // The worker goes from one to the next: it is in the middle of somebody's frames when the kill comes.
        crowd.await_taken(rng.between(1, usize::from(GUESTS) / 3) as u8);
        daemon.kill_9();
        crowd.come_back(&mut daemon);
    }
}
