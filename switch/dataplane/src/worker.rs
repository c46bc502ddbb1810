// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A worker: the source queues that it owns, polled in turn, a burst each.

use std::os::fd::BorrowedFd;

use crate::burst::Burst;
use crate::deliver::Delivery;
use crate::limits;
use crate::port::SourceId;
use crate::snoop::{self, Snoops, Tap};
use crate::source::{Source, Turn};
use crate::time::Instant;

/// A stage of the frame path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Chains are taken off the ring, and heads out of guest memory.
    Receive,
    /// Each frame is judged by its head.
    Guard,
    /// Sources are learned, destinations looked up.
    Forward,
    /// Frames are copied into the receivers' buffers.
    Deliver,
    /// Chains are given back, receivers told, counters moved.
    Finish,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Receive, Self::Guard, Self::Forward, Self::Deliver, Self::Finish];
}

/// The frame path of one thread. It neither sleeps nor reads a clock: who runs it does.
pub struct Worker {
    sources: Vec<(SourceId, Source)>,
    turn: Turn,
    frames: u64,
    bursts: u64,
}

impl Default for Worker {
    fn default() -> Self {
        Self::new()
    }
}

impl Worker {
    /// A worker without sources, to which nobody listens; allocates all that the frame path needs.
    #[must_use]
    pub fn new() -> Self {
        let turn = Turn { burst: Burst::new(), delivery: Delivery::new(), tap: Tap::closed() };
        Self { sources: Vec::new(), turn, frames: 0, bursts: 0 }
    }

    /// Hands over from now on what control wants to hear of: copies of Router Advertisements and Solicitations.
    pub fn listen(&mut self) -> Snoops {
        let (tap, snoops) = snoop::tap(limits::SNOOP_SLOTS);
        self.turn.tap = tap;
        snoops
    }

    /// Whether something was handed over since the last call, so that who listens is to be woken.
    pub fn take_news(&mut self) -> bool {
        self.turn.tap.take_news() | std::mem::take(&mut self.turn.delivery.news)
    }

    /// Adds a source; it is polled from now on.
    pub fn attach(&mut self, id: SourceId, mut source: Source) {
        source.disarm();
        self.sources.push((id, source));
    }

    /// Takes a source out. Nothing of its ring is in flight.
    pub fn detach(&mut self, id: SourceId) -> Option<Source> {
        let index = self.sources.iter().position(|(other, _)| *other == id)?;
        Some(self.sources.remove(index).1)
    }

    /// Polls every source once, a burst each, so that none can starve another. Returns the chains that were taken.
    pub fn poll(&mut self, now: Instant) -> usize {
        self.poll_watched(now, |_| ())
    }

    /// The same, for who wants to know how long the stages take: `watch` is called at the end of each stage of each burst
    /// that is not empty.
    pub fn poll_watched(&mut self, now: Instant, mut watch: impl FnMut(Stage)) -> usize {
        let mut taken = 0;
        for at in 0..self.sources.len() {
            if let Some((_, next)) = self.sources.get(at + 1) {
                next.ask_index();
            }
            let (id, source) = &mut self.sources[at];
            let burst = source.poll(*id, &mut self.turn, now, &mut watch);
            self.bursts += u64::from(burst > 0);
            taken += burst;
        }
        self.frames += taken as u64;
        taken
    }

    /// Asks every guest to kick, before the caller sleeps. True: something arrived meanwhile, poll again instead.
    pub fn arm(&mut self) -> bool {
        self.sources.iter_mut().fold(false, |work, (_, source)| source.arm() | work)
    }

    /// Asks every guest not to kick, after the caller woke up.
    pub fn disarm(&mut self) {
        for (_, source) in &mut self.sources {
            source.disarm();
        }
    }

    /// Clears the doorbell of a source that woke the caller.
    pub fn drain_kick(&mut self, id: SourceId) {
        if let Some((_, source)) = self.sources.iter_mut().find(|(other, _)| *other == id) {
            source.drain_kick();
        }
    }

    /// The descriptor of a source that woke the caller and never will have anything again, though it says so for ever.
    #[must_use]
    pub fn dead_kick(&self, id: SourceId) -> Option<BorrowedFd<'_>> {
        let (_, source) = self.sources.iter().find(|(other, _)| *other == id)?;
        source.dead_kick()
    }

    /// Chains taken since the start.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bursts that were not empty since the start.
    #[must_use]
    pub fn bursts(&self) -> u64 {
        self.bursts
    }
}
