// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who speaks while weftd is killed.
use tests::driver::{Shape, VnetHeader};
use tests::frames::{number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::seed::Rng;
use tests::wait::{Deadline, until};

/// A guest that sends numbered frames to another, from all its queues, and checks what comes from it. Both have as many queues.
pub(crate) struct Talker {
    pub(crate) guest: SyntheticGuest,
    to: [u8; 6],
    /// How many frames each queue has sent. A frame's number is that, and the queue in the remainder.
    pub(crate) next: Vec<u64>,
    /// The number of the last frame that it got of each of the other's queues.
    pub(crate) last: Vec<Option<u64>>,
}

impl Talker {
    pub(crate) fn new(mut guest: SyntheticGuest, to: [u8; 6]) -> Talker {
        let queues = guest.pairs().len();
        Talker { guest, to, next: vec![0; queues], last: vec![None; queues] }
    }

    /// Sends up to `count` frames from each queue with one kick, as far as there is room.
    pub(crate) fn send(&mut self, rng: &mut Rng, count: usize) {
        let (from, queues) = (self.guest.mac(), self.next.len() as u64);
        for ((queue, next), pair) in (0..).zip(&mut self.next).zip(self.guest.pairs()) {
            pair.tx.reclaim();
            for _ in 0..count {
                let frame = numbered(self.to, from, *next * queues + queue, rng.between(60, 1514));
                let shape = if rng.one_in(2) { Shape::whole() } else { Shape::own_header().indirect_from(0) };
                if pair.tx.enqueue(&shape, VnetHeader::default(), &frame).is_err() {
                    break;
                }
                *next += 1;
            }
            pair.tx.flush();
        }
    }

    /// Takes what has come. Numbers of one queue only ever rise: nothing is doubled or overtaken; damage panics by itself.
    pub(crate) fn receive(&mut self) {
        while let Some(got) = self.guest.recv() {
            let number = number_of(&got.frame).expect("only numbered frames were sent");
            let name = self.guest.name();
            let last = &mut self.last[(number % self.next.len() as u64) as usize];
            assert!(*last < Some(number), "{name}: frame {number} came after {last:?}");
            *last = Some(number);
        }
    }

    /// Whether something of each of the other's queues has come since the last numbers were these.
    pub(crate) fn has_heard_since(&self, before: &[Option<u64>]) -> bool {
        self.last.iter().zip(before).all(|(last, before)| last > before)
    }

    /// Sends and receives until the other side has got something of each queue that was sent from now on.
    pub(crate) fn resume(&mut self, other: &mut Talker, rng: &mut Rng) {
        let queues = self.next.len() as u64;
        let sent = (0..).zip(&self.next).map(|(queue, next)| next.checked_sub(1).map(|last| last * queues + queue));
        let sent: Vec<Option<u64>> = sent.collect();
        until("traffic to flow again", Deadline::patient(), || {
            self.send(rng, 4);
            other.receive();
            self.receive();
            other.has_heard_since(&sent)
        });
    }
}
