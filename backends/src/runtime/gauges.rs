// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a worker shows of itself: written by its thread alone, read by anyone at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dataplane::Worker;

use super::watchdog::Pulse;

/// What a worker did in some time: since it started, or between two looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// The time, in cycles ([`sys::cycles`]).
    pub cycles: u64,
    /// Cycles of it that were spent in turns that found frames.
    pub busy_cycles: u64,
    /// Frames taken from guests.
    pub frames: u64,
    /// Bursts that they came in.
    pub bursts: u64,
    /// Times it was woken from sleep.
    pub wakeups: u64,
}

impl Work {
    /// What was done since `before`.
    #[must_use]
    pub fn since(&self, before: &Work) -> Work {
        Work {
            cycles: self.cycles.saturating_sub(before.cycles),
            busy_cycles: self.busy_cycles.saturating_sub(before.busy_cycles),
            frames: self.frames.saturating_sub(before.frames),
            bursts: self.bursts.saturating_sub(before.bursts),
            wakeups: self.wakeups.saturating_sub(before.wakeups),
        }
    }

    /// Share of the time that was busy, in thousandths.
    #[must_use]
    pub fn busy_permille(&self) -> u32 {
        let permille = u128::from(self.busy_cycles) * 1000 / u128::from(self.cycles.max(1));
        permille.min(1000) as u32
    }
}

/// See the module.
pub(super) struct Gauges {
    started: u64,
    busy_cycles: AtomicU64,
    frames: AtomicU64,
    bursts: AtomicU64,
    wakeups: AtomicU64,
    pub(super) pulse: Arc<Pulse>,
}

impl Gauges {
    pub(super) fn new() -> Self {
        Self {
            started: sys::cycles(),
            busy_cycles: AtomicU64::default(),
            frames: AtomicU64::default(),
            bursts: AtomicU64::default(),
            wakeups: AtomicU64::default(),
            pulse: Arc::default(),
        }
    }

    /// A turn that found frames took so many cycles.
    pub(super) fn worked(&self, worker: &Worker, cycles: u64) {
        bump(&self.busy_cycles, cycles);
        self.frames.store(worker.frames(), Ordering::Relaxed);
        self.bursts.store(worker.bursts(), Ordering::Relaxed);
    }

    /// A sleep has ended.
    pub(super) fn woke(&self) {
        bump(&self.wakeups, 1);
    }

    /// All of it, since the start.
    pub(super) fn work(&self) -> Work {
        let load = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        Work {
            cycles: sys::cycles().saturating_sub(self.started),
            busy_cycles: load(&self.busy_cycles),
            frames: load(&self.frames),
            bursts: load(&self.bursts),
            wakeups: load(&self.wakeups),
        }
    }
}

/// The only writer: no need for a locked add.
fn bump(gauge: &AtomicU64, by: u64) {
    gauge.store(gauge.load(Ordering::Relaxed) + by, Ordering::Relaxed);
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_share_is_never_above_the_whole() {
        let share = |busy_cycles, cycles| Work { busy_cycles, cycles, ..Work::default() }.busy_permille();
        assert_eq!([share(250, 1000), share(2, 1), share(0, 0), share(u64::MAX, u64::MAX)], [250, 1000, 0, 1000]);
    }
}
