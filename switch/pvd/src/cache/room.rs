// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who has to go when there is no room.
//!
//! What was heard once goes before what was heard again, for forged messages are rarely repeated and routers always are;
//! the oldest goes first (RFC 6583 section 7). Next goes what is of no default router: it is handed out to nobody, and may
//! last for ever. A port takes nothing from one that has fewer entries than itself.

use super::{CachedRa, NotCached, RaCache};
use crate::limits;
use std::time::Duration;

impl RaCache {
    /// Makes sure that this port can have one more entry.
    pub(super) fn make_room(&mut self, port: u32, now: Duration) -> Result<(), NotCached> {
        let count = |cache: &RaCache, port| cache.ports.get(&port).map_or(0, Vec::len);
        let own = count(self, port);
        let victim = if own >= limits::PORT_RAS {
            self.lesser(port, now)
        } else if self.len() >= limits::RAS {
            let largest = self.ports.iter().max_by_key(|(_, indices)| indices.len()).map(|(port, _)| *port);
            match largest.filter(|largest| count(self, *largest) > own + 1) {
                Some(largest) => self.lesser(largest, now).or_else(|| self.oldest(largest)),
                None => self.lesser(port, now),
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

    /// What has the least right to its place, if that is less than a router's that goes on.
    fn lesser(&self, port: u32, now: Duration) -> Option<u32> {
        let is_lesser = |entry: &CachedRa| !entry.confirmed() || entry.router_until().passed(now);
        let lesser = self.of_port(port).filter(|(_, entry)| is_lesser(entry));
        lesser.min_by_key(|(_, entry)| (entry.confirmed(), entry.last)).map(|(index, _)| index)
    }

    fn oldest(&self, port: u32) -> Option<u32> {
        self.of_port(port).min_by_key(|(_, entry)| entry.last).map(|(index, _)| index)
    }
}
