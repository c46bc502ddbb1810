// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How long a worker that finds nothing to do goes on polling before it sleeps.
//!
//! Polling through a short gap between two frames is cheaper than to sleep through it: a wake-up costs the guest a kick
//! and both sides a switch of contexts. Polling through a long gap is waste. Which gaps come is not known, so patience
//! follows those that came: each that was short enough doubles it, each that was longer halves it. One odd gap
//! therefore changes little, and a worker neither falls asleep in every lull nor polls after every frame.

use std::time::Duration;

use dataplane::Instant;

/// Patience after long gaps: so little that a frame now and then costs next to nothing.
const LEAST: Duration = Duration::from_micros(20);

/// Patience after short gaps: a stream of ten thousand frames a second is polled for, a thinner one is slept for.
const MOST: Duration = Duration::from_micros(100);

/// How long control may take for an answer to what it was handed: longer than the kernel takes to wake it. A worker that
/// slept meanwhile would have to be woken in turn, and the guest that has asked would wait for that, too.
const ANSWER: Duration = Duration::from_micros(200);

/// When a worker polls and when it sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PollMode {
    /// Polls under load and for a moment after, else sleeps.
    #[default]
    Adaptive,
    /// Never sleeps: lowest latency, one core always busy.
    Always,
    /// Sleeps as soon as there is nothing to do: least CPU.
    Never,
}

/// See the module.
pub(super) struct Patience {
    mode: PollMode,
    linger: Duration,
    /// When there was something to do.
    worked: Instant,
    /// Control was handed something and may have an answer until then.
    awaits: Option<Instant>,
}

impl Patience {
    pub(super) fn new(mode: PollMode, now: Instant) -> Self {
        Self { mode, linger: LEAST, worked: now, awaits: None }
    }

    /// There was something to do.
    pub(super) fn worked(&mut self, now: Instant) {
        self.worked = now;
    }

    /// Control was handed something that it may answer.
    pub(super) fn asked(&mut self, now: Instant) {
        self.awaits = Some(now + ANSWER);
    }

    /// Control has said something.
    pub(super) fn answered(&mut self) {
        self.awaits = None;
    }

    /// Whether control may be about to say something.
    pub(super) fn awaits(&self, now: Instant) -> bool {
        self.awaits.is_some_and(|until| now < until)
    }

    /// There is nothing to do: whether to sleep now.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        match self.mode {
            PollMode::Adaptive => now.since(self.worked) >= self.linger && !self.awaits(now),
            PollMode::Always => false,
            PollMode::Never => true,
        }
    }

    /// A sleep has ended.
    pub(super) fn woke(&mut self, now: Instant) {
        let gap = now.since(self.worked);
        self.linger = if gap < MOST { self.linger * 2 } else { self.linger / 2 }.clamp(LEAST, MOST);
    }
}

#[cfg(test)]
mod test {
    use super::*;

    /// Frames that come with these gaps, in microseconds. Returns how often the worker slept, and how long it polled
    /// in vain.
    fn gaps(patience: &mut Patience, gaps: impl IntoIterator<Item = u64>) -> (usize, Duration) {
        let (mut sleeps, mut in_vain) = (0, Duration::ZERO);
        for gap in gaps {
            let (begin, mut now) = (patience.worked, patience.worked);
            let end = begin + Duration::from_micros(gap);
            while now < end && !patience.is_over(now) {
                now = now + Duration::from_micros(1);
            }
            if now < end {
                sleeps += 1;
                in_vain += now.since(begin);
                patience.woke(end);
            }
            patience.worked(end);
        }
        (sleeps, in_vain)
    }

    fn patience(mode: PollMode) -> Patience {
        Patience::new(mode, Instant::default())
    }

    #[test]
    fn test_a_steady_stream_is_polled_for() {
        let (sleeps, _) = gaps(&mut patience(PollMode::Adaptive), [90; 1000]);
        assert!(sleeps < 5, "{sleeps}");
    }

    #[test]
    fn test_a_thin_stream_is_slept_for_and_costs_little() {
        let (sleeps, in_vain) = gaps(&mut patience(PollMode::Adaptive), [1000; 1000]);
        assert_eq!((sleeps, in_vain), (1000, LEAST * 1000), "2 % of a second of such frames");
    }

    #[test]
    fn test_one_odd_gap_changes_little() {
        let mut patience = patience(PollMode::Adaptive);
        gaps(&mut patience, [90; 10]);
        let (sleeps, _) = gaps(&mut patience, [5000, 45, 45, 45, 45, 90, 90, 90]);
        assert_eq!(sleeps, 2, "the odd one, and the first that is too long for what is left");
        gaps(&mut patience, [5000; 10]);
        gaps(&mut patience, [10, 10, 5000]);
        assert_eq!(patience.linger, LEAST);
    }

    #[test]
    fn test_an_answer_is_waited_for_and_not_for_long() {
        let mut patience = patience(PollMode::Adaptive);
        let at = |micros| Instant::default() + Duration::from_micros(micros);
        patience.asked(at(0));
        assert!(!patience.is_over(at(199)) && patience.is_over(at(200)));
        patience.answered();
        assert!(patience.is_over(at(199)), "it has come");
        patience = Patience::new(PollMode::Never, at(0));
        patience.asked(at(0));
        assert!(patience.is_over(at(1)));
    }

    #[test]
    fn test_the_other_modes_know_no_doubt() {
        let mut always = patience(PollMode::Always);
        assert_eq!(gaps(&mut always, [10_000; 10]).0, 0);
        let mut never = patience(PollMode::Never);
        assert_eq!(gaps(&mut never, [1; 10]), (10, Duration::ZERO));
    }
}
