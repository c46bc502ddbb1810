// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The PvDs of one namespace: the one place where they come, change and go.
//!
//! Everything that happens to a PvD is an [`Edit`]: what its sources say afterwards, and which changes that is.
//! It is put into the tables in one go, so that a PvD, its timer, the owner of each prefix and everybody's share always fit
//! together. `learn.rs` makes edits of advertisements, `end.rs` of what ends.

mod edit;
mod end;
mod learn;
mod operator;

use crate::PvdName;
use crate::advert::Origin;
use crate::event::{Event, Events, Missed};
use crate::handle::{Places, PvdHandle};
use crate::id::PvdId;
use crate::limits::Limits;
use crate::members::Members;
use crate::membership::{Membership, Reader};
use crate::refused::{Counters, Refused};
use crate::shares::Shares;
use crate::source::Source;
use crate::timers::Timers;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wire::Prefix;

pub use learn::Learnt;
pub use operator::Statement;

/// The PvDs of one namespace.
#[derive(Debug)]
pub struct Registry {
    limits: Limits,
    membership: Membership,
    places: Places,
    timers: Timers,
    /// The PvD that each prefix belongs to.
    owners: BTreeMap<Prefix, PvdHandle>,
    /// Static PvDs that hosts are told of.
    announced: BTreeSet<PvdHandle>,
    pvds: Shares,
    entries: Shares,
    events: Events,
    counters: Counters,
}

impl Registry {
    /// A registry without PvDs. `seed` is random, so that nobody outside can make look-ups slow.
    pub fn new(limits: Limits, seed: u64) -> Registry {
        Registry {
            limits,
            membership: Membership::new(seed),
            places: Places::default(),
            timers: Timers::default(),
            owners: BTreeMap::new(),
            announced: BTreeSet::new(),
            pvds: Shares::default(),
            entries: Shares::default(),
            events: Events::default(),
            counters: Counters::default(),
        }
    }

    /// The same, whose events have numbers from the one after `base` on. Below 2^63.
    #[must_use]
    pub fn counting_from(self, base: u64) -> Registry {
        Registry { events: Events::after(base), ..self }
    }

    /// The next event has the number after `last`, and those before are not known any more: this registry says what another said
    /// when that was the number of its last event. Below 2^63.
    pub fn go_on_from(&mut self, last: u64) {
        self.events = Events::after(last);
    }

    /// The PvDs as readers see them.
    pub fn members(&self) -> &Members {
        self.membership.members()
    }

    /// For those who read while this one writes.
    pub fn reader(&self) -> Reader {
        self.membership.reader()
    }

    /// PvDs that are gone and that somebody still holds. A namespace is taken apart when there are none.
    pub fn unreg_count(&self) -> usize {
        self.membership.held()
    }

    /// The PvD that a prefix belongs to: the last that was heard with it (RFC 8801 section 3.4).
    pub fn owner(&self, prefix: Prefix) -> Option<PvdHandle> {
        self.owners.get(&prefix).copied()
    }

    /// Entries that all PvDs have together.
    pub fn entries(&self) -> usize {
        self.entries.total()
    }

    /// What was taken in and what was not.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Goes on from what was counted elsewhere.
    pub fn set_counters(&mut self, counters: Counters) {
        self.counters = counters;
    }

    /// How often somebody was heard of a PvD; never, of whom nothing is known.
    pub fn heard(&self, id: &PvdId, of: Origin) -> u64 {
        let pvd = self.members().by_id(id);
        pvd.map_or(0, |pvd| pvd.attributes().source(of).map_or(0, Source::heard))
    }

    /// He was heard so often elsewhere.
    pub fn set_heard(&self, id: &PvdId, of: Origin, heard: u64) {
        let Some(pvd) = self.members().by_id(id) else { return };
        if let Some(source) = pvd.attributes().source(of) {
            source.heard.set(heard.max(1));
        }
    }

    /// The number of the last event; before the first the one before it.
    pub fn last_event(&self) -> u64 {
        self.events.last()
    }

    /// The events after the one of number `seq`; 0 asks for all.
    ///
    /// # Errors
    /// [`Missed`]: some of them are not kept any more, or no event here has had that number.
    pub fn events_since(&self, seq: u64) -> Result<impl Iterator<Item = &Event>, Missed> {
        self.events.since(seq)
    }

    /// The number of the first event that is still kept, or of the next one if none is.
    pub fn oldest_event(&self) -> u64 {
        self.events.oldest()
    }

    /// Tells those who watch that a fetch of the Additional Information of a PvD has ended, and why it brought nothing, if it did
    /// not. Of a PvD that is gone nothing is told.
    pub fn tell_fetched(&mut self, name: &PvdName, failed: Option<&str>, now: Duration) {
        if let Some(pvd) = self.membership.members().by_name(name) {
            self.events.push_fetched(now, (pvd.handle(), pvd.id()), failed);
        }
    }

    /// When [`Registry::expire`] has something to do.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.timers.next()
    }

    fn refuse(&mut self, why: Refused) -> Refused {
        self.counters.refuse(why);
        why
    }
}
