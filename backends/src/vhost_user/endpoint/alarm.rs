// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The endpoint's one timer.

use std::io;
use std::time::{Duration, Instant};

use vmm_sys_util::timerfd::TimerFd;

/// A timer that is due at an instant, or never. Setting it anew also takes back an expiry that was not yet seen, so the
/// descriptor is never read.
pub(super) struct Alarm {
    timer: TimerFd,
    due: Option<Instant>,
}

impl Alarm {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { timer: TimerFd::new().map_err(io::Error::from)?, due: None })
    }

    pub(super) fn fd(&self) -> &TimerFd {
        &self.timer
    }

    /// Sets the alarm; `None` turns it off.
    pub(super) fn set(&mut self, due: Option<Instant>, now: Instant) {
        if self.due == due {
            return;
        }
        self.due = due;
        // Zero would turn the timer off.
        let wait = due.map(|due| due.saturating_duration_since(now).max(Duration::from_millis(1)));
        // Both fail only for arguments that cannot occur.
        let _ = match wait {
            Some(wait) => self.timer.reset(wait, None),
            None => self.timer.clear(),
        };
    }
}
