// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What namespaces learn from their routers, and what of it counts against quotas.
//!
//! Nobody asks for what is learnt, so it is no part of the desired state. It is counted here, for a namespace and all
//! that it lies in, and whoever has as much as a quota allows learns nothing new: what is known is refreshed, and what
//! ends makes room.

use super::Plant;
use super::alarms::Alarms;
use super::allowed::{may_have_taught, may_say};
use super::stated::Stating;
use crate::arena::{Arena, Handle};
use crate::ident::Numbers;
use crate::name::Name;
use crate::path::NamespacePath;
use crate::port::PortRecord;
use crate::quota::{Resource, Usage, UsageBook};
use crate::ra_learning::RaGuardState;
use crate::reference::PortPath;
use crate::refusal::Refusal;
use crate::second_source::{SecondHeard, SecondSource, SecondsHeard, is_second};
use crate::snoop::Ignored;
use crate::spec::PortSpec;
use crate::subsystem::Key;
use crate::subsystem::pvds::{PvdPlace, PvdRecord, Pvds};
use crate::subsystem::ras::{RaCaches, Ras};
use crate::subsystem::seeds::Seeds;
use crate::tree::{Namespace, NumberSpace, Tree};

use pvd::{Advert, Cached, Learnt, PvdName};
use std::collections::BTreeSet;
use std::time::Duration;
use wire::MacAddr;

/// What was learnt, and where.
pub(crate) struct Learning {
    /// The PvDs of each namespace.
    pub(crate) pvds: Key<PvdPlace>,
    /// The Router Advertisements of each namespace.
    pub(crate) ras: Key<Ras>,
    /// The numbers of PvDs in each namespace.
    numbers: Key<Numbers<PvdRecord>>,
    records: Arena<PvdRecord>,
    /// How much of both each namespace has, with all below it.
    usage: UsageBook,
    /// Namespaces that have ever learnt anything: only there something can end.
    homes: BTreeSet<Handle<Namespace>>,
    /// Second sources that are to be told of.
    pub(crate) seconds: SecondsHeard,
    /// Where routers have said something else than before since that was last asked.
    changed: BTreeSet<Handle<Namespace>>,
    /// The latest time that was told.
    pub(super) now: Duration,
    /// What is to be said of static PvDs when the request is accepted.
    pub(super) stating: Stating,
    /// When each namespace has an answer to give.
    pub(super) alarms: Alarms<Handle<Namespace>>,
    /// For what is to happen at no certain moment.
    pub(super) dice: Seeds,
    /// How often something has happened to a PvD.
    stirs: u64,
}

/// A Router Advertisement that was heard.
pub(crate) struct Heard<'a> {
    /// The same, read.
    pub(crate) advert: Advert<'a>,
    /// The source of its frame.
    pub(crate) mac: MacAddr,
    /// The message, from its ICMPv6 type on.
    pub(crate) octets: &'a [u8],
}

impl Learning {
    /// Registers the subsystems.
    ///
    /// # Errors
    /// Never in a tree of the root alone.
    pub(super) fn register(tree: &mut Tree, mut seeds: Seeds) -> Result<Learning, Refusal> {
        let dice = Seeds::new(seeds.next());
        let pvds = tree.register_subsystem(Pvds::new(seeds))?;
        let ras = tree.register_subsystem(RaCaches)?;
        let numbers = tree.register_subsystem(NumberSpace::new("numbers of PvDs"))?;
        let (records, usage, homes) = (Arena::default(), UsageBook::default(), BTreeSet::new());
        let (changed, seconds) = (BTreeSet::new(), SecondsHeard::default());
        let (now, stating, alarms) = (Duration::ZERO, Stating::new(), Alarms::default());
        Ok(Learning {
            pvds,
            ras,
            numbers,
            records,
            usage,
            homes,
            changed,
            seconds,
            now,
            stating,
            alarms,
            dice,
            stirs: 0,
        })
    }

    /// What a namespace and all below it have learnt; static PvDs are among the PvDs.
    pub(crate) fn usage(&self, path: &NamespacePath) -> Usage {
        self.usage.usage(path)
    }

    /// What has a PvD's numbers.
    pub(crate) fn record(&self, handle: Handle<PvdRecord>) -> Option<&PvdRecord> {
        self.records.get(handle)
    }

    /// Differs from what it was when something has happened to any PvD since.
    pub(crate) fn stirs(&self) -> u64 {
        self.stirs
    }

    /// How many PvDs have numbers.
    #[cfg(test)]
    pub(crate) fn numbered(&self) -> usize {
        self.records.len()
    }

    fn recount(&mut self, path: &NamespacePath, resource: Resource, (before, after): (usize, usize)) {
        match after.abs_diff(before) as u64 {
            0 => {}
            more if after > before => self.usage.charge(path, resource, more),
            less => self.usage.discharge(path, resource, less),
        }
    }
}

impl Plant {
    /// Judges an advertisement of a PvD that is known from another port, by what the namespace says of such.
    ///
    /// # Errors
    /// Nobody is to hear it.
    pub(crate) fn admit_source(&mut self, home: Handle<Namespace>, heard: &Heard<'_>) -> Result<(), Ignored> {
        let Some(namespace) = self.tree.get(home) else { return Ok(()) };
        let policy = namespace.spec().second_source;
        if policy == SecondSource::Accept {
            return Ok(());
        }
        let registry = namespace.get(self.learning.pvds).and_then(PvdPlace::made);
        if !registry.is_some_and(|registry| is_second(registry, &heard.advert)) {
            return Ok(());
        }
        let (denied, path) = (policy == SecondSource::Deny, namespace.path().clone());
        let port = namespace.get(self.numbers).and_then(|numbers| numbers.get(heard.advert.port));
        let port = port.and_then(|port| self.port_at(port)).map(|record| record.name.clone());
        if let Some((port, pvd)) = port.zip(heard.advert.name()) {
            self.learning.seconds.add(SecondHeard { namespace: path, pvd: PvdName::from(pvd), port, denied });
        }
        if let Some(ras) = self.tree.get_mut(home).and_then(|namespace| namespace.get_mut(self.learning.ras)) {
            ras.second_sources += 1;
        }
        if denied { Err(Ignored::SecondSource) } else { Ok(()) }
    }

    /// Teaches a namespace what a router of it says.
    ///
    /// # Errors
    /// Nothing was learnt, and why.
    pub(crate) fn learn(
        &mut self,
        home: Handle<Namespace>,
        heard: &Heard<'_>,
        now: Duration,
    ) -> Result<Learnt, Ignored> {
        let (path, quota) = self.room(home, Resource::Pvds)?;
        let place = self.tree.get_mut(home).and_then(|namespace| namespace.get_mut(self.learning.pvds));
        let place = place.ok_or(Ignored::NoPort)?;
        let before = place.len();
        let registry = place.make(now);
        let learnt = match quota {
            Some(refusal) if !registry.knows(&heard.advert) => Err(Ignored::Quota(refusal)),
            _ => registry.learn(&heard.advert, now).map_err(Ignored::Registry),
        };
        let after = place.len();
        self.learning.homes.insert(home);
        self.learning.recount(&path, Resource::Pvds, (before, after));
        self.number_pvds(home);
        self.note_quota(home, learnt)
    }

    /// Keeps what a router of a namespace says, to be shown and to be said again.
    ///
    /// # Errors
    /// It is not kept, and why.
    pub(crate) fn keep(
        &mut self,
        home: Handle<Namespace>,
        heard: &Heard<'_>,
        now: Duration,
    ) -> Result<Cached, Ignored> {
        let (path, quota) = self.room(home, Resource::RaEntries)?;
        let ras = self.tree.get_mut(home).and_then(|namespace| namespace.get_mut(self.learning.ras));
        let cache = &mut ras.ok_or(Ignored::NoPort)?.cache;
        let (before, changes) = (cache.len(), cache.changes());
        let kept = match quota {
            Some(refusal) if cache.is_news(&heard.advert, heard.mac, heard.octets) => Err(Ignored::Quota(refusal)),
            _ => cache.hear(&heard.advert, heard.mac, heard.octets, now).map_err(Ignored::Cache),
        };
        let after = cache.len();
        if cache.changes() != changes {
            self.learning.changed.insert(home);
        }
        self.learning.recount(&path, Resource::RaEntries, (before, after));
        self.note_quota(home, kept)
    }

    /// The namespaces whose routers have said something else than before since this was last asked.
    pub(crate) fn take_changed(&mut self) -> Vec<NamespacePath> {
        let changed = std::mem::take(&mut self.learning.changed).into_iter();
        changed.filter_map(|home| Some(self.tree.get(home)?.path().clone())).collect()
    }

    /// Forgets what has ended by `now`.
    pub(super) fn expire_learnt(&mut self, now: Duration) {
        self.learning.now = self.learning.now.max(now);
        self.each_taught(|pvds, ras| {
            pvds.expire(now);
            if ras.cache.next_expiry().is_some_and(|at| at <= now) {
                ras.cache.expire(now);
            }
        });
    }

    /// Tells those who watch a namespace that a fetch of the Additional Information of a PvD has ended.
    pub(crate) fn tell_fetched(
        &mut self,
        home: Handle<Namespace>,
        name: &PvdName,
        failed: Option<&str>,
        now: Duration,
    ) {
        self.with_learnt(home, |pvds, _| pvds.make(now).tell_fetched(name, failed, now));
    }

    /// Forgets what was learnt from a port that is gone for good.
    pub(super) fn forget_learnt_from(&mut self, gone: &PortRecord) {
        let Ok(home) = self.tree.find(&gone.spec.namespace) else { return };
        self.forget_port(home.handle(), gone.ident.nr_at_home(), &gone.name);
    }

    /// Forgets what was learnt from a port that is a router's no more, or that has said what its rules do not allow now.
    pub(super) fn forget_disallowed(&mut self, path: &PortPath, before: &PortSpec) {
        let Some(record) = self.port(path) else { return };
        let same = record.spec.role.may_route() && record.spec.mediation.guard == before.mediation.guard;
        if before.role.may_route() && !same {
            self.forget_unless_allowed(path);
        }
    }

    /// Forgets what was learnt from a port that may not speak as a router, or has said what its rules do not allow now.
    pub(super) fn forget_unless_allowed(&mut self, path: &PortPath) {
        let Some(record) = self.port(path) else { return };
        let Ok(home) = self.tree.find(&path.namespace) else { return };
        let (rules, port, name) = (&record.rules, record.ident.nr_at_home(), record.name.clone());
        let may_speak = record.spec.role.may_route() && record.ra_guard_state != RaGuardState::Blocking;
        let said_more = || {
            let cached = home.get(self.learning.ras).into_iter().flat_map(|ras| ras.cache.iter());
            let mut cached = cached.filter(|entry| entry.port == port);
            let registry = home.get(self.learning.pvds).and_then(PvdPlace::made);
            let mut pvds = registry.into_iter().flat_map(|registry| registry.members().iter());
            cached.any(|entry| !may_say(rules, entry)) || pvds.any(|pvd| !may_have_taught(rules, port, pvd))
        };
        if !may_speak || said_more() {
            self.forget_port(home.handle(), port, &name);
        }
    }

    fn forget_port(&mut self, home: Handle<Namespace>, port: u32, name: &Name) {
        if let Some(mediator) = self.mediator_mut(home) {
            mediator.forget_port(port);
        }
        self.with_learnt(home, |pvds, ras| {
            pvds.forget_port(port, name);
            ras.cache.forget_port(port);
            ras.responder.forget_port(port);
        });
    }

    /// Forgets what was learnt from a port that stays.
    pub(super) fn unlearn(&mut self, home: Handle<Namespace>, port: u32, name: &Name) {
        self.with_learnt(home, |pvds, ras| {
            pvds.forget_port(port, name);
            ras.cache.forget_port(port);
        });
    }

    /// A namespace is gone for good, and what it has learnt counts no more.
    pub(super) fn discount(&mut self, gone: &Namespace) {
        self.learning.homes.remove(&gone.handle());
        self.learning.changed.remove(&gone.handle());
        self.learning.alarms.clear(gone.handle());
        let place = gone.get(self.learning.pvds);
        place.into_iter().flat_map(PvdPlace::records).for_each(|record| self.end_record(record));
        let pvds = place.map_or(0, PvdPlace::len);
        let ras = gone.get(self.learning.ras).map_or(0, |ras| ras.cache.len());
        self.learning.recount(gone.path(), Resource::Pvds, (pvds, 0));
        self.learning.recount(gone.path(), Resource::RaEntries, (ras, 0));
    }

    fn each_taught(&mut self, what: impl Fn(&mut PvdPlace, &mut Ras)) {
        let homes: Vec<_> = self.learning.homes.iter().copied().collect();
        homes.into_iter().for_each(|home| self.with_learnt(home, &what));
    }

    /// Does something to what a namespace has learnt, and counts what is left.
    pub(crate) fn with_learnt(&mut self, home: Handle<Namespace>, what: impl Fn(&mut PvdPlace, &mut Ras)) {
        let Learning { pvds, ras, .. } = self.learning;
        let Some(namespace) = self.tree.get_mut(home) else { return };
        let path = namespace.path().clone();
        let Some((pvds, ras)) = namespace.get_two_mut(pvds, ras) else { return };
        let count = |pvds: &PvdPlace, ras: &Ras| (pvds.len(), ras.cache.len());
        let before = count(pvds, ras);
        what(pvds, ras);
        let after = count(pvds, ras);
        self.learning.recount(&path, Resource::Pvds, (before.0, after.0));
        self.learning.recount(&path, Resource::RaEntries, (before.1, after.1));
        self.number_pvds(home);
    }

    /// Gives numbers to the PvDs that have come, and takes those of the ones that are gone.
    fn number_pvds(&mut self, home: Handle<Namespace>) {
        let (pvds, numbers) = (self.learning.pvds, self.learning.numbers);
        let Some(place) = self.tree.get_mut(home).and_then(|namespace| namespace.get_mut(pvds)) else { return };
        let before = place.last_news();
        let (came, gone) = place.news();
        self.learning.stirs += u64::from(place.last_news() != before);
        gone.into_iter().for_each(|record| self.end_record(record));
        for pvd in came {
            // When all numbers are taken it has none.
            let wanted = self.saved_numbers(home, pvd).unwrap_or_default();
            let reserved = self.tree.reserve(numbers, home, &wanted);
            let Ok(reserved) = reserved.or_else(|_| self.tree.reserve(numbers, home, &[])) else { return };
            let handle = self.learning.records.reserve();
            let ident = self.tree.publish(numbers, reserved, handle);
            self.learning.records.put(handle, PvdRecord { ident });
            if let Some(place) = self.tree.get_mut(home).and_then(|namespace| namespace.get_mut(pvds)) {
                place.set_record(pvd, handle);
            }
        }
    }

    fn end_record(&mut self, record: Handle<PvdRecord>) {
        if let Some(record) = self.learning.records.free(record) {
            self.tree.withdraw(self.learning.numbers, &record.ident);
        }
    }

    /// The path of a namespace, and the quota that allows it, or something that it lies in, no more of a resource.
    fn room(&self, home: Handle<Namespace>, resource: Resource) -> Result<(NamespacePath, Option<Refusal>), Ignored> {
        let path = self.tree.get(home).ok_or(Ignored::NoPort)?.path().clone();
        let refusal = path.and_ancestors().find_map(|owner| {
            let limit = self.tree.find(&owner).ok()?.spec().quotas.get(resource)?;
            let full = self.learning.usage(&owner).get(resource) >= limit;
            full.then_some(Refusal::Quota { resource, owner, limit })
        });
        Ok((path, refusal))
    }

    /// Counts what a quota refused.
    fn note_quota<T>(&mut self, home: Handle<Namespace>, result: Result<T, Ignored>) -> Result<T, Ignored> {
        let ras = self.tree.get_mut(home).and_then(|namespace| namespace.get_mut(self.learning.ras));
        if let (Some(ras), Err(Ignored::Quota(_))) = (ras, &result) {
            ras.over_quota += 1;
        }
        result
    }
}
