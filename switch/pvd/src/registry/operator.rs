// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! PvDs that an operator makes. What he says has no end, and comes before what routers say.

use super::Registry;
use super::edit::Edit;
use crate::PvdName;
use crate::advert::{Origin, Parameters, PvdFlags};
use crate::announcement::{self, Announcement};
use crate::event::Why;
use crate::fact::Fact;
use crate::handle::PvdHandle;
use crate::id::{PvdId, PvdIdRef};
use crate::lifetime::Deadline;
use crate::limits;
use crate::moment::{SharedCount, SharedDeadline, SharedTime};
use crate::pvd::Attributes;
use crate::refused::Refused;
use crate::responder::Replayed;
use crate::source::{Entry, NO_ROUTER, Source};
use core::net::Ipv6Addr;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wire::name::NameRef;

/// Everything that the operator says about one PvD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// What a PvD Option would say.
    pub flags: PvdFlags,
    /// What has no lifetime.
    pub parameters: Parameters<Box<[u8]>>,
    /// Facts, each with its [`crate::Entry::flags`].
    pub facts: BTreeMap<Fact, u8>,
    /// Whether hosts are told of it, and how.
    pub announcement: Option<Announcement>,
}

impl Registry {
    /// Makes a static PvD, or says everything about it anew, at once. Its prefixes are its own from now on; learnt PvDs
    /// lose them.
    ///
    /// He has room of his own ([`limits::STATIC_PVDS`]), which no router can take.
    ///
    /// # Errors
    /// `RouterEntries`, `Entries` or `Pvds`: there is no room. `Pinned`: another static PvD has one of the prefixes. Nothing
    /// has changed.
    pub fn set(&mut self, name: &PvdName, statement: &Statement, now: Duration) -> Result<PvdHandle, Refused> {
        self.expire(now);
        let known = self.membership.members().find_whole(PvdIdRef::Explicit(name.as_name())).cloned();
        let entries = known.as_ref().map_or(0, |pvd| operators(&pvd.attributes()));
        let room = self.entries.room(None, self.limits.entries, limits::STATIC_PVDS * limits::ROUTER_ENTRIES);
        match statement.facts.len() {
            len if len > limits::ROUTER_ENTRIES => return Err(Refused::RouterEntries),
            len if len > entries + room => return Err(Refused::Entries),
            _ => {}
        }
        let handle = known.as_ref().map(|pvd| pvd.handle());
        let prefixes = || statement.facts.keys().filter_map(Fact::owned_prefix);
        if prefixes().any(|prefix| self.is_pinned(handle, prefix)) {
            return Err(Refused::Pinned);
        }
        let edit = match &known {
            Some(pvd) => Edit::of(pvd),
            None if self.pvds.room(None, self.limits.pvds, limits::STATIC_PVDS) == 0 => return Err(Refused::Pvds),
            None => self.draft(PvdId::Explicit(name.clone()), now),
        };
        Ok(self.say(edit, statement, now))
    }

    /// Takes back what the operator says about a PvD. If no router speaks of it, it is gone. `false`: he says nothing
    /// about it.
    pub fn unset(&mut self, handle: PvdHandle, now: Duration) -> bool {
        self.expire(now);
        let members = self.membership.members();
        let Some(pvd) = members.get(handle).filter(|pvd| pvd.attributes().is_static()).cloned() else {
            return false;
        };
        self.end_sources_of(&pvd, Why::Withdrawn, now, |origin| origin == Origin::Operator);
        self.announced.remove(&handle);
        self.membership.publish();
        true
    }

    /// Whether hosts are told of any static PvD.
    pub fn announces(&self) -> bool {
        !self.announced.is_empty()
    }

    /// The addresses that default routers were heard from. In the name of none of them anything
    /// may be announced, for a host that knows no PvDs would take it for its router's own word, and most of it says that there
    /// is no router (RFC 8801 section 5.2).
    pub(crate) fn routers(&self, now: Duration) -> BTreeSet<Ipv6Addr> {
        let mut routers = BTreeSet::new();
        for pvd in self.membership.members().iter() {
            let attributes = pvd.attributes();
            let speaking = attributes.sources().iter().filter(|source| !source.router_until().passed(now));
            routers.extend(speaking.filter_map(|source| source.origin().router()));
        }
        routers
    }

    /// Whether a default router was heard from this address that is one still.
    pub fn has_router(&self, address: Ipv6Addr, now: Duration) -> bool {
        self.routers(now).contains(&address)
    }

    /// Seconds for which this router is said to be a default router to hosts that know no PvDs; static PvDs that are announced in its
    /// name agree on that.
    pub(crate) fn outer_lifetime(&self, router: Ipv6Addr) -> u16 {
        let pvds = self.announced.iter().filter_map(|handle| self.membership.members().get(*handle));
        let said = pvds.filter_map(|pvd| pvd.attributes().source(Origin::Operator)?.announcement);
        said.filter(|said| said.router == router).map(|said| said.outer_lifetime()).max().unwrap_or(0)
    }

    /// In whose name a PvD is announced.
    pub fn announces_as(&self, name: &PvdName) -> Option<Ipv6Addr> {
        let attributes = self.membership.members().by_name(name)?.attributes();
        attributes.source(Origin::Operator)?.announcement.map(|said| said.router)
    }

    /// What hosts are told of static PvDs, of those that they `see`: the messages to `to`. Nothing in the name of one of the `routers`
    /// that speak for themselves.
    pub fn announcements(
        &self,
        to: Ipv6Addr,
        see: impl Fn(NameRef<'_>) -> bool,
        routers: &BTreeSet<Ipv6Addr>,
    ) -> impl Iterator<Item = Replayed> {
        let pvds = self.announced.iter().filter_map(|handle| self.membership.members().get(*handle));
        pvds.flat_map(move |pvd| {
            let (attributes, name) = (pvd.attributes(), pvd.id().name().filter(|name| see(name.as_name())));
            let source = attributes.source(Origin::Operator);
            let told = source.filter(|source| source.announcement.is_some_and(|said| !routers.contains(&said.router)));
            name.zip(told).map(|(name, source)| announcement::advertisements(name, source, to)).unwrap_or_default()
        })
    }

    fn say(&mut self, mut edit: Edit, statement: &Statement, now: Duration) -> PvdHandle {
        let old = edit.sources().iter().find(|source| source.origin() == Origin::Operator).cloned();
        let entry = |(fact, flags): (&Fact, &u8)| Entry::new(fact.clone(), *flags, Deadline::Never, Deadline::Never);
        let source = Source {
            origin: Origin::Operator,
            flags: PvdFlags { header: statement.announcement.is_some_and(|said| said.inner), ..statement.flags },
            parameters: statement.parameters.clone(),
            entries: statement.facts.iter().map(entry).collect(),
            router: SharedDeadline::new(NO_ROUTER),
            first: old.as_ref().map_or(now, |old| old.first),
            last: SharedTime::new(now),
            heard: SharedCount::new(old.as_ref().map_or(0, |old| old.heard.get()) + 1),
            announcement: statement.announcement,
        };
        super::learn::tell(&mut edit, old.as_deref(), &source, now);
        self.move_here(&edit.pvd, &source, now);
        let handle = edit.pvd.handle();
        match source.announcement {
            Some(_) => self.announced.insert(handle),
            None => self.announced.remove(&handle),
        };
        edit.put(source);
        self.commit(edit, now);
        self.membership.publish();
        handle
    }
}

/// How many entries are the operator's.
fn operators(attributes: &Attributes) -> usize {
    attributes.source(Origin::Operator).map_or(0, |source| source.entries().len())
}
