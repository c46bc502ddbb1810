// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The plant: the records and data-plane objects that exist, and how a difference is carried out on them.
//!
//! Steps are carried out in order. Each leaves behind how to undo it, so when one is refused (only a full MAC table can
//! do that) the ones before are undone in reverse and all is as it was: the very same ports are plugged in again, with
//! their counters and sessions. What leaves the plant is retired: a worker or a session may still hold it, and it is
//! freed on the control thread by [`Plant::reap`], when nobody else does.

use crate::desired::FdbKey;
use crate::diff::Step;
use crate::limits::SLOTS;
use crate::name::Name;
use crate::namespace::{NamespaceRecord, Seeds};
use crate::port::PortRecord;
use crate::refusal::{Kind, Refusal};
use crate::spec::{NamespaceSpec, PortSpec};
use dataplane::PortSlot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How to take one step back.
pub(crate) enum Undo {
    AddStatic(FdbKey, PortSlot),
    RemoveStatic(FdbKey),
    /// Boxed: a record is far larger than the other variants.
    RestorePort(Name, Box<PortRecord>),
    DropPort(Name),
    RestoreNamespace(Name, NamespaceRecord),
    DropNamespace(Name),
    SetNamespace(Name, NamespaceSpec),
    SetPort(Name, PortSpec),
}

/// Everything that exists.
pub(crate) struct Plant {
    seeds: Seeds,
    pub(crate) namespaces: BTreeMap<Name, NamespaceRecord>,
    pub(crate) ports: BTreeMap<Name, PortRecord>,
    retired_ports: Vec<(Name, Arc<dataplane::Port>)>,
    retired_namespaces: Vec<Arc<dataplane::Namespace>>,
}

impl Plant {
    pub(crate) fn new(seed: u64) -> Plant {
        Plant {
            seeds: Seeds(seed),
            namespaces: BTreeMap::new(),
            ports: BTreeMap::new(),
            retired_ports: Vec::new(),
            retired_namespaces: Vec::new(),
        }
    }

    /// Carries out all steps, or none.
    pub(crate) fn apply(&mut self, steps: &[Step]) -> Result<(), Refusal> {
        let mut done = Vec::with_capacity(steps.len());
        for step in steps {
            match self.step(step, &done) {
                Ok(undo) => done.push(undo),
                Err(refusal) => {
                    done.into_iter().rev().for_each(|undo| self.undo(undo));
                    return Err(refusal);
                }
            }
        }
        done.into_iter().for_each(|undo| self.retire(undo));
        Ok(())
    }

    /// Frees what is retired and held by nobody else. To be called now and then. A burst that was under way when a port
    /// was unplugged may have learned addresses behind it again, and they must not wait for the next owner of its slot.
    pub(crate) fn reap(&mut self) {
        let held = |port: &Arc<dataplane::Port>| Arc::strong_count(port) > 1;
        for (home, port) in self.retired_ports.iter().filter(|(_, port)| !held(port)) {
            if let Some(record) = self.namespaces.get(home) {
                record.table.forget(port.slot());
            }
        }
        self.retired_ports.retain(|(_, port)| held(port));
        self.retired_namespaces.retain(|namespace| Arc::strong_count(namespace) > 1);
    }

    /// How many data-plane objects are retired and not freed yet.
    pub(crate) fn retired(&self) -> usize {
        self.retired_ports.len() + self.retired_namespaces.len()
    }

    /// Carries out one step of a difference; `done` are those before it.
    fn step(&mut self, step: &Step, done: &[Undo]) -> Result<Undo, Refusal> {
        match step.clone() {
            Step::DelFdb(key, port) => self.del_fdb(key, &port),
            Step::AddFdb(key, port) => self.add_fdb(key, &port),
            Step::DelPort(name) => self.del_port(name),
            Step::AddPort(name, spec) => self.add_port(name, spec, done),
            Step::SetPort(name, spec) => {
                let port = self.ports.get_mut(&name).ok_or_else(|| no_port(&name))?;
                let before = port.spec.clone();
                port.set(spec);
                Ok(Undo::SetPort(name, before))
            }
            Step::DelNamespace(name) => {
                let record = self.namespaces.remove(&name).ok_or_else(|| no_namespace(&name))?;
                Ok(Undo::RestoreNamespace(name, record))
            }
            Step::AddNamespace(name, spec) => {
                let record = NamespaceRecord::new(spec, self.seeds.next());
                self.namespaces.insert(name.clone(), record);
                Ok(Undo::DropNamespace(name))
            }
            Step::SetNamespace(name, spec) => {
                let record = self.namespaces.get_mut(&name).ok_or_else(|| no_namespace(&name))?;
                let before = record.spec.clone();
                record.set(spec);
                Ok(Undo::SetNamespace(name, before))
            }
        }
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            // The entry was there a moment ago, so there is room for it: learned entries give way to static ones.
            Undo::AddStatic(key, slot) => drop(self.table(&key.namespace).map(|t| t.fdb().add_static(key.mac, slot))),
            Undo::RemoveStatic(key) => drop(self.table(&key.namespace).map(|t| t.fdb().remove(key.mac))),
            Undo::RestorePort(name, record) => {
                if let Ok(table) = self.table(&record.spec.namespace) {
                    // Its entry was there a moment ago, so there is room for it.
                    let _ = table.plug(Arc::clone(&record.device));
                }
                self.ports.insert(name, *record);
            }
            Undo::DropPort(name) => drop(self.del_port(name).map(|undo| self.retire(undo))),
            Undo::RestoreNamespace(name, record) => drop(self.namespaces.insert(name, record)),
            Undo::DropNamespace(name) => drop(self.namespaces.remove(&name)),
            Undo::SetNamespace(name, spec) => drop(self.namespaces.get_mut(&name).map(|record| record.set(spec))),
            Undo::SetPort(name, spec) => drop(self.ports.get_mut(&name).map(|port| port.set(spec))),
        }
    }

    fn retire(&mut self, undo: Undo) {
        match undo {
            Undo::RestorePort(_, record) => self.retired_ports.push((record.spec.namespace, record.device)),
            Undo::RestoreNamespace(_, record) => self.retired_namespaces.push(record.table),
            _ => {}
        }
    }

    fn add_port(&mut self, name: Name, spec: PortSpec, done: &[Undo]) -> Result<Undo, Refusal> {
        let taken = self.taken_slots(&spec.namespace, done);
        let home = self.namespaces.get_mut(&spec.namespace).ok_or_else(|| no_namespace(&spec.namespace))?;
        let slot = home.free_slot(&taken).ok_or_else(|| {
            let what = format!("ports in namespace {:?}, with those that are being closed", spec.namespace.as_str());
            Refusal::limit(what, usize::from(SLOTS))
        })?;
        let record = PortRecord::new(spec, slot);
        let plugged = home.table.plug(Arc::clone(&record.device));
        plugged.map_err(|_| table_full(&record.spec.namespace, &home.table))?;
        self.ports.insert(name.clone(), record);
        Ok(Undo::DropPort(name))
    }

    fn del_port(&mut self, name: Name) -> Result<Undo, Refusal> {
        let record = self.ports.remove(&name).ok_or_else(|| no_port(&name))?;
        if let Ok(table) = self.table(&record.spec.namespace) {
            table.unplug(record.device.slot());
        }
        Ok(Undo::RestorePort(name, Box::new(record)))
    }

    fn add_fdb(&mut self, key: FdbKey, port: &Name) -> Result<Undo, Refusal> {
        let slot = self.ports.get(port).ok_or_else(|| no_port(port))?.device.slot();
        let table = self.table(&key.namespace)?;
        table.fdb().add_static(key.mac, slot).map_err(|_| table_full(&key.namespace, &table))?;
        Ok(Undo::RemoveStatic(key))
    }

    fn del_fdb(&mut self, key: FdbKey, port: &Name) -> Result<Undo, Refusal> {
        let slot = self.ports.get(port).ok_or_else(|| no_port(port))?.device.slot();
        self.table(&key.namespace)?.fdb().remove(key.mac);
        Ok(Undo::AddStatic(key, slot))
    }

    /// Slots of the namespace that are in use, or whose last user is not gone yet; those of ports that went in the steps
    /// `done` before are among them.
    fn taken_slots(&self, namespace: &Name, done: &[Undo]) -> BTreeSet<u16> {
        let live = self.ports.values().filter(|p| p.spec.namespace == *namespace).map(|p| p.device.slot().0);
        let retired = self.retired_ports.iter().filter(|(home, _)| home == namespace).map(|(_, p)| p.slot().0);
        let leaving = done.iter().filter_map(|undo| match undo {
            Undo::RestorePort(_, record) if record.spec.namespace == *namespace => Some(record.device.slot().0),
            _ => None,
        });
        live.chain(retired).chain(leaving).collect()
    }

    fn table(&self, namespace: &Name) -> Result<Arc<dataplane::Namespace>, Refusal> {
        let record = self.namespaces.get(namespace).ok_or_else(|| no_namespace(namespace))?;
        Ok(Arc::clone(&record.table))
    }
}

fn no_port(name: &Name) -> Refusal {
    Refusal::not_found(Kind::Port, name.as_str())
}

fn no_namespace(name: &Name) -> Refusal {
    Refusal::not_found(Kind::Namespace, name.as_str())
}

fn table_full(namespace: &Name, table: &dataplane::Namespace) -> Refusal {
    let what = format!("entries in the MAC table of namespace {:?}", namespace.as_str());
    Refusal::limit(what, table.fdb().capacity() as usize)
}
