// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The Router Advertisements of one namespace as they came, to be looked at and to be sent again.
//!
//! The registry knows what is true; this knows the very octets that said so, options that nobody here understands among
//! them. There is one entry for each part of what a router says: a router that needs several messages for one
//! PvD has several entries, since parts share no option (RFC 8801 section 3.2). A message that shares an option with one
//! that is there is the same part said anew, and takes its place.
//!
//! An entry lasts as long as anything that it says. It is handed out only while its router is a default router of that PvD: one
//! that resigns takes none of its prefixes back (RFC 4861 section 6.3.4), and one that falls silent takes back nothing at all, but
//! neither is there any more to stand by what is said in its name. One that never was a default router (section 6.2.3) looks
//! no different, and a router lifetime of 0 in the name of an address ends whatever router a host has there. So such
//! advertisements are kept and shown, and said again by nobody but their router.

mod lasting;
mod room;

use crate::PvdName;
use crate::advert::Advert;
use crate::fact::FactRef;
use crate::id::PvdId;
use crate::lifetime::Deadline;
use crate::limits;
use crate::registry::Registry;
use crate::replay::replay;
use crate::responder::ALL_NODES;
use crate::timers::Timers;
use core::net::Ipv6Addr;
use lasting::Lasts;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use wire::MacAddr;

/// One advertisement that is known.
#[derive(Clone, Debug)]
pub struct CachedRa {
    /// Its number in this cache: given once, and kept when another message takes its place.
    pub serial: u64,
    /// The port that it came in from.
    pub port: u32,
    /// Its source address.
    pub router: Ipv6Addr,
    /// The Ethernet source of its frame.
    pub mac: MacAddr,
    /// The PvD that it names.
    pub pvd: Option<PvdName>,
    /// Its PvD Option was injected.
    pub injected: bool,
    /// The message, from its ICMPv6 type on, as it was heard last.
    pub octets: Vec<u8>,
    /// When it, or what it took the place of, was first heard.
    pub first: Duration,
    /// When it was last heard: what its lifetimes count from.
    pub last: Duration,
    /// How often it was heard.
    pub heard: u64,
    /// How often it was handed out.
    pub hits: u64,
    /// Until when its router is a default router.
    router_until: Deadline,
    /// Until when the last is true of what else it says.
    facts_until: Deadline,
}

impl CachedRa {
    /// Until when anything of it is true.
    pub fn until(&self) -> Deadline {
        self.router_until.max(self.facts_until)
    }

    /// Until when its router is a default router, and it may be handed out; a time that has passed when it is none.
    pub fn router_until(&self) -> Deadline {
        self.router_until
    }

    /// The PvD that it belongs to.
    pub fn id(&self) -> PvdId {
        match &self.pvd {
            Some(name) => PvdId::Explicit(name.clone()),
            None => PvdId::Implicit { port: self.port, router: self.router },
        }
    }

    /// What a host is told of it now: what is left of its lifetimes, and of its prefixes those that `registry` has not given to
    /// another PvD. `None`: it must not be said again, as a signed one, or has ended.
    pub fn aged(&self, registry: &Registry, now: Duration) -> Option<Vec<u8>> {
        let pvd = registry.members().by_id(&self.id()).map(|pvd| pvd.handle());
        replay(self, ALL_NODES, now, |prefix| registry.owner(prefix) == pvd)
    }

    /// It was heard more than once: not a single forged message.
    pub fn confirmed(&self) -> bool {
        self.heard > 1
    }

    fn is_of(&self, advert: &Advert<'_>) -> bool {
        self.router == advert.router && self.pvd.as_ref().map(PvdName::as_name) == advert.name()
    }
}

/// What became of an advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cached {
    /// It is new.
    New,
    /// It is the same as before, octet by octet.
    Again,
    /// It took the place of what its router had said before.
    Anew,
    /// Its router is none, and it says nothing else that lasts.
    Resigned,
}

/// Why an advertisement is not cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCached {
    /// It is longer than [`limits::RA_LEN`].
    TooLong,
    /// There is no room, and nothing that has less right to it.
    Full,
}

/// What has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounters {
    /// Advertisements that were heard.
    pub heard: u64,
    /// Entries that had to go for others.
    pub evicted: u64,
    /// Advertisements that were too long.
    pub too_long: u64,
    /// Advertisements for which there was no room.
    pub full: u64,
}

/// The advertisements of one namespace.
#[derive(Debug, Default)]
pub struct RaCache {
    entries: Vec<Option<CachedRa>>,
    free: Vec<u32>,
    /// The entries of each port that has any.
    ports: BTreeMap<u32, Vec<u32>>,
    timers: Timers,
    counters: CacheCounters,
    /// The number that was given last.
    last: u64,
    /// How often what is said has changed.
    changes: u64,
}

impl RaCache {
    /// Takes in a message, whose octets these are, from a frame with that source.
    ///
    /// # Errors
    /// [`NotCached`]; what is there stays as it is.
    pub fn hear(
        &mut self,
        advert: &Advert<'_>,
        mac: MacAddr,
        octets: &[u8],
        now: Duration,
    ) -> Result<Cached, NotCached> {
        self.counters.heard += 1;
        self.expire(now);
        let lasts = Lasts::of(advert, now);
        if advert.header().lifetime == 0 {
            self.resign(advert, now);
        }
        if lasts.until().passed(now) {
            self.withdraw(advert);
            return Ok(Cached::Resigned);
        }
        if let Some(index) = self.same(advert, mac, octets) {
            self.again(index, lasts, now);
            return Ok(Cached::Again);
        }
        self.changes += 1;
        if octets.len() > limits::RA_LEN {
            self.counters.too_long += 1;
            return Err(NotCached::TooLong);
        }
        let mut replaced = self.replaced(advert).into_iter();
        let Some(index) = replaced.next() else {
            self.make_room(advert.port, now)?;
            self.last += 1;
            self.insert(CachedRa { serial: self.last, ..entry(advert, mac, octets, lasts, now) });
            return Ok(Cached::New);
        };
        replaced.for_each(|index| self.remove(index));
        if let Some(place) = self.entries[index as usize].as_mut() {
            let CachedRa { serial, first, heard, hits, .. } = *place;
            *place = CachedRa { serial, first, heard: heard + 1, hits, ..entry(advert, mac, octets, lasts, now) };
        }
        self.look_at(index, lasts.until());
        Ok(Cached::Anew)
    }

    /// Whether [`RaCache::hear`] would make one more entry of this, if there is room.
    pub fn is_news(&self, advert: &Advert<'_>, mac: MacAddr, octets: &[u8]) -> bool {
        let lasts = !Lasts::of(advert, Duration::ZERO).until().passed(Duration::ZERO);
        lasts && self.same(advert, mac, octets).is_none() && self.replaced(advert).is_empty()
    }

    /// All entries, in no particular order. Those that have just ended are among them until [`RaCache::expire`].
    pub fn iter(&self) -> impl Iterator<Item = &CachedRa> {
        self.entries.iter().flatten()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What has happened.
    pub fn counters(&self) -> &CacheCounters {
        &self.counters
    }

    /// Goes on from what was counted elsewhere.
    pub fn set_counters(&mut self, counters: CacheCounters) {
        self.counters = counters;
    }

    /// What a router behind a port has said of a PvD was heard and handed out so often elsewhere.
    pub fn set_heard(&mut self, (port, router, pvd): (u32, Ipv6Addr, Option<&PvdName>), heard: u64, hits: u64) {
        let indices = self.ports.get(&port).cloned().unwrap_or_default();
        for index in indices {
            let entry = self.entries.get_mut(index as usize).and_then(Option::as_mut);
            if let Some(entry) = entry.filter(|entry| entry.router == router && entry.pvd.as_ref() == pvd) {
                (entry.heard, entry.hits) = (heard.max(1), hits);
            }
        }
    }

    /// Differs from what it was when a router has said something else than before, or is one again.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// When [`RaCache::expire`] has something to do.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Forgets what has ended by `now`.
    pub fn expire(&mut self, now: Duration) {
        while let Some(index) = self.timers.pop(now) {
            match self.entries[index as usize].as_ref().map(CachedRa::until) {
                Some(until) if !until.passed(now) => self.look_at(index, until),
                _ => self.remove(index),
            }
        }
    }

    /// A port is gone.
    pub fn forget_port(&mut self, port: u32) {
        let all = self.ports.get(&port).cloned().unwrap_or_default();
        all.into_iter().for_each(|index| self.remove(index));
    }

    /// Entries that may be handed out to this port, as far as it `sees` them: of routers behind others, those that were heard more than once
    /// first, then the latest first, at most [`limits::ANSWER`].
    pub(crate) fn for_port(
        &mut self,
        port: u32,
        now: Duration,
        sees: impl Fn(&&mut CachedRa) -> bool,
    ) -> impl Iterator<Item = &mut CachedRa> {
        let fit = |entry: &&mut CachedRa| entry.port != port && !entry.router_until.passed(now);
        let mut fit: Vec<_> = self.entries.iter_mut().flatten().filter(fit).filter(sees).collect();
        fit.sort_by_key(|entry| std::cmp::Reverse((entry.confirmed(), entry.last)));
        fit.into_iter().take(limits::ANSWER)
    }

    fn of_port(&self, port: u32) -> impl Iterator<Item = (u32, &CachedRa)> {
        let indices = self.ports.get(&port).into_iter().flatten();
        indices.filter_map(|index| Some((*index, self.entries[*index as usize].as_ref()?)))
    }

    /// What the router has said of this PvD.
    fn of(&self, advert: &Advert<'_>) -> Vec<u32> {
        self.of_port(advert.port).filter(|(_, entry)| entry.is_of(advert)).map(|(index, _)| index).collect()
    }

    fn same(&self, advert: &Advert<'_>, mac: MacAddr, octets: &[u8]) -> Option<u32> {
        let same =
            |entry: &CachedRa| entry.router == advert.router && entry.mac == mac && is_same(&entry.octets, octets);
        self.of_port(advert.port).find(|(_, entry)| same(entry)).map(|(index, _)| index)
    }

    /// The entries that say something about what this says something about.
    fn replaced(&self, advert: &Advert<'_>) -> Vec<u32> {
        let new = facts(advert);
        let shares = |old: &[u64]| (old.is_empty() && new.is_empty()) || old.iter().any(|fact| new.contains(fact));
        let all = self.of(advert).into_iter();
        all.filter(|index| self.facts_of(*index).is_some_and(|old| shares(&old))).collect()
    }

    /// What an entry says something about.
    fn facts_of(&self, index: u32) -> Option<Vec<u64>> {
        let entry = self.entries[index as usize].as_ref()?;
        let message = wire::nd::RouterAdvert::parse(&entry.octets).ok()?;
        Some(facts(&Advert::new(entry.port, entry.router, message).ok()?))
    }

    fn again(&mut self, index: u32, lasts: Lasts, now: Duration) {
        if let Some(entry) = self.entries[index as usize].as_mut() {
            self.changes += u64::from(entry.router_until.passed(now) && !lasts.router.passed(now));
            (entry.last, entry.router_until, entry.facts_until) = (now, lasts.router, lasts.facts);
            entry.heard += 1;
        }
        self.look_at(index, lasts.until());
    }

    fn look_at(&mut self, index: u32, until: Deadline) {
        if let Deadline::At(end) = until {
            self.timers.no_later_than(index, end);
        }
    }

    fn insert(&mut self, entry: CachedRa) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            (self.entries.len() - 1) as u32
        });
        let (port, until) = (entry.port, entry.until());
        self.entries[index as usize] = Some(entry);
        self.ports.entry(port).or_default().push(index);
        self.look_at(index, until);
    }

    fn remove(&mut self, index: u32) {
        let Some(entry) = self.entries[index as usize].take() else {
            return;
        };
        self.free.push(index);
        self.timers.cancel(index);
        if let Some(indices) = self.ports.get_mut(&entry.port) {
            indices.retain(|other| *other != index);
            if indices.is_empty() {
                self.ports.remove(&entry.port);
            }
        }
    }
}

fn entry(advert: &Advert<'_>, mac: MacAddr, octets: &[u8], lasts: Lasts, now: Duration) -> CachedRa {
    CachedRa {
        serial: 0,
        port: advert.port,
        router: advert.router,
        mac,
        pvd: advert.name().map(PvdName::from),
        injected: advert.flags().injected,
        octets: octets.to_vec(),
        first: now,
        last: now,
        heard: 1,
        hits: 0,
        router_until: lasts.router,
        facts_until: lasts.facts,
    }
}

/// Checksums differ with the destination, and say nothing.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.get(..2) == b.get(..2) && a.get(4..) == b.get(4..)
}

/// What a message says something about, as numbers that are equal when that is.
pub(crate) fn facts(advert: &Advert<'_>) -> Vec<u64> {
    let number = |fact: FactRef<'_>| {
        let mut hasher = DefaultHasher::new();
        fact.to_owned().hash(&mut hasher);
        hasher.finish()
    };
    advert.sayings().map(|saying| number(saying.fact)).collect()
}
