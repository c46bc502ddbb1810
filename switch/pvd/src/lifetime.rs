// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lifetimes as Router Advertisements carry them, and the deadlines that they become when they are heard.

use std::num::NonZeroU32;
use std::time::Duration;

/// How long something stays true from the moment it is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifetime {
    /// This many seconds; below 2^32 - 1, which means for ever.
    Finite(NonZeroU32),
    /// For ever.
    Infinite,
}

impl Lifetime {
    /// The 32-bit field of an option, where all ones is infinity (RFC 4861 section 4.6.2). `None` for zero: what the
    /// option tells is withdrawn.
    pub fn from_wire(seconds: u32) -> Option<Lifetime> {
        match seconds {
            u32::MAX => Some(Lifetime::Infinite),
            finite => NonZeroU32::new(finite).map(Lifetime::Finite),
        }
    }

    /// The 32-bit field of an option for this lifetime.
    pub fn to_wire(self) -> u32 {
        match self {
            Lifetime::Finite(seconds) => seconds.get(),
            Lifetime::Infinite => u32::MAX,
        }
    }

    /// Until when it lasts, heard at `now`.
    pub fn deadline(self, now: Duration) -> Deadline {
        match self {
            Lifetime::Finite(seconds) => Deadline::At(now.saturating_add(Duration::from_secs(seconds.get().into()))),
            Lifetime::Infinite => Deadline::Never,
        }
    }
}

/// Until when something is true. `At` sorts before `Never`, the sooner first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deadline {
    /// Until this moment, which is not part of it.
    At(Duration),
    /// Without end.
    Never,
}

impl Deadline {
    /// It is over.
    pub fn passed(self, now: Duration) -> bool {
        matches!(self, Deadline::At(end) if end <= now)
    }

    /// What is left, to be told to others: whole seconds, rounded down, so that nobody is promised more than the
    /// router said. `None` when less than a second is left.
    pub fn remaining(self, now: Duration) -> Option<Lifetime> {
        match self {
            Deadline::Never => Some(Lifetime::Infinite),
            Deadline::At(end) => {
                // One below infinity: finite time does not become infinite by being long.
                let left = end.saturating_sub(now).as_secs().min(u64::from(u32::MAX - 1));
                Lifetime::from_wire(left as u32)
            }
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn test_zero_withdraws_and_all_ones_is_for_ever() {
        assert_eq!(Lifetime::from_wire(0), None);
        assert_eq!(Lifetime::from_wire(u32::MAX), Some(Lifetime::Infinite));
        for wire in [1, 1800, u32::MAX - 1, u32::MAX] {
            assert_eq!(Lifetime::from_wire(wire).unwrap().to_wire(), wire);
        }
    }

    #[test]
    fn test_a_deadline_ends_when_it_should_and_not_before() {
        let deadline = Lifetime::from_wire(10).unwrap().deadline(at(500));
        assert!(!deadline.passed(at(10_499)));
        assert!(deadline.passed(at(10_500)));
        assert!(!Deadline::Never.passed(Duration::MAX));
        assert!(deadline < Deadline::Never);
    }

    #[test]
    fn test_what_is_left_is_rounded_down() {
        let deadline = Lifetime::from_wire(10).unwrap().deadline(at(0));
        let left = |millis| deadline.remaining(at(millis)).map(Lifetime::to_wire);
        assert_eq!((left(0), left(1), left(9000), left(9001), left(20_000)), (Some(10), Some(9), Some(1), None, None));
        assert_eq!(Deadline::Never.remaining(at(1)), Some(Lifetime::Infinite));
        assert_eq!(Deadline::At(Duration::MAX).remaining(at(0)).map(Lifetime::to_wire), Some(u32::MAX - 1));
    }
}
