// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What has happened to PvDs, for those who watch.
//!
//! Events are numbered without gaps and the latest are kept, so that a watcher that was away asks for what came after the
//! last that it has seen, or learns that it has missed some and must list anew. Whoever makes a registry anew lets its
//! numbers begin above all that were ever given ([`crate::Registry::counting_from`]): so a number of an earlier life is
//! known as one.

use crate::advert::{Origin, Parameters, PvdFlags};
use crate::fact::Fact;
use crate::handle::PvdHandle;
use crate::id::PvdId;
use crate::limits;
use crate::source::Entry;
use std::collections::VecDeque;
use std::time::Duration;

/// Something happened to a PvD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number: one more than that of the event before.
    pub seq: u64,
    /// When.
    pub at: Duration,
    /// To which PvD.
    pub handle: PvdHandle,
    /// The same, for people.
    pub id: PvdId,
    /// What.
    pub kind: EventKind,
    /// What changed, one by one, up to [`limits::EVENT_CHANGES`].
    pub changes: Box<[Change]>,
    /// How many more changes there were.
    pub more: usize,
    /// Of [`EventKind::Fetched`]: why it brought nothing that may be used, if it did not, at most [`limits::EVENT_REASON`] bytes.
    pub failed: Option<Box<str>>,
}

/// What happened to a PvD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It was registered.
    New,
    /// What is said about it changed. Lifetimes that go on are no change.
    Update,
    /// It is no longer registered.
    Delete,
    /// A fetch of its Additional Information has ended.
    Fetched,
}

/// One change of what somebody says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Who says it, or said it.
    pub origin: Origin,
    /// What changed.
    pub what: What,
}

/// What can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It has begun to say anything.
    Came,
    /// It says nothing any more.
    Gone(Why),
    /// It says this now.
    Added(Fact),
    /// It says this with other flags than before: those before and those now.
    Flagged(Fact, u8, u8),
    /// It no longer says this.
    Removed(Fact, Why),
    /// Its PvD Option has other flags, another sequence number or another delay: what it had, and what it has.
    PvdFlags(PvdFlags, PvdFlags),
    /// MTU, hop limit or another parameter without a lifetime: what held before, and what holds now.
    Parameters(Box<[Parameters<Box<[u8]>>; 2]>),
    /// It is a default router from now on, or is none any more.
    DefaultRouter(bool),
}

/// Why something is said no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The one who said it took it back.
    Withdrawn,
    /// Its lifetime is over.
    Expired,
    /// The prefix belongs to another PvD now (RFC 8801 section 3.4).
    Moved,
    /// The port is gone, or its registry.
    PortGone,
    /// The operator had it removed.
    Forgotten,
}

/// Changes that become one event.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    list: Vec<Change>,
    more: usize,
}

impl Changes {
    pub(crate) fn push(&mut self, origin: Origin, what: What) {
        match self.list.len() < limits::EVENT_CHANGES {
            true => self.list.push(Change { origin, what }),
            false => self.more += 1,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What makes `new` of `old`; what is missing is so for one reason.
    pub(crate) fn compare(&mut self, origin: Origin, old: &[Entry], new: &[Entry], why: Why) {
        let find = |entries: &'_ [Entry], fact: &Fact| entries.iter().position(|entry| entry.fact() == fact);
        for entry in old.iter().filter(|entry| find(new, entry.fact()).is_none()) {
            self.push(origin, What::Removed(entry.fact().clone(), why));
        }
        for entry in new {
            match find(old, entry.fact()) {
                None => self.push(origin, What::Added(entry.fact().clone())),
                Some(at) if old[at].flags() != entry.flags() => {
                    self.push(origin, What::Flagged(entry.fact().clone(), old[at].flags(), entry.flags()));
                }
                Some(_) => {}
            }
        }
    }
}

/// Events were dropped that a watcher has not seen, or it has seen those of another registry: it must list anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The first that is still there.
    pub oldest: u64,
}

/// The latest events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    ring: VecDeque<Event>,
    /// The number before the first that was ever given.
    base: u64,
    last: u64,
}

impl Events {
    /// None yet; the first has the number after `base`.
    pub(crate) fn after(base: u64) -> Events {
        Events { ring: VecDeque::new(), base, last: base }
    }

    pub(crate) fn push(&mut self, at: Duration, (handle, id): (PvdHandle, &PvdId), kind: EventKind, changes: Changes) {
        if self.ring.len() == limits::EVENTS {
            self.ring.pop_front();
        }
        self.last += 1;
        let Changes { list, more } = changes;
        let (seq, id, changes) = (self.last, id.clone(), list.into());
        self.ring.push_back(Event { seq, at, handle, id, kind, changes, more, failed: None });
    }

    /// A fetch has ended.
    pub(crate) fn push_fetched(&mut self, at: Duration, whose: (PvdHandle, &PvdId), failed: Option<&str>) {
        self.push(at, whose, EventKind::Fetched, Changes::default());
        if let (Some(event), Some(why)) = (self.ring.back_mut(), failed) {
            event.failed = Some(why[..why.floor_char_boundary(limits::EVENT_REASON)].into());
        }
    }

    /// The number of the last event; before the first the one before it.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The events after that of number `seq`; 0 is before all.
    pub(crate) fn since(&self, seq: u64) -> Result<impl Iterator<Item = &Event>, Missed> {
        let oldest = self.oldest();
        let seq = if seq == 0 { self.base } else { seq };
        if seq > self.last || seq + 1 < oldest {
            return Err(Missed { oldest });
        }
        Ok(self.ring.iter().skip((seq + 1 - oldest) as usize))
    }

    /// The number of the first that is still there, or of the next if none is.
    pub(crate) fn oldest(&self) -> u64 {
        self.last + 1 - self.ring.len() as u64
    }
}
