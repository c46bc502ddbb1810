// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The one place where the data plane's time comes from.

use dataplane::Instant;
use rustix::time::{ClockId, clock_gettime};

/// Cycles after which a worker looks at the clock again: some ten microseconds, and nothing in the frame path asks for
/// a time that is more exact.
const STALE: u64 = 1 << 15;

/// Monotonic time since the machine started; the same origin for every process, so it outlives a restart of weftd.
#[must_use]
pub fn clock() -> Instant {
    let now = clock_gettime(ClockId::Monotonic);
    Instant::from_nanos(now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64)
}

/// The clock of a worker that makes turns: cycles are counted at the end of each, and that is all that most turns pay
/// for; the time of day is looked at when enough of them have passed.
pub(super) struct TurnClock {
    cycles: u64,
    looked: u64,
    now: Instant,
}

impl TurnClock {
    pub(super) fn start() -> Self {
        let cycles = sys::cycles();
        Self { cycles, looked: cycles, now: clock() }
    }

    /// The time, as it was a moment ago.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// Ends a turn and begins the next. Returns the cycles that it took.
    pub(super) fn turn(&mut self) -> u64 {
        let cycles = sys::cycles();
        // A worker that is moved to another CPU may find its counter a little behind.
        let spent = cycles.saturating_sub(self.cycles);
        self.cycles = cycles;
        if cycles.wrapping_sub(self.looked) > STALE {
            (self.looked, self.now) = (cycles, clock());
        }
        spent
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_turns_add_up_and_the_time_follows() {
        let (begin, first) = (sys::cycles(), clock());
        let mut turns = TurnClock::start();
        let mut spent = 0;
        while turns.now().since(first).as_micros() < 1000 {
            spent += turns.turn();
        }
        assert!(spent > STALE && spent <= sys::cycles() - begin);
        assert!(turns.now().since(clock()).is_zero(), "never ahead of the clock");
    }
}
