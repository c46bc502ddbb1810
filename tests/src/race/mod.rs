// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A second virtual CPU of a hostile guest rewrites what the worker is looking at.
//!
//! A [`Race`] is one worker, the hostile guest on two rings that the test writes by hand, two ports of its own tenant and
//! two of another. The guest offers frames whose every kind asks for another judgement: a plain one, a large one to be
//! segmented, a checksum to be completed, headers longer than what is looked at of every frame. Meanwhile another thread
//! rewrites one [`Target`] as fast as it can. After every turn of the worker all that came of it is judged ([`judge`]):
//! what arrived must be what the switch may have decided to deliver, byte for byte of what it decided by.
//!
//! Bounded by the caller: some thousand rounds in the tests, minutes in the `soak` program.

mod judge;
mod offer;
mod target;

use crate::driver::{Shape, VnetHeader};
use crate::frames;
use crate::rig::{Moved, PortOptions, RawQueue, Rig, feature, mac, meanwhile};
use crate::seed::Rng;

pub use target::Target;

const EVIL: usize = 0;
/// Of the attacker's tenant, without offloads and with all of them.
const BOB: usize = 1;
const CAROL: usize = 2;
/// Of another tenant.
const DAVE: usize = 3;
const ERIN: usize = 4;
/// Entries of the attacker's rings.
const SIZE: u16 = 16;
/// Bytes of an honest frame.
const LEN: usize = 100;

/// See the module.
pub struct Race {
    rig: Rig,
    /// The attacker's transmit and receive rings.
    tx: RawQueue,
    rx: RawQueue,
    target: Target,
    rng: Rng,
}

/// What a race came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Turns of the worker.
    pub rounds: u64,
    /// Frames of the attacker that its tenant got, segments counted one by one.
    pub arrived: u64,
    /// Frames of the attacker that were dropped for a reason.
    pub dropped: u64,
    /// Times that a ring of the attacker broke and was started anew.
    pub broken: u64,
}

impl Race {
    /// A race for one target.
    pub fn new(target: Target, seed: u64) -> Race {
        let mut rig = Rig::new();
        rig.add(0, &PortOptions::with_features(feature::SENDER | feature::RECEIVER));
        for (namespace, features) in
            [(0, feature::BASIC), (0, feature::RECEIVER), (1, feature::BASIC), (1, feature::BASIC)]
        {
            rig.add(namespace, &PortOptions::with_features(features));
        }
        let (tx, mut rx) = (rig.raw_transmit(EVIL, SIZE), rig.raw_receive(EVIL, SIZE));
        offer::lay_out(&tx, &rx);
        rx.offer(&offer::HEADS);
        Race { rig, tx, rx, target, rng: Rng::from_env(seed) }
    }

    /// Races until `done`, which is asked after each round, says so.
    ///
    /// # Panics
    /// When the switch did what it must not.
    pub fn run(&mut self, mut done: impl FnMut(&Tally) -> bool) -> Tally {
        let (tx, rx, target) = (self.tx.clone(), self.rx.clone(), self.target);
        let mut rng = Rng::new(self.rng.next_u64());
        let mut tally = Tally::default();
        meanwhile(
            move || target.rewrite(&mut rng, &tx, &rx),
            || {
                while !done(&tally) {
                    self.round(&mut tally);
                }
            },
        );
        tally
    }

    /// One turn of the worker over everything that waits, and what it must not have done.
    fn round(&mut self, tally: &mut Tally) {
        tally.rounds += 1;
        self.tx.offer(&offer::HEADS);
        self.rig.port(BOB).tx[0].send(&Shape::whole(), VnetHeader::default(), &honest(BOB)).expect("room for a frame");
        self.rig.poll_once();
        self.rig.port(BOB).tx[0].reclaim();
        self.judge_receivers(tally);
        self.judge_attacker(tally);
        if tally.rounds.is_multiple_of(64) {
            self.others_are_well();
        }
    }

    fn judge_receivers(&mut self, tally: &mut Tally) {
        for port in [BOB, CAROL] {
            let arrived = self.rig.received_with_headers(port);
            let (own, foreign): (Vec<_>, Vec<_>) =
                arrived.into_iter().partition(|(_, frame)| frame[6..12] == mac(BOB).0);
            foreign.iter().for_each(|(header, frame)| judge::judge(header, frame, mac(EVIL), port == CAROL));
            tally.arrived += foreign.len() as u64;
            if port == CAROL {
                assert!(own.iter().all(|(_, frame)| *frame == honest(BOB)), "the tenant's own frames are untouched");
                assert_eq!(own.len(), 1, "and delivered");
            }
            judge::losses(&self.rig.moved(port).drops);
        }
    }

    fn judge_attacker(&mut self, tally: &mut Tally) {
        let moved = self.rig.moved(EVIL);
        tally.dropped += moved.drops.iter().map(|(_, count)| count).sum::<u64>();
        // Where the used ring is rewritten its index says nothing.
        if self.target != Target::Used {
            let back = self.tx.take_used().len() as u64;
            assert_eq!(back, moved.tx.frames, "every chain that was taken is given back: {moved:?}");
        }
        let room = if self.target == Target::Receive { 1 } else { self.rx.take_used().len() };
        self.rx.offer(&offer::HEADS[..room]);
        if self.rig.port(EVIL).port().fault().is_some() {
            tally.broken += 1;
            self.start_anew();
        }
    }

    fn start_anew(&mut self) {
        self.tx.resync();
        self.rx.resync();
        let (tx, rx) = (self.tx.ring().clone(), self.rx.ring().clone());
        self.rig.restart_transmit(EVIL, &tx);
        self.rig.port(EVIL).restart_receive(&rx);
        self.rx.offer(&offer::HEADS);
    }

    /// The other tenant gets its frames through, and nothing else.
    fn others_are_well(&mut self) {
        let sent = frames::numbered(mac(ERIN).0, mac(DAVE).0, 7, LEN);
        self.rig.send(DAVE, &sent);
        assert_eq!(self.rig.received(ERIN), [sent]);
        assert_eq!(self.rig.moved(DAVE), Moved::sent(1, LEN));
        assert_eq!(self.rig.moved(ERIN), Moved::received(1, LEN));
        // The attacker was served as well.
        let mut tally = Tally::default();
        self.judge_attacker(&mut tally);
        for port in [BOB, CAROL] {
            self.rig.received(port);
            self.rig.moved(port);
        }
    }
}

/// What a neighbour of the attacker says to everybody.
fn honest(from: usize) -> Vec<u8> {
    frames::numbered([0xff; 6], mac(from).0, 1, LEN)
}
