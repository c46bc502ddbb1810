// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the workers did lately: the difference of their counters between two ticks.

use crate::runtime::{Work, WorkerStats};

/// Measures the workers from tick to tick.
#[derive(Default)]
pub(super) struct Load {
    before: Vec<Work>,
    lately: Vec<Work>,
}

impl Load {
    /// Takes a new measurement.
    pub(super) fn tick(&mut self, stats: &[WorkerStats]) {
        let before = |i: usize| self.before.get(i).copied().unwrap_or_default();
        self.lately = stats.iter().enumerate().map(|(i, stats)| stats.work.since(&before(i))).collect();
        self.before = stats.iter().map(|stats| stats.work).collect();
    }

    /// What a worker did between the last two ticks.
    pub(super) fn lately(&self, worker: usize) -> Work {
        self.lately.get(worker).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::runtime::WorkerSpec;

    #[test]
    fn test_lately_is_since_the_last_tick() {
        let stats = |frames, cycles| {
            let work = Work { frames, cycles, ..Work::default() };
            [WorkerStats { spec: WorkerSpec::default(), sources: 0, work }]
        };
        let mut load = Load::default();
        assert_eq!(load.lately(0), Work::default());
        load.tick(&stats(10, 100));
        load.tick(&stats(17, 300));
        assert_eq!(load.lately(0), Work { frames: 7, cycles: 200, ..Work::default() });
    }
}
