// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How busy the workers were lately: the difference of their counters between two ticks.

use crate::runtime::WorkerStats;
use std::time::{Duration, Instant};

/// Measures the workers from tick to tick.
pub(super) struct Load {
    at: Instant,
    busy: Vec<Duration>,
    permille: Vec<u32>,
}

impl Load {
    pub(super) fn new(now: Instant) -> Load {
        Load { at: now, busy: Vec::new(), permille: Vec::new() }
    }

    /// Takes a new measurement.
    pub(super) fn tick(&mut self, now: Instant, stats: &[WorkerStats]) {
        let span = now.saturating_duration_since(self.at);
        let before = |i: usize| self.busy.get(i).copied().unwrap_or_default();
        let shares = stats.iter().enumerate().map(|(i, s)| share(s.busy.saturating_sub(before(i)), span));
        self.permille = shares.collect();
        self.busy = stats.iter().map(|s| s.busy).collect();
        self.at = now;
    }

    /// Share of the last tick's time that a worker moved frames, in thousandths.
    pub(super) fn permille(&self, worker: usize) -> u32 {
        self.permille.get(worker).copied().unwrap_or(0)
    }
}

fn share(busy: Duration, span: Duration) -> u32 {
    let permille = busy.as_nanos() * 1000 / span.as_nanos().max(1);
    permille.min(1000) as u32
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_share_is_of_the_last_span_and_never_above_the_whole() {
        assert_eq!(share(Duration::from_millis(250), Duration::from_secs(1)), 250);
        assert_eq!(share(Duration::from_secs(2), Duration::from_secs(1)), 1000);
        assert_eq!(share(Duration::ZERO, Duration::ZERO), 0);
    }
}
