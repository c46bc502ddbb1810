// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports whose guests are at another switch, or are about to go there, as control knows.
//!
//! A guest that is heard at an uplink is found there by its own address. Until it is heard, and by the static entries that lead to
//! its port, nothing leads to it but the port. So frames for an empty port of which control says that its guest is *away* leave by
//! the namespace's uplinks, as if there were no such port here. It ends, for each worker, with the first ring that runs.
//!
//! While a guest that is *leaving* is on its way it is nowhere, for as long as a VMM takes to hand over the rest. What comes for it
//! then waits ([`Steering::HELD`]): from the moment when its first ring is about to stop until a ring runs here again, since it
//! stays after all, or until an uplink brings a frame of it. Then what waits follows it by that uplink, before anything later.

use std::sync::atomic::Ordering;

use crate::mac_table::MacTable;
use crate::port::Port;
use crate::steering::Steering;

impl Port {
    /// Says that the port's guest is elsewhere, for as long as the port is empty; or is not any more. A new port's is not.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    /// Whether control says that the port's guest is elsewhere.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Whether frames for the port's guest have to leave.
    #[inline]
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.is_away() && self.is_vacant()
    }

    /// Says that the port's guest is about to go elsewhere, or is not any more. A new port's is not.
    pub fn set_leaving(&self, leaving: bool) {
        self.leaving.store(leaving, Ordering::Relaxed);
    }

    /// A receive ring is about to stop. From then on frames for a guest that is leaving wait; not those of one whose lanes are
    /// steered by other rules.
    pub fn pause(&self) {
        if self.leaving.load(Ordering::Relaxed) && self.steering() == Steering::default() {
            self.steer_lanes(Steering::HELD);
            self.paused.store(true, Ordering::Relaxed);
        }
    }

    /// A receive ring runs, or the guest is not waited for any more. True: a worker is to deliver what has waited
    /// ([`Port::release`]).
    #[must_use]
    pub fn resume(&self) -> bool {
        let waited = self.paused.swap(false, Ordering::Relaxed) && self.steering() == Steering::HELD;
        if waited {
            self.steer_lanes(Steering::default());
        }
        waited
    }

    /// The guest was heard at `uplink`: what has waited for it follows it.
    #[cold]
    pub(crate) fn let_follow(&self, uplink: &Port, table: &MacTable) {
        if self.paused.swap(false, Ordering::Relaxed) {
            self.send_held_after(uplink, table);
        }
    }
}
