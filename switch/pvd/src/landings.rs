// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How often a host that lands is told at once.
//!
//! What goes to all nodes of a link is spaced out (`MIN_DELAY_BETWEEN_RAS`, RFC 4861 section 6.2.6) for the sake of those who have
//! heard it already. A host that lands again has heard nothing where it is now, and what it is told goes to its own Ethernet
//! address at its own port, as RFC 7772 section 5.1 has it of answers to one host. So it need not wait; but whoever lands without
//! end is not to be told without end. A port has a few landings at once, and one more each time that gap has passed.

use crate::limits::PORT_LANDINGS;
use crate::responder::ALL_NODES_GAP;
use std::collections::BTreeMap;
use std::time::Duration;

/// The landings of one namespace, by port.
#[derive(Debug, Default)]
pub(crate) struct Landings {
    /// When a port has all of its landings again.
    whole: BTreeMap<u32, Duration>,
}

impl Landings {
    /// When a host that lands now may be told.
    pub(crate) fn due(&self, port: u32, now: Duration) -> Duration {
        let whole = self.whole.get(&port).copied().unwrap_or_default();
        now.max((whole + ALL_NODES_GAP).saturating_sub(ALL_NODES_GAP * PORT_LANDINGS))
    }

    /// A host that has landed is told.
    pub(crate) fn spend(&mut self, port: u32, now: Duration) {
        let whole = self.whole.entry(port).or_default();
        *whole = now.max(*whole) + ALL_NODES_GAP;
    }

    /// A port is gone.
    pub(crate) fn forget(&mut self, port: u32) {
        self.whole.remove(&port);
    }
}
