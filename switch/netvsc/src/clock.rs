// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The times at which a device has something to do by itself.

use std::time::Duration;

/// What is due, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The association is known long enough: the device may be plugged; or it may be tried again.
    Plug,
    /// The VMM should have answered.
    Answer,
    /// The guest should have used the VF.
    Use,
    /// The VF may be switched to.
    Takeover,
    /// A guest that was seen on both lanes was seen on the VF alone for long enough.
    Tail,
    /// The lane's link was down for too long.
    Link,
    /// The VMM is asked again to let the device go.
    UnplugAgain,
    /// The guest should hear again.
    Deaf,
    /// The device should have gone.
    Unplug,
}

const DUES: usize = 9;

impl Due {
    const ALL: [Due; DUES] = [
        Due::Plug,
        Due::Answer,
        Due::Use,
        Due::Takeover,
        Due::Tail,
        Due::Link,
        Due::UnplugAgain,
        Due::Deaf,
        Due::Unplug,
    ];
}

/// One time for each [`Due`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock([Option<Duration>; DUES]);

impl Clock {
    pub(crate) fn set(&mut self, due: Due, at: Duration) {
        self.0[due as usize] = Some(at);
    }

    /// Sets a time that may only move away.
    pub(crate) fn no_earlier(&mut self, due: Due, at: Duration) {
        let slot = &mut self.0[due as usize];
        *slot = Some(slot.map_or(at, |set| set.max(at)));
    }

    pub(crate) fn cancel(&mut self, due: Due) {
        self.0[due as usize] = None;
    }

    pub(crate) fn cancel_all(&mut self) {
        *self = Clock::default();
    }

    pub(crate) fn at(&self, due: Due) -> Option<Duration> {
        self.0[due as usize]
    }

    /// The next time.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.0.iter().flatten().min().copied()
    }

    /// Takes one that has come.
    pub(crate) fn take(&mut self, now: Duration) -> Option<Due> {
        let due = Due::ALL.into_iter().find(|due| self.at(*due).is_some_and(|at| at <= now))?;
        self.cancel(due);
        Some(due)
    }
}
