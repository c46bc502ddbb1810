// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Connecting to a VMM that listens, for ever.

use std::time::Duration;

/// First pause between two attempts.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The pauses between attempts: they double up to a limit, and start anew once the other side has talked to us.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BackOff(Duration);

impl BackOff {
    pub(crate) fn new() -> Self {
        Self(PAUSE_MIN)
    }

    /// How long to wait before the next attempt.
    pub(crate) fn next_pause(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(PAUSE_MAX);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_limit() {
        let mut back_off = BackOff::new();
        let pauses: Vec<u128> = (0..7).map(|_| back_off.next_pause().as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 2000, 2000]);
    }
}
