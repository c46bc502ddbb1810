// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One change of one PvD, from what its sources said to what they say.

use super::Registry;
use crate::advert::Origin;
use crate::event::{Changes, EventKind};
use crate::id::PvdId;
use crate::pvd::{Attributes, Pvd};
use crate::source::Source;
use std::sync::Arc;
use std::time::Duration;
use wire::Prefix;

/// A PvD that is being changed.
pub(super) struct Edit {
    pub(super) pvd: Arc<Pvd>,
    /// It is in no table yet.
    new: bool,
    before: Arc<Attributes>,
    sources: Vec<Arc<Source>>,
    pub(super) changes: Changes,
}

impl Edit {
    pub(super) fn of(pvd: &Arc<Pvd>) -> Edit {
        let before = pvd.attributes.load_full();
        let sources = before.sources().to_vec();
        Edit { pvd: Arc::clone(pvd), new: false, before, sources, changes: Changes::default() }
    }

    pub(super) fn sources(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// Puts the word of one origin in the place of what it said before. The operator's comes first.
    pub(super) fn put(&mut self, source: Source) {
        let source = Arc::new(source);
        match self.sources.iter_mut().find(|other| other.origin() == source.origin()) {
            Some(place) => *place = source,
            None if source.origin() == Origin::Operator => self.sources.insert(0, source),
            None => self.sources.push(source),
        }
    }

    /// Takes the word of one origin away.
    pub(super) fn take(&mut self, origin: Origin) {
        self.sources.retain(|source| source.origin() != origin);
    }
}

impl Registry {
    /// A PvD that nobody knows yet.
    pub(super) fn draft(&mut self, id: PvdId, now: Duration) -> Edit {
        let pvd = Arc::new(Pvd::new(self.places.take(), id, Attributes::default(), now));
        Edit { new: true, ..Edit::of(&pvd) }
    }

    /// Makes an edit true in all tables. What is not said by anybody is gone.
    pub(super) fn commit(&mut self, edit: Edit, now: Duration) {
        let Edit { pvd, new, before, sources, changes } = edit;
        let after = Attributes::new(sources);
        if !new && changes.is_empty() && after.beyond(&before).next().is_none() {
            return self.look_at(&pvd, after.next_deadline(now));
        }
        self.account(&before, &after);
        self.own(&pvd, &before, &after);
        let gone = after.sources().is_empty();
        let kind = match (new, gone) {
            (true, true) => return self.places.give_back(pvd.handle()),
            (true, false) => EventKind::New,
            (false, true) => EventKind::Delete,
            (false, false) => EventKind::Update,
        };
        if gone {
            self.timers.cancel(pvd.handle().index());
            self.membership.remove(&pvd);
            self.places.give_back(pvd.handle());
        } else {
            let deadline = after.next_deadline(now);
            pvd.attributes.store(Arc::new(after));
            if new {
                self.membership.insert(&pvd);
            }
            self.look_at(&pvd, deadline);
        }
        if kind != EventKind::Update || !changes.is_empty() {
            self.events.push(now, (pvd.handle(), pvd.id()), kind, changes);
        }
    }

    /// Looks at the PvD again when something of it ends.
    pub(super) fn look_at(&mut self, pvd: &Pvd, deadline: Option<Duration>) {
        if let Some(at) = deadline {
            self.timers.no_later_than(pvd.handle().index(), at);
        }
    }

    /// Everybody's share. A PvD counts for the one who stands first in it.
    fn account(&mut self, before: &Attributes, after: &Attributes) {
        let first = |attributes: &Attributes| attributes.sources().first().map(|source| source.origin().port());
        if let Some(port) = first(after) {
            self.pvds.change(port, 0, 1);
        }
        if let Some(port) = first(before) {
            self.pvds.change(port, 1, 0);
        }
        for source in after.beyond(before) {
            self.entries.change(source.origin().port(), 0, source.entries().len());
        }
        for source in before.beyond(after) {
            self.entries.change(source.origin().port(), source.entries().len(), 0);
        }
    }

    /// The prefixes of the PvD are its own.
    fn own(&mut self, pvd: &Pvd, before: &Attributes, after: &Attributes) {
        for entry in before.beyond(after).flat_map(Source::entries) {
            let prefix = entry.fact().owned_prefix().filter(|prefix| self.is_owner(pvd, *prefix));
            if let Some(prefix) = prefix.filter(|_| !after.has(entry.fact())) {
                self.owners.remove(&prefix);
            }
        }
        for prefix in after.beyond(before).flat_map(Source::entries).filter_map(|entry| entry.fact().owned_prefix()) {
            self.owners.insert(prefix, pvd.handle());
        }
    }

    pub(super) fn is_owner(&self, pvd: &Pvd, prefix: Prefix) -> bool {
        self.owner(prefix) == Some(pvd.handle())
    }
}
