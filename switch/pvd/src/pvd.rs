// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One PvD: who it is, for ever, and what is said about it, at the moment.

use crate::advert::{Origin, Parameters, PvdFlags};
use crate::fact::Fact;
use crate::handle::PvdHandle;
use crate::id::PvdId;
use crate::lifetime::Deadline;
use crate::source::{Entry, Source};
use arc_swap::{ArcSwap, Guard};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wire::Prefix;

/// A PvD. Whoever holds one may go on reading it after it is gone from its registry: then nothing in it changes.
#[derive(Debug)]
pub struct Pvd {
    handle: PvdHandle,
    id: PvdId,
    since: Duration,
    pub(crate) attributes: ArcSwap<Attributes>,
}

impl Pvd {
    pub(crate) fn new(handle: PvdHandle, id: PvdId, attributes: Attributes, since: Duration) -> Pvd {
        Pvd { handle, id, since, attributes: ArcSwap::from_pointee(attributes) }
    }

    /// What names it in its namespace. Numbers by which namespaces know it are kept by the caller, by this.
    pub fn handle(&self) -> PvdHandle {
        self.handle
    }

    /// Which one it is.
    pub fn id(&self) -> &PvdId {
        &self.id
    }

    /// When it was registered.
    pub fn since(&self) -> Duration {
        self.since
    }

    /// What is said about it now. Keep it for as long as one looks: another call may see another state.
    pub fn attributes(&self) -> Guard<Arc<Attributes>> {
        self.attributes.load()
    }
}

/// What is said about a PvD. Its structure never changes; lifetimes in it move on as routers repeat themselves.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// The operator's word first, then routers in the order in which they were first heard.
    sources: Box<[Arc<Source>]>,
}

/// What is known about one thing, from all who say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The thing.
    pub fact: Fact,
    /// As in [`Entry::flags`], of the one who says it with most right: the operator, or else whoever will say it longest.
    pub flags: u8,
    /// Until when it is true.
    pub valid: Deadline,
    /// Until when addresses from this prefix are preferred.
    pub preferred: Deadline,
    /// How many say it.
    pub sources: usize,
}

impl Attributes {
    pub(crate) fn new(sources: Vec<Arc<Source>>) -> Attributes {
        Attributes { sources: sources.into() }
    }

    /// Everybody who says something: the operator first, then routers in the order in which they were first heard.
    pub fn sources(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// The word of one of them.
    pub fn source(&self, origin: Origin) -> Option<&Source> {
        self.sources.iter().find(|source| source.origin() == origin).map(|source| &**source)
    }

    /// An operator made it; it stays until he deletes it.
    pub fn is_static(&self) -> bool {
        self.source(Origin::Operator).is_some()
    }

    /// Who is to be believed where only one can be: the operator, or else the router that was heard last.
    pub fn foremost(&self) -> Option<&Source> {
        let newest = || self.sources.iter().max_by_key(|source| source.last_heard()).map(|source| &**source);
        self.source(Origin::Operator).or_else(newest)
    }

    /// What its PvD Option says, by [`Attributes::foremost`].
    pub fn flags(&self) -> PvdFlags {
        self.foremost().map(Source::flags).unwrap_or_default()
    }

    /// What has no lifetime, by [`Attributes::foremost`].
    pub fn parameters(&self) -> Option<&Parameters<Box<[u8]>>> {
        self.foremost().map(Source::parameters)
    }

    /// The union of what is said and still true, each thing once, sorted.
    pub fn known(&self, now: Duration) -> Vec<Known> {
        let mut known: BTreeMap<&Fact, Known> = BTreeMap::new();
        let entries = self.sources.iter().flat_map(|source| source.entries());
        for entry in entries.filter(|entry| !entry.valid().passed(now)) {
            known.entry(entry.fact()).and_modify(|before| before.join(entry.into())).or_insert_with(|| entry.into());
        }
        known.into_values().collect()
    }

    /// When the next thing that is said ends.
    pub(crate) fn next_deadline(&self, now: Duration) -> Option<Duration> {
        self.sources.iter().filter_map(|source| source.next_deadline(now)).min()
    }

    /// The operator gave it this prefix.
    pub(crate) fn is_pinned(&self, prefix: Prefix) -> bool {
        let entries = self.source(Origin::Operator).map(Source::entries).unwrap_or_default();
        entries.iter().any(|entry| entry.fact().owned_prefix() == Some(prefix))
    }

    /// Those who say something else, or nothing, in `other`.
    pub(crate) fn beyond<'a>(&'a self, other: &'a Attributes) -> impl Iterator<Item = &'a Source> {
        let same = |source: &Arc<Source>| other.sources.iter().any(|theirs| Arc::ptr_eq(theirs, source));
        self.sources.iter().filter(move |source| !same(source)).map(|source| &**source)
    }

    /// Whether anybody says it.
    pub(crate) fn has(&self, fact: &Fact) -> bool {
        self.sources.iter().any(|source| source.entries().iter().any(|entry| entry.fact() == fact))
    }
}

impl Known {
    /// What the operator says has no end and comes first, so that nothing outlasts it.
    fn join(&mut self, other: Known) {
        let sources = self.sources + other.sources;
        if other.valid > self.valid {
            *self = other;
        }
        self.sources = sources;
    }
}

/// What one alone says.
impl From<&Entry> for Known {
    fn from(entry: &Entry) -> Known {
        Known {
            fact: entry.fact().clone(),
            flags: entry.flags(),
            valid: entry.valid(),
            preferred: entry.preferred(),
            sources: 1,
        }
    }
}
