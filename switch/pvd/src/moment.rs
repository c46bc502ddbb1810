// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Deadlines and times that one writer moves on while others read them.
//!
//! What a router repeats changes nothing but these, so that hearing it again is a few stores: nothing is allocated,
//! nothing is published, nobody is told.

use crate::lifetime::Deadline;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One before all ones, which means never.
const LAST: u64 = u64::MAX - 1;

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(LAST).min(LAST)
}

/// A deadline, in nanoseconds; it lasts to the year 2554 after the caller's origin. Each stands for itself, so that no
/// order between two is promised.
#[derive(Debug)]
pub(crate) struct SharedDeadline(AtomicU64);

impl SharedDeadline {
    pub(crate) fn new(deadline: Deadline) -> SharedDeadline {
        let shared = SharedDeadline(AtomicU64::new(0));
        shared.set(deadline);
        shared
    }

    pub(crate) fn get(&self) -> Deadline {
        match self.0.load(Ordering::Relaxed) {
            u64::MAX => Deadline::Never,
            nanos => Deadline::At(Duration::from_nanos(nanos)),
        }
    }

    pub(crate) fn set(&self, deadline: Deadline) {
        let value = match deadline {
            Deadline::Never => u64::MAX,
            Deadline::At(end) => nanos(end),
        };
        self.0.store(value, Ordering::Relaxed);
    }
}

impl Clone for SharedDeadline {
    fn clone(&self) -> SharedDeadline {
        SharedDeadline::new(self.get())
    }
}

/// A time, in nanoseconds.
#[derive(Debug)]
pub(crate) struct SharedTime(AtomicU64);

impl SharedTime {
    pub(crate) fn new(time: Duration) -> SharedTime {
        SharedTime(AtomicU64::new(nanos(time)))
    }

    pub(crate) fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, time: Duration) {
        self.0.store(nanos(time), Ordering::Relaxed);
    }
}

/// A count that one writer moves on.
#[derive(Debug, Default)]
pub(crate) struct SharedCount(AtomicU64);

impl SharedCount {
    pub(crate) fn new(count: u64) -> SharedCount {
        SharedCount(AtomicU64::new(count))
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }

    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_deadline_comes_out_as_it_went_in() {
        for deadline in [Deadline::Never, Deadline::At(Duration::ZERO), Deadline::At(Duration::from_secs(1 << 33))] {
            assert_eq!(SharedDeadline::new(deadline).clone().get(), deadline);
        }
    }

    #[test]
    fn test_a_finite_one_never_becomes_infinite() {
        assert!(SharedDeadline::new(Deadline::At(Duration::MAX)).get() < Deadline::Never);
        assert_eq!(SharedTime::new(Duration::MAX).get(), Duration::from_nanos(LAST));
    }
}
