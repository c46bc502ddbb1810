// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A moment for each of many things, and the earliest of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When each thing that has something to do is to do it. Every operation costs the logarithm of their number.
#[derive(Debug)]
pub(crate) struct Alarms<K> {
    at: BTreeMap<K, Duration>,
    order: BTreeSet<(Duration, K)>,
}

impl<K> Default for Alarms<K> {
    fn default() -> Alarms<K> {
        Alarms { at: BTreeMap::new(), order: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Alarms<K> {
    /// Sets the moment of a thing, or takes it away.
    pub(crate) fn set(&mut self, thing: K, at: Option<Duration>) {
        self.clear(thing);
        if let Some(at) = at {
            self.at.insert(thing, at);
            self.order.insert((at, thing));
        }
    }

    /// A thing has nothing to do.
    pub(crate) fn clear(&mut self, thing: K) {
        if let Some(at) = self.at.remove(&thing) {
            self.order.remove(&(at, thing));
        }
    }

    /// The earliest moment.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The thing whose moment came first of those that have come.
    pub(crate) fn due(&self, now: Duration) -> Option<K> {
        self.order.first().filter(|(at, _)| *at <= now).map(|(_, thing)| *thing)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn test_the_earliest_is_first_and_only_the_last_moment_of_a_thing_counts() {
        let mut alarms = Alarms::default();
        assert_eq!((alarms.next(), alarms.due(s(9))), (None, None));
        for (thing, at) in [('a', 5), ('b', 3), ('c', 4), ('b', 7)] {
            alarms.set(thing, Some(s(at)));
        }
        assert_eq!((alarms.next(), alarms.due(s(3))), (Some(s(4)), None));
        let mut order = Vec::new();
        while let Some(thing) = alarms.due(s(6)) {
            order.push(thing);
            alarms.set(thing, None);
        }
        assert_eq!((order, alarms.next()), (vec!['c', 'a'], Some(s(7))));
        alarms.clear('b');
        assert_eq!(alarms.next(), None);
    }
}
