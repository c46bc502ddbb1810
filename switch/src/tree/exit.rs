// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The end of namespaces: those that are taken out of the tree, until nobody reads them.

use super::Namespace;
use crate::arena::Handle;
use crate::subsystem::Registry;
use std::collections::BTreeSet;

/// A namespace that is destroyed and not freed yet.
pub struct Zombie<'a> {
    /// What is left of it.
    pub namespace: &'a Namespace,
    /// What it waits for, in words; empty: for nothing, and it goes with the next batch.
    pub waits_for: Vec<String>,
}

/// Namespaces on their way out.
#[derive(Default)]
pub(super) struct Dying {
    /// No pass was made over them yet.
    queued: Vec<Namespace>,
    /// Nothing comes in any more; they wait until nobody reads them.
    draining: Vec<Namespace>,
}

impl Dying {
    pub(super) fn push(&mut self, namespace: Namespace) {
        self.queued.push(namespace);
    }

    pub(super) fn len(&self) -> usize {
        self.queued.len() + self.draining.len()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Namespace> {
        self.queued.iter_mut().chain(&mut self.draining)
    }

    /// One pass over all that are queued, and the rest of the passes over all that nobody reads any more. Children are in
    /// a batch before their parents, and a parent is in none as long as one of its children is not.
    pub(super) fn reap(&mut self, registry: &mut Registry) {
        let mut fresh = std::mem::take(&mut self.queued);
        registry.pre_exit(&mut fresh.iter_mut().collect::<Vec<_>>());
        self.draining.append(&mut fresh);
        self.draining.sort_by_key(|namespace| std::cmp::Reverse(namespace.level()));
        let mut held: BTreeSet<Handle<Namespace>> = BTreeSet::new();
        let mut must_wait = |namespace: &mut Namespace| {
            let waits = held.contains(&namespace.handle()) || !registry.waits_for(namespace).is_empty();
            held.extend(namespace.parent.filter(|_| waits));
            waits
        };
        let mut batch: Vec<Namespace> = self.draining.extract_if(.., |namespace| !must_wait(namespace)).collect();
        registry.exit(&mut batch.iter_mut().collect::<Vec<_>>());
    }

    pub(super) fn zombies(&self, registry: &Registry) -> Vec<Zombie<'_>> {
        let all = || self.queued.iter().chain(&self.draining);
        let zombie = |namespace: &'_ Namespace| {
            let mut waits_for = registry.waits_for(namespace);
            let children = all().filter(|other| other.parent == Some(namespace.handle()));
            waits_for.extend(children.map(|child| format!("namespace {:?} in it", child.path().as_str())));
            waits_for
        };
        all().map(|namespace| Zombie { namespace, waits_for: zombie(namespace) }).collect()
    }
}
