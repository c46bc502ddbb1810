// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports whose guests are at another switch, or are about to go there, as control knows.
//!
//! A guest that is heard at an uplink is found there by its own address. Until it is heard, and by the static entries that lead to
//! its port, nothing leads to it but the port. So frames for an empty port of which control says that its guest is *away* leave by
//! the namespace's uplinks, as if there were no such port here. It ends, for each worker, with the first ring that runs.
//!
//! While a guest is on its way it is nowhere, for as long as a VMM takes to hand over the rest. What comes for it then waits
//! (`pause.rs`). Once an uplink brings a frame of it, what waits follows it by that uplink, before anything later.
//!
//! What that uplink has brought for it meanwhile does not go back there, not even for that moment. Whatever is between two switches, and
//! every other switch behind it, would learn that the sender is here, and send here what is for him until he speaks again. The
//! destination would take the frame for forged where the sender is its own, as no uplink may speak for those. And where two switches
//! each took the guest to be at the other, such frames would go to and fro between them.

use std::sync::atomic::Ordering;

use crate::mac_table::MacTable;
use crate::port::Port;

impl Port {
    /// Says that the port's guest is elsewhere, for as long as the port is empty; or is not any more. A new port's is not.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
        if !away {
            self.pause.has_been_here();
        }
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

    /// Whether it is.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// The guest was heard at `uplink`: what has waited for it follows it.
    #[cold]
    pub(crate) fn let_follow(&self, uplink: &Port, table: &MacTable) {
        if self.pause.end() {
            self.send_held_after(uplink, table);
        }
    }
}
