// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One namespace: where it stands in the tree, and its instances of all subsystems.

use crate::arena::Handle;
use crate::ident::Ident;
use crate::path::NamespacePath;
use crate::spec::NamespaceSpec;
use crate::subsystem::{Key, Slots};

/// A namespace. It is alive while it is in the tree, and afterwards until nobody reads what belongs to it.
pub struct Namespace {
    handle: Handle<Namespace>,
    path: NamespacePath,
    level: usize,
    pub(super) spec: NamespaceSpec,
    /// Where it lies; the root lies nowhere.
    pub(super) parent: Option<Handle<Namespace>>,
    /// Its numbers in the namespaces that it lies in, from its parent to the root; the root has none.
    pub(super) ident: Option<Ident<Namespace>>,
    /// Active references: what keeps it from being deleted. Its ports and children, one each.
    pub(super) active: usize,
    pub(crate) slots: Slots,
}

impl Namespace {
    pub(super) fn new(
        handle: Handle<Namespace>,
        path: NamespacePath,
        spec: NamespaceSpec,
        parent: Option<Handle<Namespace>>,
    ) -> Namespace {
        let level = path.depth();
        Namespace { handle, path, level, spec, parent, ident: None, active: 0, slots: Slots::default() }
    }

    /// Its handle.
    pub fn handle(&self) -> Handle<Namespace> {
        self.handle
    }

    /// Its path from the root.
    pub fn path(&self) -> &NamespacePath {
        &self.path
    }

    /// How far it is below the root.
    pub fn level(&self) -> usize {
        self.level
    }

    /// What was asked for.
    pub fn spec(&self) -> &NamespaceSpec {
        &self.spec
    }

    /// Its ports and children: while it has any it cannot be deleted.
    pub fn active(&self) -> usize {
        self.active
    }

    /// The number that another namespace sees it under; 0: it does not see it. Nobody has a number to himself.
    pub fn nr_in(&self, observer: &Namespace) -> u32 {
        self.ident.as_ref().map_or(0, |ident| ident.nr_in(observer))
    }

    /// Its numbers, its parent's first, as they can be asked for again.
    pub fn numbers(&self) -> Vec<u32> {
        self.ident.as_ref().map(Ident::to_restore).unwrap_or_default()
    }

    /// Its instance of a subsystem; `None` only when that was unregistered.
    pub fn get<T: 'static>(&self, key: Key<T>) -> Option<&T> {
        self.slots.get(key)
    }

    /// Its instance of a subsystem; `None` only when that was unregistered.
    pub fn get_mut<T: 'static>(&mut self, key: Key<T>) -> Option<&mut T> {
        self.slots.get_mut(key)
    }

    /// Two of its instances at once.
    pub(crate) fn get_two_mut<A: 'static, B: 'static>(&mut self, a: Key<A>, b: Key<B>) -> Option<(&mut A, &mut B)> {
        self.slots.get_two_mut(a, b)
    }
}
