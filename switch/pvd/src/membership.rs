// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The membership as its one writer works on it, as readers see it, and what has left it and is still read.

use crate::members::Members;
use crate::pvd::Pvd;
use arc_swap::{ArcSwap, Guard};
use std::sync::{Arc, Weak};

/// Reads the PvDs of one namespace, from any thread and without a lock.
#[derive(Clone, Debug)]
pub struct Reader(Arc<ArcSwap<Members>>);

impl Reader {
    /// The PvDs that there are now. What one holds does not change; it keeps PvDs that are gone from being freed.
    pub fn members(&self) -> Guard<Arc<Members>> {
        self.0.load()
    }
}

/// The writer's side. What it changes is seen by readers when it is published, all at once.
#[derive(Debug)]
pub(crate) struct Membership {
    published: Arc<ArcSwap<Members>>,
    next: Members,
    /// Gone, and perhaps still held by a reader.
    zombies: Vec<Weak<Pvd>>,
    /// Zombies when they were last counted: they are counted anew when there are twice as many.
    counted: usize,
}

impl Membership {
    pub(crate) fn new(seed: u64) -> Membership {
        let next = Members::new(seed);
        let published = Arc::new(ArcSwap::from_pointee(next.clone()));
        Membership { published, next, zombies: Vec::new(), counted: 0 }
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader(Arc::clone(&self.published))
    }

    /// The membership with everything that is still to be published.
    pub(crate) fn members(&self) -> &Members {
        &self.next
    }

    pub(crate) fn insert(&mut self, pvd: &Arc<Pvd>) {
        self.next.insert(pvd);
    }

    pub(crate) fn remove(&mut self, pvd: &Arc<Pvd>) {
        self.next.remove(pvd);
        self.zombies.push(Arc::downgrade(pvd));
    }

    /// Lets readers see what has changed, if anything has.
    pub(crate) fn publish(&mut self) {
        if self.published.load().base_seq() != self.next.base_seq() {
            self.published.store(Arc::new(self.next.clone()));
        }
        if self.zombies.len() > 2 * self.counted + 16 {
            self.count_zombies();
        }
    }

    /// How many are gone and still held.
    pub(crate) fn held(&self) -> usize {
        self.zombies.iter().filter(|zombie| zombie.strong_count() > 0).count()
    }

    /// The same, and no more is kept of the others.
    pub(crate) fn count_zombies(&mut self) -> usize {
        self.zombies.retain(|zombie| zombie.strong_count() > 0);
        self.counted = self.zombies.len();
        self.counted
    }

    /// At most this many are gone and still held.
    pub(crate) fn zombies_bound(&self) -> usize {
        self.zombies.len()
    }
}
