// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Damping of flaps: a leaky count of losses of the VF. Past the free ones, each is followed by a hold, twice as long as
//! the one before and bounded.

use crate::Damping;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The count, and the hold that it led to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Damper {
    count: u32,
    holds: u32,
    leaked: Duration,
    until: Option<Duration>,
}

/// What of a damper outlives a restart, which has another origin of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedDamper {
    count: u32,
    holds: u32,
    held: bool,
}

impl Damper {
    /// One flap. `true`: the data path is held from now on.
    pub(crate) fn flap(&mut self, damping: &Damping, now: Duration) -> bool {
        self.leak(damping, now);
        self.count = self.count.saturating_add(1).min(damping.free.saturating_add(damping.free).saturating_add(1));
        let held = self.count > damping.free;
        if held {
            self.until = Some(now.saturating_add(damping.hold.nth(self.holds)));
            self.holds = self.holds.saturating_add(1);
        }
        held
    }

    /// Forgets what is old. Once everything is, the next hold is a short one again.
    fn leak(&mut self, damping: &Damping, now: Duration) {
        let passed = now.saturating_sub(self.leaked).as_nanos();
        let drops = passed.checked_div(damping.forgotten.as_nanos()).unwrap_or(u128::MAX);
        let drops = u32::try_from(drops).unwrap_or(u32::MAX);
        if drops >= self.count {
            (self.count, self.holds, self.leaked) = (0, 0, now);
        } else {
            self.count -= drops;
            self.leaked = self.leaked.saturating_add(damping.forgotten.saturating_mul(drops));
        }
    }

    /// The end of the hold, while there is one.
    pub(crate) fn until(&self) -> Option<Duration> {
        self.until
    }

    pub(crate) fn is_held(&self) -> bool {
        self.until.is_some()
    }

    /// Ends the hold when its time has come.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.until = self.until.filter(|until| now < *until);
    }

    /// Forgets everything: the operator knows better.
    pub(crate) fn pardon(&mut self) {
        *self = Damper::default();
    }

    pub(crate) fn save(&self) -> SavedDamper {
        SavedDamper { count: self.count, holds: self.holds, held: self.is_held() }
    }

    /// A hold that was saved begins anew, since how much of it had passed is not known.
    pub(crate) fn restore(saved: SavedDamper, damping: &Damping, now: Duration) -> Damper {
        let last = damping.hold.nth(saved.holds.saturating_sub(1));
        let until = saved.held.then(|| now.saturating_add(last));
        Damper { count: saved.count, holds: saved.holds, leaked: now, until }
    }
}
