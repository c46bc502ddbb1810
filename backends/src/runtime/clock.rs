// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The one place where the data plane's time comes from.

use dataplane::Instant;
use rustix::time::{ClockId, clock_gettime};

/// Monotonic time since the machine started; the same origin for every process, so it outlives a restart of weftd.
#[must_use]
pub fn clock() -> Instant {
    let now = clock_gettime(ClockId::Monotonic);
    Instant::from_nanos(now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64)
}
