// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The membership as its one writer works on it, as readers see it, and what has left it and is still read.

use crate::members::Members;
use crate::pvd::Pvd;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Reads the PvDs of one namespace, from any thread and without a lock. Each thread has one of its own.
///
/// It remembers what it saw last, so that to look again where nothing has changed is one comparison, which the processor
/// need not wait for. Until it looks again, or is dropped, it keeps PvDs that are gone from being freed.
#[derive(Clone, Debug)]
pub struct Reader {
    published: Arc<Published>,
    seen: Arc<Members>,
}

impl Reader {
    /// The PvDs that there are now. They do not change for as long as one looks at them.
    #[inline]
    pub fn members(&mut self) -> &Arc<Members> {
        if self.seen.base_seq() != self.published.base_seq.load(Ordering::Acquire) {
            self.look_again();
        }
        &self.seen
    }

    #[cold]
    fn look_again(&mut self) {
        self.seen = self.published.members.load_full();
    }
}

/// What readers see.
#[derive(Debug)]
struct Published {
    /// That of the members, told when these have been put there.
    base_seq: AtomicU64,
    members: ArcSwap<Members>,
}

impl Published {
    /// Answers those who were there before.
    fn replace(&self, members: Members) -> Arc<Members> {
        let base_seq = members.base_seq();
        let before = self.members.swap(Arc::new(members));
        self.base_seq.store(base_seq, Ordering::Release);
        before
    }
}

/// The writer's side. What it changes is seen by readers when it is published, all at once.
#[derive(Debug)]
pub(crate) struct Membership {
    published: Arc<Published>,
    next: Members,
    /// Versions that were published before and that readers look at: freed here when they have looked at a later one. To free one
    /// is to count down references by the hundred, all of which were last counted here: for a reader, each of them a wait.
    retired: Vec<Arc<Members>>,
    /// Gone, and perhaps still held by a reader.
    zombies: Vec<Weak<Pvd>>,
    /// Zombies when they were last counted: they are counted anew when there are twice as many.
    counted: usize,
}

impl Membership {
    pub(crate) fn new(seed: u64) -> Membership {
        let next = Members::new(seed);
        let members = ArcSwap::from_pointee(next.clone());
        let published = Published { base_seq: next.base_seq().into(), members };
        Membership { published: Arc::new(published), next, retired: Vec::new(), zombies: Vec::new(), counted: 0 }
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader { published: Arc::clone(&self.published), seen: self.published.members.load_full() }
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
        if self.published.base_seq.load(Ordering::Relaxed) != self.next.base_seq() {
            self.retired.push(self.published.replace(self.next.clone()));
            self.free_retired();
        }
        if self.zombies.len() > 2 * self.counted + 16 {
            self.count_zombies();
        }
    }

    /// Frees versions at which nobody looks any more.
    fn free_retired(&mut self) {
        // Who has no PvDs may never publish again, and leaves it to its readers.
        let is_kept = |version: &Arc<Members>| Arc::strong_count(version) > 1 && !self.next.is_empty();
        self.retired.retain(is_kept);
    }

    /// How many are gone and still held, be it by a version that its last reader has left since it was published.
    pub(crate) fn held(&self) -> usize {
        self.zombies.iter().filter(|zombie| zombie.strong_count() > 0).count()
    }

    /// The same, and no more is kept of the others.
    pub(crate) fn count_zombies(&mut self) -> usize {
        self.free_retired();
        self.zombies.retain(|zombie| zombie.strong_count() > 0);
        self.counted = self.zombies.len();
        self.counted
    }

    /// At most this many are gone and still held.
    pub(crate) fn zombies_bound(&self) -> usize {
        self.zombies.len()
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::handle::PvdHandle;
    use crate::id::PvdId;
    use crate::pvd::Attributes;
    use std::time::Duration;

    fn pvd(number: u32) -> Arc<Pvd> {
        let id = PvdId::Explicit(format!("n{number}").parse().unwrap());
        Arc::new(Pvd::new(PvdHandle::new(number, 0), id, Attributes::default(), Duration::ZERO))
    }

    #[test]
    fn test_a_version_that_its_last_reader_has_left_holds_nothing_once_that_matters() {
        let (mut membership, gone) = (Membership::new(1), pvd(1));
        [&gone, &pvd(2)].into_iter().for_each(|pvd| membership.insert(pvd));
        membership.publish();
        let mut reader = membership.reader();
        membership.remove(&gone);
        drop(gone);
        membership.publish();
        assert_eq!(membership.count_zombies(), 1, "the reader has not looked again");
        assert_eq!(reader.members().len(), 1);
        assert_eq!((membership.held(), membership.count_zombies(), membership.held()), (1, 0, 0));
    }
}
