// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Times of control for the wire: spans as seen from `now`, and moments of the day.

use pvd::{Deadline, Lifetime};
use std::time::{Duration, SystemTime};

/// A moment that control knows, in milliseconds since 1970 (UTC): what this machine's clock says now, less what has
/// passed since.
pub(super) fn unix_ms(then: Duration, now: Duration) -> u64 {
    let today = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    today.saturating_sub(now.saturating_sub(then)).as_millis() as u64
}

/// Seconds that have passed.
pub(super) fn since(then: Duration, now: Duration) -> u64 {
    now.saturating_sub(then).as_secs()
}

/// Seconds that are left; `None`: there is no end.
pub(super) fn left(until: Deadline, now: Duration) -> Option<u64> {
    match until.remaining(now) {
        Some(Lifetime::Infinite) => None,
        Some(Lifetime::Finite(seconds)) => Some(seconds.get().into()),
        None => Some(0),
    }
}
