// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! When to look at something again: at most one time for each index, the soonest first.
//!
//! A binary heap that knows where each index stands in it, so that a time can be moved without leaving the old one
//! behind: there are never more entries than indices, however often lifetimes are refreshed.

use std::time::Duration;

/// No place in the heap.
const NONE: u32 = u32::MAX;

/// The times. Indices are small numbers.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: Vec<(Duration, u32)>,
    /// By index, its position in the heap.
    positions: Vec<u32>,
}

impl Timers {
    /// Looks at an index no later than `at`. Moving a time back is left to whoever looks: most things are refreshed
    /// many times before they could expire.
    pub(crate) fn no_later_than(&mut self, index: u32, at: Duration) {
        match self.position(index) {
            Some(position) if self.heap[position].0 <= at => {}
            Some(position) => {
                self.heap[position].0 = at;
                self.up(position);
            }
            None => {
                self.heap.push((at, index));
                self.place(self.heap.len() - 1);
                self.up(self.heap.len() - 1);
            }
        }
    }

    /// Looks at it no more.
    pub(crate) fn cancel(&mut self, index: u32) {
        let Some(position) = self.position(index) else {
            return;
        };
        self.heap.swap_remove(position);
        self.positions[index as usize] = NONE;
        if position < self.heap.len() {
            self.place(position);
            self.up(position);
            self.down(position);
        }
    }

    /// The soonest time of all.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.heap.first().map(|(at, _)| *at)
    }

    /// An index whose time has come; it has none afterwards.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<u32> {
        let (_, index) = *self.heap.first().filter(|(at, _)| *at <= now)?;
        self.cancel(index);
        Some(index)
    }

    fn position(&self, index: u32) -> Option<usize> {
        self.positions.get(index as usize).filter(|position| **position != NONE).map(|position| *position as usize)
    }

    fn place(&mut self, position: usize) {
        let index = self.heap[position].1 as usize;
        if self.positions.len() <= index {
            self.positions.resize(index + 1, NONE);
        }
        self.positions[index] = position as u32;
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.place(a);
        self.place(b);
    }

    fn up(&mut self, mut position: usize) {
        while position > 0 && self.heap[position] < self.heap[(position - 1) / 2] {
            self.swap(position, (position - 1) / 2);
            position = (position - 1) / 2;
        }
    }

    fn down(&mut self, mut position: usize) {
        loop {
            let children = [2 * position + 1, 2 * position + 2].into_iter().filter(|child| *child < self.heap.len());
            match children.min_by_key(|child| self.heap[*child]) {
                Some(child) if self.heap[child] < self.heap[position] => {
                    self.swap(position, child);
                    position = child;
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn test_it_is_a_map_from_index_to_its_soonest_time(
            steps in prop::collection::vec((0..24_u32, 0..50_u64, 0..4_u8), 0..200)
        ) {
            let (mut timers, mut model) = (Timers::default(), BTreeMap::new());
            for (index, time, what) in steps {
                let at = Duration::from_secs(time);
                match what {
                    0 => {
                        timers.cancel(index);
                        model.remove(&index);
                    }
                    1 => {
                        let mut due = std::iter::from_fn(|| timers.pop(at)).collect::<Vec<_>>();
                        due.sort_unstable();
                        let expected = model.iter().filter(|(_, soonest)| **soonest <= at).map(|(index, _)| *index);
                        prop_assert_eq!(due, expected.collect::<Vec<_>>());
                        model.retain(|_, soonest| *soonest > at);
                    }
                    _ => {
                        timers.no_later_than(index, at);
                        let soonest = model.entry(index).or_insert(at);
                        *soonest = at.min(*soonest);
                    }
                }
                prop_assert_eq!(timers.next(), model.values().min().copied());
                prop_assert_eq!(timers.heap.len(), model.len());
            }
        }
    }
}
