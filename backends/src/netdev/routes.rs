// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which netdevs the host itself speaks over, from its routes.
//!
//! An address is a route too, to the host itself, so routes tell all. Of each netdev a few are known by name, so that it
//! is also known when the last one goes; one with more is routed until the routes are listed anew: nobody has to
//! hold the table of a backbone router to know that a netdev is in use.

use std::collections::{BTreeMap, BTreeSet};

/// Routes that are known by name, for each netdev.
pub(crate) const ROUTES_PER_NETDEV: usize = 64;

/// What one route has and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) family: Family,
    pub(crate) table: u32,
    /// IPv4 addresses in the first four octets.
    pub(crate) destination: [u8; 16],
    pub(crate) prefix: u8,
    pub(crate) tos: u8,
    pub(crate) metric: u32,
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Key {
    /// True of what IPv6 gives every netdev that is up: ways to its own link (fe80::/10) and to groups (ff00::/8).
    fn is_everyones(&self) -> bool {
        let [first, second, ..] = self.destination;
        self.family == Family::V6 && self.prefix >= 8 && (first == 0xff || (first == 0xfe && second & 0xc0 == 0x80))
    }
}

/// The routes of one netdev.
#[derive(Clone, Debug, Default)]
struct Known {
    few: BTreeSet<Key>,
    /// There were more.
    many: bool,
}

/// The routes of all netdevs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes(BTreeMap<u32, Known>);

impl Routes {
    /// A route leads over these netdevs; `replaces`: and over no others any more.
    pub(crate) fn add(&mut self, key: Key, over: &[u32], replaces: bool) {
        if key.is_everyones() {
            return;
        }
        if replaces {
            let others: Vec<u32> = self.0.keys().copied().filter(|index| !over.contains(index)).collect();
            self.remove(&key, &others);
        }
        for index in over {
            let known = self.0.entry(*index).or_default();
            if known.few.len() < ROUTES_PER_NETDEV {
                known.few.insert(key);
            } else if !known.few.contains(&key) {
                known.many = true;
            }
        }
    }

    /// A route does not lead over these netdevs any more.
    pub(crate) fn remove(&mut self, key: &Key, over: &[u32]) {
        for index in over {
            if let Some(known) = self.0.get_mut(index) {
                known.few.remove(key);
                if known.few.is_empty() && !known.many {
                    self.0.remove(index);
                }
            }
        }
    }

    /// A netdev is gone, and all its routes with it.
    pub(crate) fn forget(&mut self, index: u32) {
        self.0.remove(&index);
    }

    /// True when a route leads over this netdev.
    pub(crate) fn lead_over(&self, index: u32) -> bool {
        self.0.contains_key(&index)
    }

    /// The netdevs that routes lead over.
    pub(crate) fn netdevs(&self) -> impl Iterator<Item = u32> {
        self.0.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(octet: u8) -> Key {
        let destination = [10, octet, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Key { family: Family::V4, table: 254, destination, prefix: 16, tos: 0, metric: 0 }
    }

    fn to_v6(first: u8, second: u8, prefix: u8) -> Key {
        let destination = [first, second, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Key { family: Family::V6, table: 254, destination, prefix, tos: 0, metric: 256 }
    }

    #[test]
    fn the_last_route_makes_the_difference() {
        let mut routes = Routes::default();
        routes.add(to(1), &[7], false);
        routes.add(to(2), &[7, 8], false);
        routes.remove(&to(1), &[7]);
        assert!(routes.lead_over(7) && routes.lead_over(8) && !routes.lead_over(9));
        routes.remove(&to(2), &[7, 8]);
        assert_eq!(routes.netdevs().count(), 0);
    }

    #[test]
    fn a_route_that_is_replaced_leaves_its_netdev() {
        let mut routes = Routes::default();
        routes.add(to(1), &[7], false);
        routes.add(to(1), &[8], true);
        assert_eq!(routes.netdevs().collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn what_ipv6_gives_every_netdev_does_not_count() {
        let mut routes = Routes::default();
        for key in [to_v6(0xfe, 0x80, 64), to_v6(0xfe, 0x80, 128), to_v6(0xff, 0, 8), to_v6(0xff, 2, 128)] {
            routes.add(key, &[7], false);
        }
        assert!(!routes.lead_over(7));
        for key in [to_v6(0, 0, 0), to_v6(0x20, 1, 64), to_v6(0xfd, 0, 128)] {
            routes.add(key, &[7], false);
            assert!(routes.lead_over(7));
            routes.remove(&key, &[7]);
        }
    }

    #[test]
    fn a_netdev_with_more_routes_than_are_kept_stays_routed() {
        let mut routes = Routes::default();
        (0..=ROUTES_PER_NETDEV as u8).for_each(|octet| routes.add(to(octet), &[7], false));
        (0..=ROUTES_PER_NETDEV as u8).for_each(|octet| routes.remove(&to(octet), &[7]));
        assert!(routes.lead_over(7), "nobody knows whether another is left");
        routes.forget(7);
        assert!(!routes.lead_over(7));
    }
}
