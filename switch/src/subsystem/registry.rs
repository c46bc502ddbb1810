// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The ordered list of subsystems, and the passes over it.

use super::slots::Instance;
use super::{Class, Key, Subsystem};
use crate::refusal::Refusal;
use crate::tree::Namespace;
use dataplane::Instant;
use std::any::Any;

/// A subsystem whose instances' type is forgotten. What is given back to it is what it made itself.
trait Operations: Send {
    fn name(&self) -> &'static str;
    fn init(&mut self, namespace: &Namespace) -> Result<Instance, Refusal>;
    fn pre_exit(&mut self, namespace: &Namespace, instance: &mut Instance);
    fn waits_for(&self, instance: &(dyn Any + Send)) -> Option<String>;
    fn exit(&mut self, namespace: &Namespace, instance: &mut Instance);
    fn exit_batch(&mut self, instances: &mut [&mut (dyn Any + Send)]);
    fn tick(&mut self, instance: &mut (dyn Any + Send), now: Instant);
}

impl<S: Subsystem> Operations for S {
    fn name(&self) -> &'static str {
        Subsystem::name(self)
    }

    fn init(&mut self, namespace: &Namespace) -> Result<Instance, Refusal> {
        Ok(Box::new(Subsystem::init(self, namespace)?))
    }

    fn pre_exit(&mut self, namespace: &Namespace, instance: &mut Instance) {
        if let Some(instance) = instance.downcast_mut() {
            Subsystem::pre_exit(self, namespace, instance);
        }
    }

    fn waits_for(&self, instance: &(dyn Any + Send)) -> Option<String> {
        Subsystem::waits_for(self, instance.downcast_ref()?)
    }

    fn exit(&mut self, namespace: &Namespace, instance: &mut Instance) {
        if let Some(instance) = instance.downcast_mut() {
            Subsystem::exit(self, namespace, instance);
        }
    }

    fn exit_batch(&mut self, instances: &mut [&mut (dyn Any + Send)]) {
        let mut typed: Vec<&mut S::Instance> = instances.iter_mut().filter_map(|i| i.downcast_mut()).collect();
        Subsystem::exit_batch(self, &mut typed);
    }

    fn tick(&mut self, instance: &mut (dyn Any + Send), now: Instant) {
        if let Some(instance) = instance.downcast_mut() {
            Subsystem::tick(self, instance, now);
        }
    }
}

struct Entry {
    id: usize,
    class: Class,
    operations: Box<dyn Operations>,
}

/// Subsystems in order, devices at the end.
#[derive(Default)]
pub(crate) struct Registry {
    entries: Vec<Entry>,
    next_id: usize,
}

impl Registry {
    /// Registers a subsystem and makes its instance in all namespaces that exist.
    ///
    /// # Errors
    /// It refused in one of them; it is not registered and has no instance anywhere.
    pub(crate) fn register<S: Subsystem>(
        &mut self,
        class: Class,
        subsystem: S,
        existing: Vec<&mut Namespace>,
    ) -> Result<Key<S::Instance>, Refusal> {
        let mut entry = Entry { id: self.next_id, class, operations: Box::new(subsystem) };
        let mut done = Vec::with_capacity(existing.len());
        for namespace in existing {
            if let Err(refusal) = entry.init(namespace) {
                unmake(std::slice::from_mut(&mut entry), &mut done);
                return Err(refusal);
            }
            done.push(namespace);
        }
        let key = Key::new(entry.id);
        self.next_id += 1;
        let devices = || self.entries.iter().position(|entry| entry.class == Class::Device);
        let place = if class == Class::Device { None } else { devices() };
        self.entries.insert(place.unwrap_or(self.entries.len()), entry);
        Ok(key)
    }

    /// Unmakes all instances of a subsystem and forgets it. False: it is not registered.
    pub(crate) fn unregister<T>(&mut self, key: Key<T>, existing: &mut [&mut Namespace]) -> bool {
        let Some(place) = self.entries.iter().position(|entry| entry.id == key.id) else { return false };
        let mut entry = self.entries.remove(place);
        unmake(std::slice::from_mut(&mut entry), existing);
        true
    }

    /// Makes all instances of a new namespace.
    ///
    /// # Errors
    /// One refused; those before it are unmade.
    pub(crate) fn init(&mut self, namespace: &mut Namespace) -> Result<(), Refusal> {
        for made in 0..self.entries.len() {
            if let Err(refusal) = self.entries[made].init(namespace) {
                unmake(&mut self.entries[..made], &mut [namespace]);
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// First pass of a destruction.
    pub(crate) fn pre_exit(&mut self, batch: &mut [&mut Namespace]) {
        pre_exit(&mut self.entries, batch);
    }

    /// Whom the second pass has to wait for, in words.
    pub(crate) fn waits_for(&self, namespace: &Namespace) -> Vec<String> {
        let waits = |entry: &Entry| entry.operations.waits_for(namespace.slots.peek(entry.id)?);
        self.entries.iter().filter_map(waits).collect()
    }

    /// The rest of a destruction.
    pub(crate) fn exit(&mut self, batch: &mut [&mut Namespace]) {
        exit(&mut self.entries, batch);
        free(&mut self.entries, batch);
    }

    /// What is due by time in one namespace.
    pub(crate) fn tick(&mut self, namespace: &mut Namespace, now: Instant) {
        for entry in &mut self.entries {
            if let Some(instance) = namespace.slots.instance(entry.id) {
                entry.operations.tick(instance, now);
            }
        }
    }

    /// Names in order, for texts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().map(|entry| entry.operations.name())
    }
}

impl Entry {
    fn init(&mut self, namespace: &mut Namespace) -> Result<(), Refusal> {
        let instance = self.operations.init(namespace)?;
        namespace.slots.put(self.id, instance);
        Ok(())
    }

    /// Calls `what` with an instance and the namespace that it is of; it is out of its slot meanwhile.
    fn with(&mut self, namespace: &mut Namespace, what: fn(&mut dyn Operations, &Namespace, &mut Instance)) {
        if let Some(mut instance) = namespace.slots.take(self.id) {
            what(&mut *self.operations, namespace, &mut instance);
            namespace.slots.put(self.id, instance);
        }
    }
}

/// All passes without a wait: nobody has seen these instances, or nobody reads them.
fn unmake(entries: &mut [Entry], batch: &mut [&mut Namespace]) {
    pre_exit(entries, batch);
    exit(entries, batch);
    free(entries, batch);
}

fn pre_exit(entries: &mut [Entry], batch: &mut [&mut Namespace]) {
    for entry in entries.iter_mut().rev() {
        batch.iter_mut().for_each(|namespace| entry.with(namespace, |ops, ns, instance| ops.pre_exit(ns, instance)));
    }
}

fn exit(entries: &mut [Entry], batch: &mut [&mut Namespace]) {
    for entry in entries.iter_mut().rev() {
        batch.iter_mut().for_each(|namespace| entry.with(namespace, |ops, ns, instance| ops.exit(ns, instance)));
        let mut all: Vec<_> = batch.iter_mut().filter_map(|namespace| namespace.slots.instance(entry.id)).collect();
        if !all.is_empty() {
            entry.operations.exit_batch(&mut all);
        }
    }
}

fn free(entries: &mut [Entry], batch: &mut [&mut Namespace]) {
    for entry in entries.iter_mut().rev() {
        batch.iter_mut().for_each(|namespace| drop(namespace.slots.take(entry.id)));
    }
}
