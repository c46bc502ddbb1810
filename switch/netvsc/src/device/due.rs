// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What time does.

use super::Device;
use crate::clock::Due;
use crate::{State, Trouble};
use std::time::Duration;

impl Device {
    /// When [`Device::handle_due`] should be called, if at all.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        [self.clock.next(), self.damper.until(), self.path.retry()].into_iter().flatten().min()
    }

    /// Does what is due. To call it early or late does no harm.
    pub fn handle_due(&mut self, now: Duration) {
        self.damper.expire(now);
        self.path.expire(now);
        while let Some(due) = self.clock.take(now) {
            self.is_due(due, now);
        }
        self.advance(now);
    }

    fn is_due(&mut self, due: Due, now: Duration) {
        match due {
            // Their absence is what is looked at.
            Due::Plug | Due::Takeover | Due::Tail | Due::Deaf => {}
            Due::Answer => self.plug_unanswered(now),
            Due::Use => self.not_used(),
            Due::Link => self.link_stays_down(now),
            Due::UnplugAgain => self.unplug_again(),
            Due::Unplug => self.unplug_overdue(now),
        }
    }

    fn not_used(&mut self) {
        if self.vf.state == State::Plugged && self.has_guest() {
            self.trouble(Trouble::NotUsed);
        }
        self.finish_asked(false);
    }
}
