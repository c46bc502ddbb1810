// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What control knows of a lane that is open: whether its other end is there, and what it has counted. Both halves of the
//! lane write it, control reads it, nobody waits.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Whether the other end of a lane is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LinkState {
    /// Not there yet, or away for a while; it may come by itself.
    Down,
    /// There, as far as can be seen.
    Up,
    /// It has gone and does not come back: the lane must be opened anew.
    Gone,
}

/// What a lane has counted since it was opened. Each only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Frames that came from the lane.
    pub received: u64,
    /// Frames that came too late: the kernel had no room for them.
    pub missed: u64,
    /// Messages that are no frame: too short, too long, or cut.
    pub malformed: u64,
    /// Frames that went into the lane.
    pub sent: u64,
    /// Frames that the other end did not take.
    pub lost: u64,
}

/// One open lane, as control sees it.
#[derive(Debug)]
pub struct Link {
    state: AtomicU8,
    pub(super) received: Counter,
    pub(super) missed: Counter,
    pub(super) malformed: Counter,
    pub(super) sent: Counter,
    pub(super) lost: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: u64) {
        // Most bursts have nothing to add to most counters.
        if count != 0 {
            self.0.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Link {
    /// A link in this state that has counted nothing.
    pub(super) fn new(state: LinkState) -> Self {
        let [received, missed, malformed, sent, lost] = std::array::from_fn(|_| Counter::default());
        Self { state: AtomicU8::new(state as u8), received, missed, malformed, sent, lost }
    }

    /// Whether the other end is there.
    #[must_use]
    pub fn state(&self) -> LinkState {
        match self.state.load(Ordering::Acquire) {
            up if up == LinkState::Up as u8 => LinkState::Up,
            gone if gone == LinkState::Gone as u8 => LinkState::Gone,
            _ => LinkState::Down,
        }
    }

    /// What is known of a netdev's carrier from elsewhere: its lane cannot tell while nothing crosses it.
    pub fn follow(&self, carrier: bool) {
        self.set(if carrier { LinkState::Up } else { LinkState::Down });
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            received: self.received.get(),
            missed: self.missed.get(),
            malformed: self.malformed.get(),
            sent: self.sent.get(),
            lost: self.lost.get(),
        }
    }

    /// The other end was seen to be there, or not. What has gone stays so.
    pub(super) fn set(&self, state: LinkState) {
        // Both ends of a busy lane say the same again and again.
        if self.state() != state {
            let gone = LinkState::Gone as u8;
            let keep = |now| (now != gone).then_some(state as u8);
            let _ = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, keep);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_gone_does_not_come_back() {
        let link = Link::new(LinkState::Down);
        for state in [LinkState::Up, LinkState::Down, LinkState::Up, LinkState::Gone] {
            link.set(state);
            assert_eq!(link.state(), state);
        }
        link.set(LinkState::Up);
        assert_eq!(link.state(), LinkState::Gone);
    }
}
