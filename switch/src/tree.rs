// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The tree of namespaces: how one is made, found, and destroyed.
//!
//! # Life of a namespace
//!
//! ```text
//! create: numbers reserved ─▶ init of all subsystems ─▶ numbers and path lead to it
//!                                                            │ alive: found by path, number and handle
//! detach: no path, number or handle leads to it any more ◀───┘ only when nothing is in it
//!   │ ▲ restore: the request that wanted this was refused at a later step
//!   ▼
//! bury: queued ─▶ reap: pre_exit ─▶ waits until nobody reads ─▶ exit, exit_batch, freed
//! ```
//!
//! Two kinds of references hold it. *Active* ones are its ports and children ([`Namespace::active`]): while there are any
//! it cannot be detached. *Passive* ones keep its memory: workers and sessions that still read what belongs to it, and
//! its own children that are not freed yet. A namespace that has only passive references is a *zombie*: it is counted
//! ([`Tree::zombies`]) and can say what it waits for, and nothing leads to it. [`Tree::reap`] takes all that nobody reads
//! apart in one batch, children before parents.
//!
//! Handles carry a generation, so one that was kept over the end of a namespace finds nothing, even when another
//! namespace has its path, its number and its place by then.

mod exit;
mod namespace;
mod numbering;

pub use exit::Zombie;
pub use namespace::Namespace;
pub use numbering::{NumberSpace, Reserved};

use crate::arena::{Arena, Handle};
use crate::ident::Numbers;
use crate::path::NamespacePath;
use crate::refusal::{Kind, Refusal};
use crate::spec::NamespaceSpec;
use crate::subsystem::{Class, Key, Registry, Subsystem};
use dataplane::Instant;
use exit::Dying;
use std::collections::BTreeMap;

/// All namespaces and the list of subsystems that each of them has.
pub struct Tree {
    registry: Registry,
    namespaces: Arena<Namespace>,
    by_path: BTreeMap<NamespacePath, Handle<Namespace>>,
    root: Handle<Namespace>,
    numbers: Key<Numbers<Namespace>>,
    dying: Dying,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree::new()
    }
}

impl Tree {
    /// A tree of the root alone, with one subsystem: the numbers of namespaces.
    pub fn new() -> Tree {
        let mut namespaces = Arena::default();
        let (root, path) = (namespaces.reserve(), NamespacePath::root());
        let mut namespace = Namespace::new(root, path.clone(), NamespaceSpec::default(), None);
        let mut registry = Registry::default();
        let numbers = NumberSpace::new("numbers of namespaces");
        let numbers = registry.register(Class::Subsystem, numbers, vec![&mut namespace]);
        let numbers = numbers.expect("a number space refuses no namespace");
        namespaces.put(root, namespace);
        Tree { registry, namespaces, by_path: BTreeMap::from([(path, root)]), root, numbers, dying: Dying::default() }
    }

    /// Registers a subsystem before all devices, and makes its instance in all namespaces.
    ///
    /// # Errors
    /// It refused in one of them; then it has an instance in none.
    pub fn register_subsystem<S: Subsystem>(&mut self, subsystem: S) -> Result<Key<S::Instance>, Refusal> {
        self.register(Class::Subsystem, subsystem)
    }

    /// Registers a device behind all subsystems and devices, and makes its instance in all namespaces.
    ///
    /// # Errors
    /// It refused in one of them; then it has an instance in none.
    pub fn register_device<S: Subsystem>(&mut self, device: S) -> Result<Key<S::Instance>, Refusal> {
        self.register(Class::Device, device)
    }

    /// Unmakes all instances of a subsystem, those of zombies too, and forgets it. False: it is not registered.
    pub fn unregister<T>(&mut self, key: Key<T>) -> bool {
        let mut all = in_tree_order(&mut self.namespaces);
        all.extend(self.dying.iter_mut());
        self.registry.unregister(key, &mut all)
    }

    fn register<S: Subsystem>(&mut self, class: Class, subsystem: S) -> Result<Key<S::Instance>, Refusal> {
        self.registry.register(class, subsystem, in_tree_order(&mut self.namespaces))
    }

    /// Makes a namespace inside one that exists. `wanted` are its numbers in the innermost of those that will see it,
    /// its parent first.
    ///
    /// # Errors
    /// It exists, its parent does not, a number cannot be had, or a subsystem refused; nothing is left behind.
    pub fn create(
        &mut self,
        path: &NamespacePath,
        spec: &NamespaceSpec,
        wanted: &[u32],
    ) -> Result<Handle<Namespace>, Refusal> {
        if self.by_path.contains_key(path) {
            return Err(Refusal::exists(Kind::Namespace, path));
        }
        let parent = self.find(&path.parent().unwrap_or_else(NamespacePath::root))?.handle();
        let reserved = self.reserve(self.numbers, parent, wanted)?;
        let handle = self.namespaces.reserve();
        let mut namespace = Namespace::new(handle, path.clone(), spec.clone(), Some(parent));
        if let Err(refusal) = self.registry.init(&mut namespace) {
            self.namespaces.free(handle);
            self.release(self.numbers, reserved);
            return Err(refusal);
        }
        namespace.ident = Some(self.publish(self.numbers, reserved, handle));
        self.link(namespace);
        Ok(handle)
    }

    /// Takes a namespace out of the tree: nothing leads to it any more. To be followed by [`Tree::restore`] or
    /// [`Tree::bury`].
    ///
    /// # Errors
    /// There is none, something is in it, or it is the root.
    pub(crate) fn detach(&mut self, path: &NamespacePath) -> Result<Namespace, Refusal> {
        let found = self.find(path)?;
        if found.active > 0 || found.parent.is_none() {
            let by = if found.parent.is_none() { "all others".to_owned() } else { format!("{} objects", found.active) };
            return Err(Refusal::in_use(Kind::Namespace, path, by));
        }
        let handle = found.handle();
        self.by_path.remove(path);
        let namespace = self.namespaces.take(handle);
        let namespace = namespace.ok_or_else(|| Refusal::not_found(Kind::Namespace, path))?;
        if let Some(ident) = &namespace.ident {
            self.withdraw(self.numbers, ident);
        }
        self.unhold(namespace.parent);
        Ok(namespace)
    }

    /// Puts a namespace back that was taken out a moment ago, under the same handle and numbers.
    pub(crate) fn restore(&mut self, namespace: Namespace) {
        if let Some(ident) = &namespace.ident {
            self.restore_numbers(self.numbers, ident);
        }
        self.link(namespace);
    }

    /// Queues a namespace that was taken out to be destroyed, and gives its handle up.
    pub(crate) fn bury(&mut self, namespace: Namespace) {
        self.namespaces.free(namespace.handle());
        self.dying.push(namespace);
    }

    /// Destroys what was buried and nobody reads any more.
    pub(crate) fn reap(&mut self) {
        self.dying.reap(&mut self.registry);
    }

    /// Does what is due by time in every namespace, zombies too, and destroys what nobody reads any more.
    pub fn tick(&mut self, now: Instant) {
        let registry = &mut self.registry;
        self.namespaces.iter_mut().chain(self.dying.iter_mut()).for_each(|namespace| registry.tick(namespace, now));
        self.reap();
    }

    /// The root. It is always there.
    pub fn root(&self) -> &Namespace {
        self.namespaces.get(self.root).expect("the root lives as long as the tree")
    }

    /// A namespace by its handle, if it lives.
    pub fn get(&self, handle: Handle<Namespace>) -> Option<&Namespace> {
        self.namespaces.get(handle)
    }

    /// A namespace by its handle, if it lives.
    pub fn get_mut(&mut self, handle: Handle<Namespace>) -> Option<&mut Namespace> {
        self.namespaces.get_mut(handle)
    }

    /// A namespace by its path from the root.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, path: &NamespacePath) -> Result<&Namespace, Refusal> {
        let found = self.by_path.get(path).and_then(|handle| self.get(*handle));
        found.ok_or_else(|| Refusal::not_found(Kind::Namespace, path))
    }

    /// A namespace by the number under which another one sees it.
    pub fn find_numbered(&self, observer: &Namespace, nr: u32) -> Option<&Namespace> {
        self.get(self.look_up(self.numbers, observer.handle(), nr)?)
    }

    /// A namespace and all below it, in tree order.
    pub fn subtree<'a>(&'a self, top: &NamespacePath) -> impl Iterator<Item = &'a Namespace> + use<'a> {
        let inside = self.by_path.range(top.clone()..).take_while({
            let top = top.clone();
            move |(path, _)| path.is_within(&top)
        });
        inside.filter_map(|(_, handle)| self.get(*handle))
    }

    /// Changes what was asked for; the caller tells the subsystems.
    pub(crate) fn set_spec(&mut self, handle: Handle<Namespace>, spec: NamespaceSpec) {
        if let Some(namespace) = self.get_mut(handle) {
            namespace.spec = spec;
        }
    }

    /// Takes an active reference: something comes into the namespace.
    pub(crate) fn hold(&mut self, handle: Option<Handle<Namespace>>) {
        if let Some(namespace) = handle.and_then(|handle| self.get_mut(handle)) {
            namespace.active += 1;
        }
    }

    /// Gives an active reference back.
    pub(crate) fn unhold(&mut self, handle: Option<Handle<Namespace>>) {
        if let Some(namespace) = handle.and_then(|handle| self.get_mut(handle)) {
            namespace.active = namespace.active.saturating_sub(1);
        }
    }

    /// Namespaces that are destroyed and not freed yet, and what each waits for.
    pub fn zombies(&self) -> Vec<Zombie<'_>> {
        self.dying.zombies(&self.registry)
    }

    /// How many namespaces are destroyed and not freed yet.
    pub fn zombie_count(&self) -> usize {
        self.dying.len()
    }

    /// How many namespaces live, the root among them.
    pub fn len(&self) -> usize {
        self.namespaces.len()
    }

    /// Never: there is the root.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The subsystems in order, devices last.
    pub fn subsystems(&self) -> impl Iterator<Item = &'static str> {
        self.registry.names()
    }

    fn link(&mut self, namespace: Namespace) {
        let handle = namespace.handle();
        self.by_path.insert(namespace.path().clone(), handle);
        self.hold(namespace.parent);
        self.namespaces.put(handle, namespace);
    }
}

/// All namespaces, parents before children: the order in which they would have been made.
fn in_tree_order(namespaces: &mut Arena<Namespace>) -> Vec<&mut Namespace> {
    let mut all: Vec<&mut Namespace> = namespaces.iter_mut().collect();
    all.sort_by(|a, b| a.path().cmp(b.path()));
    all
}

#[cfg(test)]
mod tests;
