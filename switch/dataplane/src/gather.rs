// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Giving a source that sends in bulk a moment to fill a whole burst.
//!
//! A worker that is faster than a guest finds what the guest has just written, again and again: small bursts, for which both
//! sides pay as for large ones, and cache lines that are taken from the guest while it still writes to them. So who has
//! lately sent in bulk is left alone until it has a burst together, or for a moment. Who has not is never kept waiting.

use std::time::Duration;

use crate::limits::BURST;
use crate::time::Instant;

/// Frames in a burst from which on its source is said to send in bulk.
const BULK: usize = BURST / 4;

/// See the module. One for each source.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    /// The last burst was a large one, taken then.
    bulk: Option<Instant>,
}

impl Gathering {
    /// Whether `waiting` chains are to be left for now, by a worker that waits for `moment` at most.
    #[inline]
    pub(crate) fn is_on(&self, waiting: u16, now: Instant, moment: Duration) -> bool {
        usize::from(waiting) < BURST && self.bulk.is_some_and(|taken| now.since(taken) < moment)
    }

    /// A burst of `frames` frames was taken.
    #[inline]
    pub(crate) fn took(&mut self, frames: usize, now: Instant) {
        self.bulk = (frames >= BULK).then_some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_micros(10);

    fn at(micros: u64) -> Instant {
        Instant::default() + Duration::from_micros(micros)
    }

    #[test]
    fn bulk_is_given_a_moment_and_no_more_than_a_burst() {
        let mut gathering = Gathering::default();
        gathering.took(BULK, at(100));
        assert!(gathering.is_on(1, at(109), MOMENT) && gathering.is_on(BURST as u16 - 1, at(100), MOMENT));
        assert!(!gathering.is_on(BURST as u16, at(100), MOMENT), "a whole burst");
        assert!(!gathering.is_on(1, at(110), MOMENT), "long enough");
        assert!(!gathering.is_on(1, at(100), Duration::ZERO), "a worker that does not wait");
    }

    #[test]
    fn who_sends_little_is_never_kept_waiting() {
        let mut gathering = Gathering::default();
        assert!(!gathering.is_on(1, at(0), MOMENT), "the first frame of all");
        gathering.took(BURST, at(5));
        gathering.took(BULK - 1, at(6));
        assert!(!gathering.is_on(1, at(7), MOMENT), "bulk has ended");
    }
}
