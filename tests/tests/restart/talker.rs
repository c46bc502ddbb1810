// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who speaks while weftd is killed.
use tests::driver::{Shape, VnetHeader};
use tests::frames::{number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::seed::Rng;
use tests::wait::{Deadline, until};

/// A guest that sends numbered frames to another and checks what comes from it.
pub(crate) struct Talker {
    pub(crate) guest: SyntheticGuest,
    to: [u8; 6],
    /// The number of the next frame that it sends.
    pub(crate) next: u64,
    /// The number of the last frame that it got.
    pub(crate) last: Option<u64>,
}

impl Talker {
    pub(crate) fn new(guest: SyntheticGuest, to: [u8; 6]) -> Talker {
        Talker { guest, to, next: 0, last: None }
    }

    /// Sends up to `count` frames with one kick, as far as there is room.
    pub(crate) fn send(&mut self, rng: &mut Rng, count: usize) {
        let from = self.guest.mac();
        let tx = &mut self.guest.pairs()[0].tx;
        tx.reclaim();
        for _ in 0..count {
            let frame = numbered(self.to, from, self.next, rng.between(60, 1514));
            let shape = if rng.one_in(2) { Shape::whole() } else { Shape::own_header().indirect_from(0) };
            if tx.enqueue(&shape, VnetHeader::default(), &frame).is_err() {
                break;
            }
            self.next += 1;
        }
        tx.flush();
    }

    /// Takes what has come. Numbers only ever rise: nothing is doubled or overtaken; damage panics by itself.
    pub(crate) fn receive(&mut self) {
        while let Some(got) = self.guest.recv() {
            let number = number_of(&got.frame).expect("only numbered frames were sent");
            let name = self.guest.name();
            assert!(self.last < Some(number), "{name}: frame {number} came after {:?}", self.last);
            self.last = Some(number);
        }
    }

    /// Sends and receives until the other side has got something that was sent from now on.
    pub(crate) fn resume(&mut self, other: &mut Talker, rng: &mut Rng) {
        let fresh = self.next;
        until("traffic to flow again", Deadline::patient(), || {
            self.send(rng, 4);
            other.receive();
            self.receive();
            other.last >= Some(fresh)
        });
    }
}
