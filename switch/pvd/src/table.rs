// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! PvDs by identity: a hash table whose entries hold what they are compared by.
//!
//! An entry is one line of the cache: a part of the hash, the name, and the PvD. So to find a PvD is to wait for one line,
//! however many there are, and what is found needs not be looked at. Entries that meet stand behind each other, where the
//! processor fetches the next line by itself; one that goes lets those behind it move up, so that there are no graves
//! to walk over. Versions share pages of the table ([`Paged`]).

use crate::id::PvdIdRef;
use crate::key::{Hasher, Key};
use crate::paged::Paged;
use crate::pvd::Pvd;
use std::sync::Arc;

/// Of so many places so many are used at most. With fewer the lines of those that meet would be fewer, but they are next to
/// each other, and a table of twice the size costs more: the processor knows the way to so many pages of memory only.
const FILLED: (usize, usize) = (7, 8);
/// Places of the smallest table.
const SMALLEST: usize = 16;

/// One place.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Entry {
    pvd: Option<Arc<Pvd>>,
    /// Its hash says where it would stand if it stood alone, and more.
    key: Key,
}

/// PvDs by identity.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    entries: Paged<Entry>,
    /// Places, less one; there are a power of two.
    mask: usize,
    len: usize,
    hasher: Hasher,
}

impl Table {
    /// An empty one. `seed` is random, so that nobody can foresee which identities meet.
    pub(crate) fn new(seed: u64) -> Table {
        Table { entries: Paged::default(), mask: SMALLEST - 1, len: 0, hasher: Hasher::new(seed) }
    }

    /// How many PvDs there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The PvD of this identity.
    pub(crate) fn find(&self, id: PvdIdRef<'_>) -> Option<&Arc<Pvd>> {
        let key = Key::of(id, self.hasher);
        let mut at = key.hash() as usize;
        loop {
            let entry = self.entries.get(at & self.mask)?;
            let pvd = entry.pvd.as_ref()?;
            if entry.key.hash() == key.hash() && entry.key.is(&key, id, pvd.id()) {
                return Some(pvd);
            }
            at += 1;
        }
    }

    /// Adds a PvD that is not there.
    pub(crate) fn insert(&mut self, pvd: &Arc<Pvd>) {
        self.len += 1;
        if self.len * FILLED.1 > (self.mask + 1) * FILLED.0 {
            self.grow();
        }
        self.put(Entry { pvd: Some(Arc::clone(pvd)), key: Key::of(pvd.id().borrowed(), self.hasher) });
    }

    fn put(&mut self, entry: Entry) {
        let mut at = entry.key.hash() as usize;
        while self.entries.get(at & self.mask).is_some_and(|taken| taken.pvd.is_some()) {
            at += 1;
        }
        *self.entries.get_mut(at & self.mask) = entry;
    }

    /// Removes a PvD, if it is there.
    pub(crate) fn remove(&mut self, pvd: &Pvd) {
        let mut at = Key::of(pvd.id().borrowed(), self.hasher).hash() as usize & self.mask;
        loop {
            match self.entries.get(at).and_then(|entry| entry.pvd.as_ref()) {
                None => return,
                Some(other) if other.handle() == pvd.handle() => break,
                Some(_) => at = (at + 1) & self.mask,
            }
        }
        self.len -= 1;
        self.close_up(at);
    }

    /// Fills a place that has become free with the next of those behind it that may stand there, and so on.
    fn close_up(&mut self, mut free: usize) {
        let mut at = free;
        loop {
            at = (at + 1) & self.mask;
            let Some(entry) = self.entries.get(at).filter(|entry| entry.pvd.is_some()) else { break };
            // How far it stands from where it would stand alone, and how far it is to the free place.
            let (from_home, from_free) = (at.wrapping_sub(entry.key.hash() as usize), at.wrapping_sub(free));
            if from_home & self.mask >= from_free & self.mask {
                *self.entries.get_mut(free) = entry.clone();
                free = at;
            }
        }
        *self.entries.get_mut(free) = Entry::default();
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.entries);
        self.mask = self.mask * 2 + 1;
        old.from(0).filter(|entry| entry.pvd.is_some()).for_each(|entry| self.put(entry.clone()));
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::handle::PvdHandle;
    use crate::id::PvdId;
    use crate::pvd::Attributes;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn pvd(number: u32) -> Arc<Pvd> {
        // Some names are longer than an entry holds, and differ only behind that.
        let tail = if number.is_multiple_of(3) { ".x".repeat(40) } else { String::new() };
        let id = match number % 5 {
            0 => PvdId::implicit(number, "fe80::1".parse().unwrap()).unwrap(),
            _ => PvdId::Explicit(format!("pvd{tail}.n{number}").parse().unwrap()),
        };
        Arc::new(Pvd::new(PvdHandle::new(number, 0), id, Attributes::default(), Duration::ZERO))
    }

    #[test]
    fn test_an_entry_is_one_line_of_the_cache() {
        assert_eq!((size_of::<Entry>(), align_of::<Entry>()), (64, 64));
    }

    proptest! {
        /// Against a map, with a hash of so few values that most entries meet.
        #[test]
        fn test_what_comes_and_goes_is_found_as_in_a_map(steps in prop::collection::vec(0..60_u32, 0..300), seed in 0..4_u64) {
            let all: Vec<_> = (0..60).map(pvd).collect();
            let (mut table, mut map) = (Table::new(seed), BTreeMap::new());
            for step in steps {
                let one = &all[step as usize];
                match map.remove(&step) {
                    Some(()) => table.remove(one),
                    None => {
                        table.insert(one);
                        map.insert(step, ());
                    }
                }
                prop_assert_eq!(table.len(), map.len());
                for one in &all {
                    let found = table.find(one.id().borrowed()).map(|pvd| pvd.handle());
                    let expected = map.contains_key(&one.handle().index()).then(|| one.handle());
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }

    #[test]
    fn test_a_version_keeps_what_the_next_removes() {
        let all: Vec<_> = (0..100).map(pvd).collect();
        let mut old = Table::new(7);
        all.iter().for_each(|pvd| old.insert(pvd));
        let mut new = old.clone();
        all.iter().for_each(|pvd| new.remove(pvd));
        assert!(all.iter().all(|pvd| old.find(pvd.id().borrowed()).is_some()));
        assert!(all.iter().all(|pvd| new.find(pvd.id().borrowed()).is_none()) && new.len() == 0);
    }
}
