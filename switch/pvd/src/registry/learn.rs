// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a Router Advertisement makes of the registry.

use super::Registry;
use super::edit::Edit;
use crate::advert::{Advert, Saying};
use crate::event::{What, Why};
use crate::handle::PvdHandle;
use crate::id::PvdIdRef;
use crate::limits;
use crate::moment::{SharedCount, SharedDeadline, SharedTime};
use crate::pvd::Pvd;
use crate::refused::Refused;
use crate::source::{self, Entry, Source};
use std::sync::Arc;
use std::time::Duration;
use wire::Prefix;

/// What came of an advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learnt {
    /// It said again what its router had said of this PvD: only lifetimes have moved.
    Refreshed(PvdHandle),
    /// It changed what is said about this PvD, which may be new, or gone.
    Changed(PvdHandle),
    /// It said nothing that lasts about a PvD that is not known.
    Void,
}

impl Registry {
    /// Takes in an advertisement.
    ///
    /// # Errors
    /// Why it was not taken in at all. Single options that are not taken in are counted ([`Registry::counters`]).
    pub fn learn(&mut self, advert: &Advert<'_>, now: Duration) -> Result<Learnt, Refused> {
        self.expire(now);
        if !advert.router.is_unicast_link_local() {
            return Err(self.refuse(Refused::NotLinkLocal));
        }
        let id = id(advert);
        let learnt = match self.membership.members().find_whole(id).cloned() {
            Some(pvd) => self.refresh(&pvd, advert, now).map_or_else(|| self.revise(&pvd, advert, now), Ok),
            None => self.meet(id, advert, now),
        };
        self.membership.publish();
        match learnt {
            Ok(Learnt::Refreshed(_)) => self.counters.refreshed += 1,
            Ok(Learnt::Changed(_)) => self.counters.changed += 1,
            Ok(Learnt::Void) => self.counters.void += 1,
            Err(why) => drop(self.refuse(why)),
        }
        learnt
    }

    /// Whether the PvD is known that an advertisement is about.
    pub fn knows(&self, advert: &Advert<'_>) -> bool {
        self.membership.members().find_whole(id(advert)).is_some()
    }

    /// The way of nearly all advertisements: only lifetimes move. `None`: there is more to it.
    fn refresh(&mut self, pvd: &Arc<Pvd>, advert: &Advert<'_>, now: Duration) -> Option<Learnt> {
        let attributes = pvd.attributes();
        let source = attributes.source(advert.origin())?;
        source.refresh(advert, now).then_some(())?;
        self.look_at(pvd, source.next_deadline(now));
        Some(Learnt::Refreshed(pvd.handle()))
    }

    /// A PvD that is not known.
    fn meet(&mut self, id: PvdIdRef<'_>, advert: &Advert<'_>, now: Duration) -> Result<Learnt, Refused> {
        let lasts = advert.header().lifetime > 0 || advert.sayings().any(|saying| saying.valid.is_some());
        if !lasts {
            return Ok(Learnt::Void);
        }
        self.room_for_pvd(advert.port)?;
        let edit = self.draft(id.to_owned(), now);
        Ok(self.take_in(edit, advert, now))
    }

    /// # Errors
    /// There is none.
    fn room_for_pvd(&mut self, port: u32) -> Result<(), Refused> {
        if self.pvds.room(Some(port), self.limits.pvds, self.limits.port_pvds) == 0 {
            return Err(Refused::Pvds);
        }
        let bound = self.membership.zombies_bound() < limits::ZOMBIES;
        if bound || self.membership.count_zombies() < limits::ZOMBIES { Ok(()) } else { Err(Refused::Zombies) }
    }

    /// A PvD that is known, from a router that may be new to it.
    fn revise(&mut self, pvd: &Arc<Pvd>, advert: &Advert<'_>, now: Duration) -> Result<Learnt, Refused> {
        let edit = Edit::of(pvd);
        let known = edit.sources().iter().any(|source| source.origin() == advert.origin());
        let neighbour = edit.sources().iter().any(|source| source.origin().port() == Some(advert.port));
        if !known && neighbour && edit.sources().len() >= limits::ROUTERS {
            return Err(Refused::Routers);
        }
        Ok(self.take_in(edit, advert, now))
    }

    /// Makes what the router says now of what it said before.
    fn take_in(&mut self, mut edit: Edit, advert: &Advert<'_>, now: Duration) -> Learnt {
        let origin = advert.origin();
        let old = edit.sources().iter().find(|source| source.origin() == origin).cloned();
        let entries = self.said(&edit.pvd, old.as_deref(), advert, now);
        let source = Source {
            origin,
            flags: advert.flags(),
            parameters: source::parameters(old.as_ref().map(|old| &old.parameters), &advert.parameters()),
            entries: entries.into(),
            router: SharedDeadline::new(source::router_until(advert.header().lifetime, now)),
            first: old.as_ref().map_or(now, |old| old.first),
            last: SharedTime::new(now),
            heard: SharedCount::new(old.as_ref().map_or(0, |old| old.heard.get()) + 1),
            announcement: None,
        };
        tell(&mut edit, old.as_deref(), &source, now);
        self.move_here(&edit.pvd, &source, now);
        let handle = edit.pvd.handle();
        match source.is_alive(now) {
            true => edit.put(source),
            false => edit.take(origin),
        }
        let learnt = match &old {
            None if edit.sources().is_empty() => Learnt::Void,
            // What it said beyond that was refused, or it said the same in another way.
            Some(_) if edit.changes.is_empty() => Learnt::Refreshed(handle),
            _ => Learnt::Changed(handle),
        };
        self.commit(edit, now);
        learnt
    }

    /// The entries that the router has afterwards.
    fn said(&mut self, pvd: &Pvd, old: Option<&Source>, advert: &Advert<'_>, now: Duration) -> Vec<Entry> {
        let mut entries = old.map_or_else(Vec::new, |old| old.entries().to_vec());
        let room = self.entries.room(Some(advert.port), self.limits.entries, self.limits.port_entries);
        let most = limits::ROUTER_ENTRIES.min(entries.len() + room);
        for saying in advert.sayings() {
            let known = entries.iter().position(|entry| entry.fact().is(&saying.fact));
            match (known, saying.valid) {
                (Some(at), None) => drop(entries.remove(at)),
                (None, None) => {}
                (Some(at), Some(_)) => entries[at] = entry(&saying, now),
                (None, Some(_)) => match self.admits(pvd, &saying, entries.len(), most) {
                    Ok(()) => entries.push(entry(&saying, now)),
                    Err(why) => self.counters.refuse(why),
                },
            }
        }
        entries
    }

    fn admits(&self, pvd: &Pvd, saying: &Saying<'_>, len: usize, most: usize) -> Result<(), Refused> {
        if len >= limits::ROUTER_ENTRIES {
            return Err(Refused::RouterEntries);
        }
        if len >= most {
            return Err(Refused::Entries);
        }
        match saying.fact.owned_prefix() {
            Some(prefix) if self.is_pinned(Some(pvd.handle()), prefix) => Err(Refused::Pinned),
            _ => Ok(()),
        }
    }

    /// The operator gave the prefix to another PvD than this.
    pub(super) fn is_pinned(&self, this: Option<PvdHandle>, prefix: Prefix) -> bool {
        let owner = self.owner(prefix).filter(|owner| Some(*owner) != this);
        let owner = owner.and_then(|owner| self.membership.members().get(owner));
        owner.is_some_and(|owner| owner.attributes().is_pinned(prefix))
    }

    /// A prefix belongs to the PvD of the last advertisement that had it (RFC 8801 section 3.4): others lose it.
    pub(super) fn move_here(&mut self, pvd: &Pvd, source: &Source, now: Duration) {
        for prefix in source.entries().iter().filter_map(|entry| entry.fact().owned_prefix()) {
            let owner = self.owner(prefix).filter(|owner| *owner != pvd.handle());
            if let Some(loser) = owner.and_then(|owner| self.membership.members().get(owner)).cloned() {
                self.thin_out(&loser, Why::Moved, now, |entry| entry.fact().owned_prefix() != Some(prefix));
            }
        }
    }
}

/// The PvD that an advertisement is about.
fn id<'a>(advert: &Advert<'a>) -> PvdIdRef<'a> {
    match advert.name() {
        Some(name) => PvdIdRef::Explicit(name),
        None => PvdIdRef::Implicit { port: advert.port, router: advert.router },
    }
}

fn entry(saying: &Saying<'_>, now: Duration) -> Entry {
    let until = |lifetime| source::until(lifetime, now);
    Entry::new(saying.fact.to_owned(), saying.flags, until(saying.valid), until(saying.preferred))
}

/// What changes when `new` comes in the place of `old`.
pub(super) fn tell(edit: &mut Edit, old: Option<&Source>, new: &Source, now: Duration) {
    let origin = new.origin();
    let mut push = |what| edit.changes.push(origin, what);
    let was_router = old.is_some_and(|old| !old.router_until().passed(now));
    let is_router = !new.router_until().passed(now);
    match old {
        None => push(What::Came),
        Some(old) if old.flags() != new.flags() => push(What::PvdFlags(old.flags(), new.flags())),
        Some(_) => {}
    }
    if let Some(old) = old.filter(|old| old.parameters() != new.parameters()) {
        push(What::Parameters(Box::new([old, new].map(|source| source.parameters().clone()))));
    }
    if was_router != is_router {
        push(What::DefaultRouter(is_router));
    }
    edit.changes.compare(origin, old.map(Source::entries).unwrap_or_default(), new.entries(), Why::Withdrawn);
    if !new.is_alive(now) {
        edit.changes.push(origin, What::Gone(Why::Withdrawn));
    }
}
