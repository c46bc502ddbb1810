// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How long what an advertisement says lasts, and what a router takes back that is none any more.

use super::{RaCache, facts};
use crate::advert::Advert;
use crate::lifetime::Deadline;
use crate::source::{NO_ROUTER, router_until};
use std::time::Duration;

/// Until when what an advertisement says is true.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lasts {
    /// That its router is a default router.
    pub(super) router: Deadline,
    /// The last of all else that has a lifetime.
    pub(super) facts: Deadline,
}

impl Lasts {
    pub(super) fn of(advert: &Advert<'_>, now: Duration) -> Lasts {
        let valid = advert.sayings().filter_map(|saying| Some(saying.valid?.deadline(now)));
        Lasts { router: router_until(advert.header().lifetime, now), facts: valid.max().unwrap_or(NO_ROUTER) }
    }

    pub(super) fn until(self) -> Deadline {
        self.router.max(self.facts)
    }
}

impl RaCache {
    /// The router is none of this PvD any more: of what it has said the rest stays, as long as that lasts.
    pub(super) fn resign(&mut self, advert: &Advert<'_>, now: Duration) {
        for index in self.of(advert) {
            let Some(entry) = self.entries[index as usize].as_mut() else { continue };
            entry.router_until = NO_ROUTER;
            match entry.until() {
                until if until.passed(now) => self.remove(index),
                until => self.look_at(index, until),
            }
        }
    }

    /// All that this says is that something is true no more: what says nothing else goes.
    pub(super) fn withdraw(&mut self, advert: &Advert<'_>) {
        let withdrawn = facts(advert);
        for index in self.replaced(advert) {
            let says_more = |old: &[u64]| old.iter().any(|fact| !withdrawn.contains(fact));
            if !self.facts_of(index).is_some_and(|old| says_more(&old)) {
                self.remove(index);
            }
        }
    }
}
