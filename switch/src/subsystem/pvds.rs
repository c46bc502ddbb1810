// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subsystem of provisioning domains: a registry in every namespace where a router has spoken.

use super::Subsystem;
use super::seeds::Seeds;
use crate::arena::Handle;
use crate::ident::Ident;
use crate::limits::GONE_PORTS;
use crate::name::Name;
use crate::refusal::Refusal;
use crate::tree::Namespace;
use pvd::{Counters, Farewell, Limits, Origin, PvdHandle, PvdName, Registry, Source, Statement};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Gives every namespace the place of its registry.
pub(crate) struct Pvds {
    seeds: Seeds,
    /// Above the number of every event of a registry that is gone.
    above: u64,
}

impl Pvds {
    /// Registries are hashed with numbers that follow from `seeds`.
    pub(crate) fn new(seeds: Seeds) -> Pvds {
        Pvds { seeds, above: 0 }
    }
}

impl Subsystem for Pvds {
    type Instance = PvdPlace;

    fn name(&self) -> &'static str {
        "PvDs"
    }

    fn init(&mut self, _: &Namespace) -> Result<PvdPlace, Refusal> {
        Ok(PvdPlace::new(self.seeds.next(), self.above))
    }

    fn pre_exit(&mut self, _: &Namespace, place: &mut PvdPlace) {
        let now = place.now;
        if let Some(registry) = place.made_mut() {
            registry.clear(now);
            self.above = self.above.max(registry.last_event() + 1);
        }
    }

    fn waits_for(&self, place: &PvdPlace) -> Option<String> {
        match place.made().map_or(0, Registry::unreg_count) {
            0 => None,
            1 => Some("a reader of a PvD".to_owned()),
            many => Some(format!("readers of {many} PvDs")),
        }
    }
}

/// The place of the registry of one namespace. It is made when the first router speaks, or the operator of a
/// PvD: few namespaces have one.
pub(crate) struct PvdPlace {
    seed: u64,
    /// Events have higher numbers than this.
    above: u64,
    registry: Option<Box<Registry>>,
    /// The latest time that was told, for what happens at no time in particular: that a port is deleted.
    now: Duration,
    /// PvDs that have numbers.
    records: BTreeMap<PvdHandle, Handle<PvdRecord>>,
    /// The last event after which PvDs were given numbers.
    numbered: u64,
    /// The static ones.
    stated: BTreeMap<PvdName, PvdHandle>,
    /// Ports that are gone and that events may speak of, with the last that does.
    gone: VecDeque<(u32, Name, u64)>,
}

/// A PvD as namespaces number it.
pub(crate) struct PvdRecord {
    pub(crate) ident: Ident<PvdRecord>,
}

impl PvdPlace {
    fn new(seed: u64, above: u64) -> PvdPlace {
        let (records, stated, gone) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        PvdPlace { seed, above, registry: None, now: Duration::ZERO, records, numbered: 0, stated, gone }
    }

    /// What has a PvD's numbers.
    pub(crate) fn record(&self, pvd: PvdHandle) -> Option<Handle<PvdRecord>> {
        self.records.get(&pvd).copied()
    }

    /// All that have numbers.
    pub(crate) fn records(&self) -> impl Iterator<Item = Handle<PvdRecord>> {
        self.records.values().copied()
    }

    /// A PvD has numbers from now on.
    pub(crate) fn set_record(&mut self, pvd: PvdHandle, record: Handle<PvdRecord>) {
        self.records.insert(pvd, record);
    }

    /// PvDs that came since this was last asked and have no numbers yet, and what has the numbers of those that are gone.
    /// Costs what has happened since; all there is only if that was more than the registry remembers.
    pub(crate) fn news(&mut self) -> (Vec<PvdHandle>, Vec<Handle<PvdRecord>>) {
        let Some(registry) = self.registry.as_deref() else { return Default::default() };
        let members = registry.members();
        let mut touched: Vec<PvdHandle> = match registry.events_since(self.numbered) {
            Ok(events) => events.map(|event| event.handle).collect(),
            Err(_) => self.records.keys().copied().chain(members.iter().map(|pvd| pvd.handle())).collect(),
        };
        self.numbered = registry.last_event();
        touched.sort_unstable();
        touched.dedup();
        let (alive, gone): (Vec<_>, Vec<_>) = touched.into_iter().partition(|pvd| members.get(*pvd).is_some());
        let gone = gone.iter().filter_map(|pvd| self.records.remove(pvd)).collect();
        (alive.into_iter().filter(|pvd| !self.records.contains_key(pvd)).collect(), gone)
    }

    /// The registry, if there ever was an advertisement.
    pub(crate) fn made(&self) -> Option<&Registry> {
        self.registry.as_deref()
    }

    /// The registry, made if need be. There is less than one event a microsecond, so the numbers of events go on above
    /// those of every registry that there was in an earlier process.
    pub(crate) fn make(&mut self, now: Duration) -> &mut Registry {
        self.now = now;
        let (seed, base) = (self.seed, self.above.max(now.as_micros() as u64));
        self.registry.get_or_insert_with(|| Box::new(Registry::new(Limits::default(), seed).counting_from(base)))
    }

    /// Goes on from what was counted elsewhere.
    pub(crate) fn set_counters(&mut self, counters: Counters) {
        let now = self.now;
        self.make(now).set_counters(counters);
    }

    /// Number of the last event, and what is said then ([`Registry::digest`]); `None`: nobody has ever said anything.
    pub(crate) fn told(&self, now: Duration) -> Option<(u64, u64)> {
        self.made().map(|registry| (registry.last_event(), registry.digest(now)))
    }

    /// Goes on with the numbers of events from the last of another process, if what is said here is what was said there. Otherwise
    /// those who know numbers of it are told that they have missed something.
    pub(crate) fn go_on_from(&mut self, (last, digest): (u64, u64), now: Duration) {
        let registry = self.make(now);
        if registry.digest(now) == digest {
            registry.go_on_from(last);
            // What has no numbers yet is found by looking at all.
            self.numbered = u64::MAX;
        }
    }

    /// The last event that [`PvdPlace::news`] knows of.
    pub(crate) fn last_news(&self) -> u64 {
        self.numbered
    }

    /// The name of a port that is gone, if events may speak of it still.
    pub(crate) fn gone_port(&self, number: u32) -> Option<&Name> {
        self.gone.iter().rev().find(|(port, ..)| *port == number).map(|(_, name, _)| name)
    }

    /// Says all about a static PvD, or takes it back. Returns what hosts were told, and are to be told no more.
    pub(crate) fn state(&mut self, name: &PvdName, said: Option<&Statement>, now: Duration) -> Option<Farewell> {
        let before = self.operators(name);
        let now = self.now.max(now);
        if let Some(said) = said {
            // The desired state has refused what the registry would refuse.
            let handle = self.make(now).set(name, said, now).ok();
            self.stated.extend(handle.map(|handle| (name.clone(), handle)));
        } else if let Some((registry, handle)) = self.registry.as_deref_mut().zip(self.stated.remove(name)) {
            registry.unset(handle, now);
        }
        Farewell::between(name, before.as_deref(), self.operators(name).as_deref())
    }

    /// What hosts were told of a PvD by an earlier process and are to be told no more, by what is said of it now.
    pub(crate) fn told_before(&self, name: &PvdName, told: &Statement) -> Option<Farewell> {
        Farewell::since(name, told, self.operators(name).as_deref())
    }

    /// The operator's word about a PvD.
    fn operators(&self, name: &PvdName) -> Option<Arc<Source>> {
        let known = self.made()?.members().by_name(name)?.attributes();
        known.sources().iter().find(|source| source.origin() == Origin::Operator).cloned()
    }

    /// The static PvDs.
    pub(crate) fn stated(&self) -> impl Iterator<Item = (&PvdName, PvdHandle)> {
        self.stated.iter().map(|(name, handle)| (name, *handle))
    }

    /// How many PvDs there are.
    pub(crate) fn len(&self) -> usize {
        self.made().map_or(0, |registry| registry.members().len())
    }

    /// Forgets what has ended by `now`.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.now = now;
        if let Some(registry) = self.made_mut().filter(|registry| registry.next_expiry().is_some_and(|at| at <= now)) {
            registry.expire(now);
        }
    }

    /// The port of that number and name is gone.
    pub(crate) fn forget_port(&mut self, port: u32, name: &Name) {
        let now = self.now;
        let Some(registry) = self.registry.as_deref_mut() else { return };
        registry.forget_port(port, now);
        let (last, oldest) = (registry.last_event(), registry.oldest_event());
        self.gone.retain(|(.., until)| *until >= oldest);
        if self.gone.len() == GONE_PORTS {
            self.gone.pop_front();
        }
        self.gone.push_back((port, name.clone(), last));
    }

    fn made_mut(&mut self) -> Option<&mut Registry> {
        self.registry.as_deref_mut()
    }
}
