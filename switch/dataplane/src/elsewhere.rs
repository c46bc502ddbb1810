// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports whose guests are at another switch, as control knows: one that is to come here and is not heard yet, or one that has left.
//!
//! A guest that is heard at an uplink is found there by its own address. Until it is heard, and by the static entries that lead to
//! its port, nothing leads to it but the port. So frames for an empty port of which control says that its guest is elsewhere leave by
//! the namespace's uplinks, as if there were no such port here. It ends, for each worker, with the first ring that runs.

use std::sync::atomic::Ordering;

use crate::port::Port;

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
}
