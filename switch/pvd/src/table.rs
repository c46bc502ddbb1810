// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! PvDs by identity: a hash table whose entries are tags and PvDs, four to a line of the cache.
//!
//! To find a PvD is to wait for one line, however many there are, and what is found needs not be looked at: its [`Tag`]
//! tells it from all others. The four of a line are compared at once, without a branch for each, so that the processor
//! foresees the way of nearly every look-up and begins the next while it waits for the line. Entries that find their line
//! full stand in the next; where one goes one of those moves up, so that there are no graves to walk over. Versions
//! share pages of the table ([`Paged`]).

use crate::key::Tag;
use crate::paged::Paged;
use crate::pvd::Pvd;
use std::sync::Arc;

/// Of so many entries so many are used at most. With fewer the lines that are full would be fewer, but a table of twice the
/// size costs more: it is farther from the core, and the processor knows the way to so many pages of memory only.
const FILLED: (usize, usize) = (7, 8);
/// Lines of the smallest table.
const SMALLEST: usize = 8;
/// Entries of a line.
const ENTRIES: usize = 4;
/// Lines of a page: a change copies one, and counts the references to the PvDs in it.
const PAGE: usize = 16;

/// Entries that are looked at together, used ones first. What has no tag has no PvD.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Line {
    tags: [Tag; ENTRIES],
    pvds: [Option<Arc<Pvd>>; ENTRIES],
}

impl Line {
    /// Which entries have this tag, a bit for each.
    #[inline]
    fn matching(&self, tag: Tag) -> u32 {
        self.tags.iter().rev().fold(0, |bits, own| bits << 1 | u32::from(*own == tag))
    }

    #[inline]
    fn is_full(&self) -> bool {
        !self.tags[ENTRIES - 1].is_none()
    }

    /// Puts an entry behind the others, if there is room.
    fn add(&mut self, tag: Tag, pvd: Option<Arc<Pvd>>) {
        if let Some(free) = self.tags.iter().position(|tag| tag.is_none()) {
            (self.tags[free], self.pvds[free]) = (tag, pvd);
        }
    }

    /// Takes an entry out; the others move up.
    fn take(&mut self, at: usize) -> (Tag, Option<Arc<Pvd>>) {
        self.tags[at..].rotate_left(1);
        self.pvds[at..].rotate_left(1);
        (std::mem::take(&mut self.tags[ENTRIES - 1]), self.pvds[ENTRIES - 1].take())
    }
}

/// PvDs by identity.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    lines: Paged<Line, PAGE>,
    /// Lines, less one; there are a power of two.
    mask: usize,
    len: usize,
}

impl Default for Table {
    fn default() -> Table {
        Table { lines: Paged::default(), mask: SMALLEST - 1, len: 0 }
    }
}

impl Table {
    /// How many PvDs there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The first PvD of this tag that `is` it.
    #[inline]
    pub(crate) fn find(&self, tag: Tag, is: impl Fn(&Pvd) -> bool) -> Option<&Arc<Pvd>> {
        let mut at = tag.home();
        loop {
            let line = self.lines.get(at & self.mask)?;
            let mut matching = line.matching(tag);
            while matching != 0 {
                let pvd = line.pvds.get(matching.trailing_zeros() as usize)?.as_ref()?;
                if is(pvd) {
                    return Some(pvd);
                }
                matching &= matching - 1;
            }
            if !line.is_full() {
                return None;
            }
            at += 1;
        }
    }

    /// How many lines [`Table::find`] looks at for the first PvD of this tag, or until it knows that there is none.
    pub(crate) fn lines_to(&self, tag: Tag) -> usize {
        let line = |step: usize| self.lines.get(tag.home().wrapping_add(step) & self.mask);
        let ends = |step: &usize| line(*step).is_none_or(|line| line.matching(tag) != 0 || !line.is_full());
        1 + (0..self.mask).find(ends).unwrap_or(self.mask)
    }

    /// Adds a PvD that is not there.
    pub(crate) fn insert(&mut self, tag: Tag, pvd: Arc<Pvd>) {
        self.len += 1;
        if self.len * FILLED.1 > (self.mask + 1) * ENTRIES * FILLED.0 {
            self.grow();
        }
        self.put(tag, Some(pvd));
    }

    fn put(&mut self, tag: Tag, pvd: Option<Arc<Pvd>>) {
        let mut at = tag.home();
        while self.lines.get(at & self.mask).is_some_and(Line::is_full) {
            at += 1;
        }
        self.lines.get_mut(at & self.mask).add(tag, pvd);
    }

    /// Removes a PvD, if it is there.
    pub(crate) fn remove(&mut self, tag: Tag, pvd: &Pvd) {
        let is = |other: &Option<Arc<Pvd>>| other.as_ref().is_some_and(|other| other.handle() == pvd.handle());
        let mut at = tag.home() & self.mask;
        loop {
            let Some(line) = self.lines.get(at) else { return };
            let found = (0..ENTRIES).find(|entry| line.tags[*entry] == tag && is(&line.pvds[*entry]));
            let was_full = line.is_full();
            if let Some(found) = found {
                self.len -= 1;
                self.lines.get_mut(at).take(found);
            }
            match (found, was_full) {
                (Some(_), true) => return self.close_up(at),
                (_, false) => return,
                (None, true) => at = (at + 1) & self.mask,
            }
        }
    }

    /// Fills a line that was full with the next entry of the lines behind it that may stand there, and so on.
    fn close_up(&mut self, mut free: usize) {
        let mut at = free;
        loop {
            at = (at + 1) & self.mask;
            let Some(line) = self.lines.get(at) else { return };
            let was_full = line.is_full();
            // How far it stands from where it would stand if there were room, and how far it is to the free entry.
            let from_free = at.wrapping_sub(free) & self.mask;
            let may_move = |tag: &Tag| !tag.is_none() && at.wrapping_sub(tag.home()) & self.mask >= from_free;
            if let Some(moving) = line.tags.iter().position(may_move) {
                let (tag, pvd) = self.lines.get_mut(at).take(moving);
                self.lines.get_mut(free).add(tag, pvd);
                free = at;
            }
            if !was_full {
                return;
            }
        }
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.lines);
        self.mask = self.mask * 2 + 1;
        let entries = old.from(0).flat_map(|line| line.tags.iter().zip(&line.pvds));
        entries.filter(|(tag, _)| !tag.is_none()).for_each(|(tag, pvd)| self.put(*tag, pvd.clone()));
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::handle::PvdHandle;
    use crate::id::PvdId;
    use crate::key::Hasher;
    use crate::pvd::Attributes;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    fn pvd(number: u32) -> Arc<Pvd> {
        let id = PvdId::Explicit(format!("n{number}").parse().unwrap());
        Arc::new(Pvd::new(PvdHandle::new(number, 0), id, Attributes::default(), Duration::ZERO))
    }

    fn number(pvd: &Arc<Pvd>) -> u32 {
        pvd.handle().index()
    }

    #[test]
    fn test_a_line_is_one_of_the_cache() {
        assert_eq!((size_of::<Line>(), align_of::<Line>()), (64, 64));
    }

    proptest! {
        /// Against a set, with so few tags that most lines are full, also the last, behind which is the first, and that some
        /// have the same.
        #[test]
        fn test_what_comes_and_goes_is_found_as_in_a_set(steps in prop::collection::vec(0..60_u32, 0..300), tags in 1..70_u32) {
            let all: Vec<_> = (0..60).map(pvd).collect();
            // Beyond 0 are numbers that stand at the end of any table.
            let tag = |number: u32| Tag::chosen((number % tags).wrapping_sub(9));
            let (mut table, mut set) = (Table::default(), BTreeSet::new());
            for step in steps {
                let one = &all[step as usize];
                if set.remove(&step) {
                    table.remove(tag(step), one);
                } else {
                    table.insert(tag(step), Arc::clone(one));
                    set.insert(step);
                }
                prop_assert_eq!(table.len(), set.len());
                for one in 0..60 {
                    let found = table.find(tag(one), |pvd| pvd.handle().index() == one).map(number);
                    prop_assert_eq!(found, set.get(&one).copied());
                }
            }
        }
    }

    #[test]
    fn test_a_version_keeps_what_the_next_removes() {
        let tag = |number: u32| Tag::chosen(number.wrapping_mul(0x9e37_79b9));
        let all: Vec<_> = (0..100).map(pvd).collect();
        let mut old = Table::default();
        all.iter().for_each(|pvd| old.insert(tag(number(pvd)), Arc::clone(pvd)));
        let mut new = old.clone();
        all.iter().for_each(|pvd| new.remove(tag(number(pvd)), pvd));
        assert!((0..100).all(|one| old.find(tag(one), |_| true).map(number) == Some(one)));
        assert!((0..100).all(|one| new.find(tag(one), |_| true).is_none()) && new.len() == 0);
    }

    /// Among many as among few, also where the table is as full as it gets before it grows (28 in 8 lines, and so on).
    #[test]
    fn test_few_lines_are_looked_at_however_many_there_are() {
        let (hasher, one) = (Hasher::new(7), pvd(0));
        let mut table = Table::default();
        let tags: Vec<Tag> =
            (0..114_688).map(|i| Tag::of_name(&format!("pvd-{i}.tenant.example").parse().unwrap(), &hasher)).collect();
        for size in [10, 28, 100, 112, 1000, 1792, 10_000, 14_336, 100_000, 114_688] {
            tags[table.len()..size].iter().for_each(|tag| table.insert(*tag, Arc::clone(&one)));
            let mut lines: Vec<usize> = tags[..size].iter().map(|tag| table.lines_to(*tag)).collect();
            lines.sort_unstable();
            let mean = lines.iter().sum::<usize>() as f64 / size as f64;
            assert!(mean < 2.2 && lines[size * 99 / 100] <= 32, "{mean} of {size}, {:?}", lines.last());
        }
    }
}
