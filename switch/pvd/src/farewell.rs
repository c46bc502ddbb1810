// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What hosts are told when an operator announces something of a static PvD no more.
//!
//! What was announced holds for weeks, and hosts do not ask again. So whoever may have been told is told that it has ended,
//! with lifetimes of 0, as a router does that ceases to advertise (RFC 4861 section 6.2.5; RFC 7556 section 3.4): three
//! times, with the time between that all nodes are due. Who has come since hears nothing of it that he has not missed. Several PvDs
//! that go together are said together, so many at once that no port gets more than an answer has.

use crate::PvdName;
use crate::advert::{Origin, PvdFlags};
use crate::announcement::{self, Announcement, Span};
use crate::fact::Fact;
use crate::lifetime::Deadline;
use crate::limits;
use crate::registry::{Registry, Statement};
use crate::responder::{ALL_NODES, ALL_NODES_GAP, Answer, Destination, Replayed};
use crate::source::{Entry, Source};
use core::net::Ipv6Addr;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use wire::MacAddr;

/// How often hosts are told: `MAX_FINAL_RTR_ADVERTISEMENTS` (RFC 4861 section 10).
pub const FAREWELL_TIMES: u32 = 3;
/// All nodes of a link, as an Ethernet address (RFC 2464 section 7).
const ALL_NODES_MAC: MacAddr = MacAddr([0x33, 0x33, 0, 0, 0, 1]);

/// What hosts were told of a static PvD in the name of one router, and are to be told no more.
#[derive(Debug)]
pub struct Farewell {
    name: PvdName,
    said: Announcement,
    /// What was said; what of it has ended is known when it is to be told.
    entries: Vec<Entry>,
    left: u32,
}

impl Farewell {
    /// What is said no more when `now` comes in the place of `before`. `None`: there is nothing to take back.
    pub fn between(name: &PvdName, before: Option<&Source>, now: Option<&Source>) -> Option<Farewell> {
        let before = before?;
        let said = before.announcement?;
        let same = now.filter(|now| says_as(now, &said));
        let entries: Vec<_> = before.entries().iter().filter_map(|entry| lost(entry, same)).collect();
        let router = said.lifetime > 0 && same.and_then(|now| now.announcement).is_none_or(|now| now.lifetime == 0);
        let any = router || !entries.is_empty();
        any.then(|| Farewell { name: name.clone(), said, entries, left: FAREWELL_TIMES })
    }

    /// The same of what an earlier process has `told` hosts, when `now` is said.
    pub fn since(name: &PvdName, told: &Statement, now: Option<&Source>) -> Option<Farewell> {
        let entry = |(fact, flags): (&Fact, &u8)| Entry::new(fact.clone(), *flags, Deadline::Never, Deadline::Never);
        let own = Source::of_operator(told.flags, told.facts.iter().map(entry).collect());
        Farewell::between(name, Some(&Source { announcement: told.announcement, ..own }), now)
    }

    /// What is to be taken back, as it was told, and of which PvD.
    fn told(&self) -> (&PvdName, Statement) {
        let facts = self.entries.iter().map(|entry| (entry.fact().clone(), entry.flags())).collect();
        (&self.name, Statement { facts, announcement: Some(self.said), ..Statement::default() })
    }

    /// The messages, of what is still not said again. None of them contradicts what somebody says who lives: neither another
    /// PvD that has the prefix by now, nor a router that teaches the same or speaks from that address.
    fn messages(&self, registry: &Registry, routers: &BTreeSet<Ipv6Addr>) -> Vec<Replayed> {
        if routers.contains(&self.said.router) {
            return Vec::new();
        }
        let pvd = registry.members().by_name(&self.name);
        let attributes = pvd.as_ref().map(|pvd| pvd.attributes());
        let own = attributes.as_ref().and_then(|known| known.source(Origin::Operator));
        let own = own.filter(|own| says_as(own, &self.said));
        let others =
            || attributes.iter().flat_map(|known| known.sources()).filter(|by| by.origin() != Origin::Operator);
        let elsewhere = |fact: &Fact| match fact {
            Fact::Prefix(prefix) => {
                let owner = registry.owner(*prefix);
                owner.is_some() && owner != pvd.as_ref().map(|pvd| pvd.handle())
            }
            _ => false,
        };
        // A route is a router's own.
        let taught = |fact: &Fact| {
            !matches!(fact, Fact::Route(_)) && others().any(|by| by.entries().iter().any(|entry| entry.fact() == fact))
        };
        let gone = |entry: &Entry| lost(entry, own).filter(|entry| !elsewhere(entry.fact()) && !taught(entry.fact()));
        let entries: Vec<_> = self.entries.iter().filter_map(gone).collect();
        let lifetime = own.and_then(|own| own.announcement).map_or(0, |own| own.lifetime);
        // Other PvDs may still be announced in the same name: to hosts that know none they all come from one router.
        let outer = registry.outer_lifetime(self.said.router);
        let left = if self.said.inner { lifetime } else { outer };
        if entries.is_empty() && (self.said.lifetime == 0 || left > 0) {
            return Vec::new();
        }
        let said = Announcement { lifetime, ..self.said };
        let flags = own.map_or_else(PvdFlags::default, |own| own.flags);
        announcement::said_of(&self.name, &Source::of_operator(flags, entries), &said, (ALL_NODES, Span::Over, outer))
    }
}

/// Whether this is announced in the same router's name and in the same way.
fn says_as(now: &Source, said: &Announcement) -> bool {
    now.announcement.is_some_and(|now| (now.router, now.inner) == (said.router, said.inner))
}

/// What of an entry is said no more: all, or of a prefix what it was for.
fn lost(entry: &Entry, now: Option<&Source>) -> Option<Entry> {
    let kept = now.and_then(|now| now.entries().iter().find(|other| other.fact() == entry.fact()));
    let Some(kept) = kept else { return Some(entry.clone()) };
    let flags = if let Fact::Prefix(_) = entry.fact() { entry.flags() & !kept.flags() } else { 0 };
    (flags != 0).then(|| Entry::new(entry.fact().clone(), flags, entry.valid(), entry.preferred()))
}

/// The farewells of one namespace.
#[derive(Debug, Default)]
pub(crate) struct Farewells {
    /// The first come first.
    pending: VecDeque<Farewell>,
    /// How many of them are being said, to the ports that are left.
    saying: usize,
    ports: BTreeSet<u32>,
    /// Who speaks for himself.
    routers: BTreeSet<Ipv6Addr>,
    due: Option<Duration>,
    /// Nothing is said again before.
    pause: Duration,
}

impl Farewells {
    /// Has this said. Of more than [`limits::FAREWELLS`] those that were said most often end early.
    pub(crate) fn add(&mut self, farewell: Farewell, now: Duration) {
        if self.pending.len() >= limits::FAREWELLS {
            self.pending.pop_front();
            self.saying = self.saying.saturating_sub(1);
        }
        self.pending.push_back(farewell);
        self.due = self.due.or(Some(now.max(self.pause)));
    }

    /// What hosts are still to be told that it has ended.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&PvdName, Statement)> {
        self.pending.iter().map(Farewell::told)
    }

    /// When there is something to say.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.due
    }

    /// A port is gone.
    pub(crate) fn forget_port(&mut self, port: u32) {
        self.ports.remove(&port);
    }

    /// Whether there is something to say, and [`Farewells::begin`] is to be called first.
    pub(crate) fn is_to_begin(&self, now: Duration) -> bool {
        self.saying == 0 && self.due.is_some_and(|due| due <= now)
    }

    /// Begins to say it to the hosts behind these ports.
    pub(crate) fn begin(&mut self, ports: BTreeSet<u32>, registry: &Registry, now: Duration) {
        self.saying = self.pending.len().min(limits::ANSWER);
        (self.ports, self.routers) = (ports, registry.routers(now));
    }

    /// What is to be said next, to whoever is behind one port. `None`: nothing any more. `sees`: whether a port sees a PvD.
    pub(crate) fn poll(
        &mut self,
        registry: &Registry,
        sees: impl Fn(u32, &PvdName) -> bool,
        now: Duration,
    ) -> Option<Answer> {
        if self.saying == 0 {
            return None;
        }
        while let Some(port) = self.ports.pop_first() {
            let own = self.pending.iter().take(self.saying).filter(|farewell| sees(port, &farewell.name));
            let adverts: Vec<_> = own.flat_map(|farewell| farewell.messages(registry, &self.routers)).collect();
            if !adverts.is_empty() {
                return Some(Answer { port, to: Destination { address: ALL_NODES, mac: ALL_NODES_MAC }, adverts });
            }
        }
        self.end(now);
        None
    }

    fn end(&mut self, now: Duration) {
        self.pending.iter_mut().take(self.saying).for_each(|farewell| farewell.left -= 1);
        self.pending.retain(|farewell| farewell.left > 0);
        self.saying = 0;
        self.pause = now + ALL_NODES_GAP;
        self.due = Some(self.pause).filter(|_| !self.pending.is_empty());
    }
}
