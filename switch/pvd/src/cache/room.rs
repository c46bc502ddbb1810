// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who has to go when there is no room.
//!
//! What was heard once goes before what was heard again, for forged messages are rarely repeated and routers always are;
//! the oldest goes first (RFC 6583 section 7). A port takes nothing from one that has fewer entries than itself.

use super::{NotCached, RaCache};
use crate::limits;

impl RaCache {
    /// Makes sure that this port can have one more entry.
    pub(super) fn make_room(&mut self, port: u32) -> Result<(), NotCached> {
        let count = |cache: &RaCache, port| cache.ports.get(&port).map_or(0, Vec::len);
        let own = count(self, port);
        let victim = if own >= limits::PORT_RAS {
            self.unconfirmed(port)
        } else if self.len() >= limits::RAS {
            let largest = self.ports.iter().max_by_key(|(_, indices)| indices.len()).map(|(port, _)| *port);
            match largest.filter(|largest| count(self, *largest) > own + 1) {
                Some(largest) => self.unconfirmed(largest).or_else(|| self.oldest(largest)),
                None => self.unconfirmed(port),
            }
        } else {
            return Ok(());
        };
        let Some(victim) = victim else {
            self.counters.full += 1;
            return Err(NotCached::Full);
        };
        self.counters.evicted += 1;
        self.remove(victim);
        Ok(())
    }

    fn unconfirmed(&self, port: u32) -> Option<u32> {
        let unconfirmed = self.of_port(port).filter(|(_, entry)| !entry.confirmed());
        unconfirmed.min_by_key(|(_, entry)| entry.last).map(|(index, _)| index)
    }

    fn oldest(&self, port: u32) -> Option<u32> {
        self.of_port(port).min_by_key(|(_, entry)| entry.last).map(|(index, _)| index)
    }
}
