// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The plant: what exists, and how the steps of a difference are carried out on it.
//!
//! Each step leaves behind how to undo it, so when one is refused the ones before are undone in reverse and all is as it
//! was: the very same namespaces and ports are in their places again, under their handles and numbers, with their
//! counters and sessions. What is said of PvDs waits until then. When all steps are done, what left the plant is given up for good: ports leave their
//! namespace's slots when nobody reads them any more, namespaces go the way of [`crate::tree`].

mod alarms;
mod allowed;
mod answers;
mod guarding;
mod learnt;
mod mediation;
mod peers;
mod stated;

pub(crate) use learnt::Heard;

use crate::arena::{Arena, Handle};
use crate::desired::FdbKey;
use crate::diff::Step;
use crate::ident::{Ident, Numbers};
use crate::limits::{SLOTS, ZOMBIES_AT_ONCE, ZOMBIES_MAX};
use crate::name::Name;
use crate::numbers::SavedNumbers;
use crate::path::NamespacePath;
use crate::port::PortRecord;
use crate::quota::Resource;
use crate::ra_learning::RoutersFound;
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::spec::{NamespaceSpec, PortSpec};
use crate::subsystem::Key;
use crate::subsystem::counters::Counters;
use crate::subsystem::macs::MacTables;
use crate::subsystem::mediators::Mediators;
use crate::subsystem::peers::{PeerBook, Peers};
use crate::subsystem::policers::Policers;
use crate::subsystem::ports::{PortSet, Ports};
use crate::subsystem::seeds::Seeds;
use crate::text::Text;
use crate::tree::{Namespace, NumberSpace, Reserved, Tree};
use dataplane::{Instant, MacTablePlace, NamespacePolicers, PortSlot, PortStats, PortTag};
use learnt::Learning;
use mediation::Touched;
use pvd::Mediator;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What too many of keep others from coming.
const ZOMBIES: &str = "namespaces that are deleted and still in use";

/// How to take one step back. What is large is boxed.
enum Undo {
    AddStatic(FdbKey, PortSlot),
    RemoveStatic(FdbKey),
    RestorePort(Box<PortRecord>),
    DropPort(PortPath),
    RestoreNamespace(Box<Namespace>),
    DropNamespace(NamespacePath),
    SetNamespace(NamespacePath, Box<NamespaceSpec>),
    SetPort(PortPath, Box<PortSpec>),
}

/// Everything that exists.
pub(crate) struct Plant {
    pub(crate) tree: Tree,
    /// The place of each namespace's MAC table.
    pub(crate) macs: Key<Arc<MacTablePlace>>,
    /// The policers of each namespace.
    policers: Key<Arc<NamespacePolicers>>,
    /// The ports of each namespace.
    pub(crate) sets: Key<PortSet>,
    /// The numbers of ports in each namespace.
    pub(crate) numbers: Key<Numbers<PortRecord>>,
    /// The numbers of namespaces that each one was linked with.
    pub(crate) peers: Key<PeerBook>,
    /// What namespaces have learnt from their routers.
    pub(crate) learning: Learning,
    /// What each namespace decided about advertisements.
    pub(crate) mediators: Key<Mediator>,
    ports: Arena<PortRecord>,
    by_path: BTreeMap<PortPath, Handle<PortRecord>>,
    journal: Vec<Undo>,
    pub(crate) saved: SavedNumbers,
    /// What RA guard had decided in an earlier process of ports that have not come yet.
    pub(crate) decided: BTreeMap<PortPath, RoutersFound>,
    /// Ports whose guests are not here when they come.
    pub(crate) away: BTreeSet<PortPath>,
}

impl Plant {
    pub(crate) fn new(seed: u64, saved: SavedNumbers) -> Plant {
        let never = "a new tree has only the root, and nothing refuses that";
        let (mut tree, mut seeds) = (Tree::new(), Seeds::new(seed));
        let numbers = tree.register_subsystem(NumberSpace::new("numbers of ports")).expect(never);
        let peers = tree.register_subsystem(Peers).expect(never);
        let macs = tree.register_subsystem(MacTables::new(Seeds::new(seeds.next()))).expect(never);
        let policers = tree.register_subsystem(Policers).expect(never);
        let counters = tree.register_subsystem(Counters).expect(never);
        let learning = Learning::register(&mut tree, Seeds::new(seeds.next())).expect(never);
        let mediators = tree.register_subsystem(Mediators).expect(never);
        let sets = tree.register_device(Ports { macs, policers, counters, shares: BTreeMap::new() }).expect(never);
        let (ports, by_path, journal) = (Arena::default(), BTreeMap::new(), Vec::new());
        let (decided, away) = (BTreeMap::new(), BTreeSet::new());
        Plant {
            tree,
            macs,
            policers,
            sets,
            numbers,
            peers,
            learning,
            mediators,
            ports,
            by_path,
            journal,
            saved,
            decided,
            away,
        }
    }

    /// Carries out one step of a difference. To be followed by [`Plant::commit`] or [`Plant::roll_back`].
    pub(crate) fn step(&mut self, step: &Step) -> Result<(), Refusal> {
        let undo = match step.clone() {
            Step::DelFdb(key, port) => self.del_fdb(key, &port)?,
            Step::AddFdb(key, port) => self.add_fdb(key, &port)?,
            Step::DelPvd(key) => return self.will_state(key, None),
            Step::AddPvd(key, said) | Step::SetPvd(key, said) => return self.will_state(key, Some(said)),
            Step::DelPort(path) => self.del_port(&path)?,
            Step::AddPort(name, spec, numbers) => self.add_port(name, spec, &numbers)?,
            Step::SetPort(path, spec) => {
                let before = Box::new(self.port(&path).ok_or_else(|| no_port(&path))?.spec.clone());
                self.set_port(&path, spec);
                Undo::SetPort(path, before)
            }
            Step::DelNamespace(path) => Undo::RestoreNamespace(Box::new(self.tree.detach(&path)?)),
            Step::AddNamespace(path, spec, numbers) => self.add_namespace(path, &spec, &numbers)?,
            Step::SetNamespace(path, spec) => {
                let before = Box::new(self.tree.find(&path)?.spec().clone());
                self.set_namespace(&path, spec);
                Undo::SetNamespace(path, before)
            }
        };
        self.journal.push(undo);
        Ok(())
    }

    /// All steps are done: what they took away is given up for good.
    pub(crate) fn commit(&mut self) {
        let journal = std::mem::take(&mut self.journal);
        let touched = Touched::by(&journal);
        for undo in journal {
            match undo {
                Undo::RestorePort(record) => {
                    self.forget_learnt_from(&record);
                    self.ports.free(record.ident.object());
                }
                Undo::RestoreNamespace(namespace) => {
                    self.discount(&namespace);
                    self.forget_peer(&namespace);
                    self.tree.bury(*namespace);
                }
                // What has come has its numbers; whatever comes under this name later is something else.
                Undo::DropPort(path) => {
                    self.saved.ports.remove(&path);
                    self.resume_learning(&path);
                    self.introduce_ends(&path);
                }
                Undo::SetPort(path, before) => {
                    self.follow_learning(&path, &before);
                    self.forget_disallowed(&path, &before);
                }
                Undo::DropNamespace(path) => {
                    self.saved.namespaces.remove(&path);
                    self.restore_peers(&path);
                }
                _ => {}
            }
        }
        self.state_pvds();
        self.mediate(&touched);
        self.reap_beyond(ZOMBIES_AT_ONCE);
    }

    /// Undoes all steps since the last commit, the last one first.
    pub(crate) fn roll_back(&mut self) {
        self.learning.stating.clear();
        std::mem::take(&mut self.journal).into_iter().rev().for_each(|undo| self.undo(undo));
        self.reap_beyond(ZOMBIES_AT_ONCE);
    }

    /// Does not wait for the next tick when there are so many to take apart.
    fn reap_beyond(&mut self, zombies: usize) {
        if self.tree.zombie_count() >= zombies {
            self.tree.reap();
        }
    }

    /// What is due by time. True: there is something to be stored.
    pub(crate) fn tick(&mut self, now: Instant) -> bool {
        self.expire_learnt(now.since_origin());
        self.tree.tick(now);
        self.tick_learning(now.since_origin())
    }

    /// A port by its full name.
    pub(crate) fn port(&self, path: &PortPath) -> Option<&PortRecord> {
        self.ports.get(*self.by_path.get(path)?)
    }

    /// A port by its full name.
    pub(crate) fn port_mut(&mut self, path: &PortPath) -> Option<&mut PortRecord> {
        self.ports.get_mut(*self.by_path.get(path)?)
    }

    /// A port by its handle, if it lives.
    pub(crate) fn port_at(&self, handle: Handle<PortRecord>) -> Option<&PortRecord> {
        self.ports.get(handle)
    }

    /// All ports, in tree order.
    pub(crate) fn ports(&self) -> impl Iterator<Item = (&PortPath, &PortRecord)> {
        self.by_path.iter().filter_map(|(path, handle)| Some((path, self.ports.get(*handle)?)))
    }

    /// The full names of the ports of a namespace and all below it, in tree order.
    pub(crate) fn paths_within<'a>(&'a self, top: &NamespacePath) -> impl Iterator<Item = &'a PortPath> + use<'a> {
        let (inside, top) = (self.by_path.range(PortPath::before(top)..).map(|(path, _)| path), top.clone());
        inside.take_while(move |path| path.namespace.is_within(&top))
    }

    /// The ports of a namespace.
    pub(crate) fn set_of(&self, path: &NamespacePath) -> Result<&PortSet, Refusal> {
        self.tree.find(path)?.get(self.sets).ok_or_else(|| no_namespace(path))
    }

    /// What all ports of a namespace have counted since it is there, those too that are gone.
    pub(crate) fn stats(&self, namespace: &Namespace) -> PortStats {
        let Some(set) = namespace.get(self.sets) else { return PortStats::default() };
        let living = set.handles().filter_map(|handle| Some(self.port_at(handle)?.device.stats()));
        living.chain([set.unplugged()]).sum()
    }

    /// How many data-plane objects nothing leads to any more and somebody may still read.
    pub(crate) fn retired(&self) -> usize {
        let sets = self.tree.subtree(&NamespacePath::root()).filter_map(|namespace| namespace.get(self.sets));
        sets.map(PortSet::leaving).sum::<usize>() + self.tree.zombie_count()
    }

    /// The numbers of everything, to be asked for again after a restart.
    pub(crate) fn save_numbers(&self) -> SavedNumbers {
        let namespaces = self.tree.subtree(&NamespacePath::root()).skip(1);
        SavedNumbers {
            namespaces: namespaces.map(|namespace| (namespace.path().clone(), namespace.numbers())).collect(),
            ports: self.ports().map(|(path, port)| (path.clone(), port.ident.to_restore())).collect(),
            pvds: self.save_pvds(),
            peers: self.save_peers(),
        }
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            // The entry was there a moment ago, so there is room for it: learned entries give way to static ones.
            Undo::AddStatic(key, slot) => drop(self.plane(&key.namespace).map(|p| p.fdb().add_static(key.mac, slot))),
            Undo::RemoveStatic(key) => drop(self.plane(&key.namespace).map(|plane| plane.fdb().remove(key.mac))),
            Undo::RestorePort(record) => self.restore_port(*record),
            Undo::DropPort(path) => {
                if let Ok(Undo::RestorePort(record)) = self.del_port(&path) {
                    self.ports.free(record.ident.object());
                }
            }
            Undo::RestoreNamespace(namespace) => {
                let path = namespace.path().clone();
                self.tree.restore(*namespace);
                self.police(&path);
            }
            Undo::DropNamespace(path) => drop(self.tree.detach(&path).map(|namespace| self.tree.bury(namespace))),
            Undo::SetNamespace(path, spec) => self.set_namespace(&path, *spec),
            Undo::SetPort(path, spec) => self.set_port(&path, *spec),
        }
    }

    fn add_namespace(&mut self, path: NamespacePath, spec: &NamespaceSpec, numbers: &[u32]) -> Result<Undo, Refusal> {
        self.reap_beyond(ZOMBIES_MAX);
        if self.tree.zombie_count() >= ZOMBIES_MAX {
            return Err(Refusal::everywhere(Resource::Namespaces, ZOMBIES, ZOMBIES_MAX));
        }
        match self.saved.namespaces.get(&path).filter(|_| numbers.is_empty()) {
            Some(before) => self.tree.create(&path, spec, before).or_else(|_| self.tree.create(&path, spec, &[]))?,
            None => self.tree.create(&path, spec, numbers)?,
        };
        self.police(&path);
        Ok(Undo::DropNamespace(path))
    }

    fn set_namespace(&mut self, path: &NamespacePath, spec: NamespaceSpec) {
        let Ok(namespace) = self.tree.find(path) else { return };
        if let Some(macs) = namespace.get(self.macs) {
            macs.set_age(spec.age);
        }
        let (handle, limits) = (namespace.handle(), namespace.spec().limits);
        let differ = limits != spec.limits;
        self.set_answering(handle, spec.answering);
        self.tree.set_spec(handle, spec);
        if differ {
            self.police(path);
        }
    }

    /// Lets the limits of a namespace hold for it and all below it.
    fn police(&self, top: &NamespacePath) {
        // Parents come before their children, who take over what holds there.
        for namespace in self.tree.subtree(top) {
            let parent = namespace.path().parent().and_then(|path| self.tree.find(&path).ok());
            let above = parent.and_then(|parent| parent.get(self.policers)).map(Arc::as_ref);
            if let Some(policers) = namespace.get(self.policers) {
                policers.set(&namespace.spec().limits, above);
            }
        }
    }

    fn set_port(&mut self, path: &PortPath, spec: PortSpec) {
        if let Some(port) = self.port_mut(path) {
            port.set(spec);
        }
    }

    fn add_port(&mut self, name: Name, spec: PortSpec, numbers: &[u32]) -> Result<Undo, Refusal> {
        let home = self.tree.find(&spec.namespace)?.handle();
        let path = spec.path(name);
        let saved = self.saved.ports.get(&path).filter(|_| numbers.is_empty());
        let reserved = match saved.map(|saved| self.tree.reserve(self.numbers, home, saved)) {
            Some(Ok(reserved)) => reserved,
            _ => self.tree.reserve(self.numbers, home, numbers)?,
        };
        let handle = self.ports.reserve();
        match self.plug(&path, spec, handle) {
            Ok(device) => {
                self.publish(path.clone(), handle, reserved, device);
                self.join(&path);
            }
            Err(refusal) => {
                self.ports.free(handle);
                self.tree.release(self.numbers, reserved);
                return Err(refusal);
            }
        }
        Ok(Undo::DropPort(path))
    }

    /// Lets frames come to a new port.
    fn plug(
        &mut self,
        path: &PortPath,
        spec: PortSpec,
        handle: Handle<PortRecord>,
    ) -> Result<(PortSpec, Arc<dataplane::Port>), Refusal> {
        let away = self.away.contains(path);
        let set = self.set_mut(&spec.namespace)?;
        let slot = set.free_slot().ok_or_else(|| {
            let what = Text::from("ports in namespace ").quoted(&spec.namespace);
            let what = what.and(", with those that are being closed");
            Refusal::limit(what, usize::from(SLOTS))
        })?;
        let device = PortRecord::device(&spec, slot);
        device.set_tag(PortTag(handle.to_bits()));
        if away {
            device.set_away(true);
        }
        let plugged = set.plug(path.name.clone(), handle, &device);
        plugged.map_err(|_| table_full(&spec.namespace, set.plane()))?;
        Ok((spec, device))
    }

    /// Lets names and numbers lead to a new port.
    fn publish(
        &mut self,
        path: PortPath,
        handle: Handle<PortRecord>,
        reserved: Reserved,
        (spec, device): (PortSpec, Arc<dataplane::Port>),
    ) {
        let home = self.tree.find(&spec.namespace).ok().map(Namespace::handle);
        let ident: Ident<PortRecord> = self.tree.publish(self.numbers, reserved, handle);
        self.ports.put(handle, PortRecord::new(path.name.clone(), spec, device, ident));
        self.by_path.insert(path, handle);
        self.tree.hold(home);
    }

    fn del_port(&mut self, path: &PortPath) -> Result<Undo, Refusal> {
        let handle = self.by_path.remove(path).ok_or_else(|| no_port(path))?;
        let record = self.ports.take(handle).ok_or_else(|| no_port(path))?;
        self.part(&record);
        self.tree.withdraw(self.numbers, &record.ident);
        if let Ok(set) = self.set_mut(&record.spec.namespace) {
            set.unplug(&path.name);
        }
        let home = self.tree.find(&record.spec.namespace).ok().map(Namespace::handle);
        self.tree.unhold(home);
        Ok(Undo::RestorePort(Box::new(record)))
    }

    fn restore_port(&mut self, record: PortRecord) {
        let handle = record.ident.object();
        if let Ok(set) = self.set_mut(&record.spec.namespace) {
            // Its entry was there a moment ago, so there is room for it.
            let _ = set.plug(record.name.clone(), handle, &record.device);
        }
        self.tree.restore_numbers(self.numbers, &record.ident);
        let home = self.tree.find(&record.spec.namespace).ok().map(Namespace::handle);
        self.tree.hold(home);
        let path = record.path();
        self.by_path.insert(path.clone(), handle);
        self.ports.put(handle, record);
        self.join(&path);
    }

    /// Lets the ends of a link lead to each other, if both are there.
    fn join(&self, path: &PortPath) {
        let end = |path: &PortPath| Some((self.port(path)?, self.plane(&path.namespace).ok()?));
        let Some((near, here)) = end(path) else { return };
        let Some((far, there)) = near.spec.far().and_then(end) else { return };
        if far.spec.far() == Some(path) {
            near.device.link(Some((&there, &far.device)));
            far.device.link(Some((&here, &near.device)));
        }
    }

    /// Ends that what goes into a link comes out of it.
    fn part(&self, near: &PortRecord) {
        let Some(far) = near.spec.far() else { return };
        near.device.link(None);
        if let Some(far) = self.port(far) {
            far.device.link(None);
        }
    }

    fn add_fdb(&mut self, key: FdbKey, port: &Name) -> Result<Undo, Refusal> {
        let slot = self.slot(&key, port)?;
        let plane = self.plane(&key.namespace)?;
        plane.fdb().add_static(key.mac, slot).map_err(|_| table_full(&key.namespace, &plane))?;
        Ok(Undo::RemoveStatic(key))
    }

    fn del_fdb(&mut self, key: FdbKey, port: &Name) -> Result<Undo, Refusal> {
        let slot = self.slot(&key, port)?;
        self.plane(&key.namespace)?.fdb().remove(key.mac);
        Ok(Undo::AddStatic(key, slot))
    }

    /// Where the port sits that an entry leads to.
    fn slot(&self, key: &FdbKey, port: &Name) -> Result<PortSlot, Refusal> {
        let path = PortPath::new(key.namespace.clone(), port.clone());
        self.port(&path).map(|record| record.device.slot()).ok_or_else(|| no_port(&path))
    }

    fn plane(&self, path: &NamespacePath) -> Result<Arc<dataplane::Namespace>, Refusal> {
        self.set_of(path).map(|set| Arc::clone(set.plane()))
    }

    fn set_mut(&mut self, path: &NamespacePath) -> Result<&mut PortSet, Refusal> {
        let handle = self.tree.find(path)?.handle();
        let namespace = self.tree.get_mut(handle).ok_or_else(|| no_namespace(path))?;
        namespace.get_mut(self.sets).ok_or_else(|| no_namespace(path))
    }
}

fn no_port(path: &PortPath) -> Refusal {
    Refusal::not_found(Kind::Port, path)
}

fn no_namespace(path: &NamespacePath) -> Refusal {
    Refusal::not_found(Kind::Namespace, path)
}

fn table_full(namespace: &NamespacePath, plane: &dataplane::Namespace) -> Refusal {
    let what = Text::from("entries in the MAC table of namespace ").quoted(namespace);
    Refusal::limit(what, plane.fdb().capacity() as usize)
}
