// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a switch can only tell when no ring of it runs any more, for a process that takes its place: what was counted, and what was
//! learnt since it told [`Learnt`].
//!
//! All of it may come when the rings run there already. Counts are added to those that began meanwhile, an address that was seen
//! there since stays where it was seen, and what routers say is heard by control alone, which takes this in first.

use super::Learnt;
use super::counted::{HomeCounted, PortCounted};
use crate::control::Control;
use crate::path::NamespacePath;
use crate::plant::Plant;
use crate::ra_learning::RoutersFound;
use crate::reference::PortPath;
use crate::tree::Namespace;
use dataplane::{Instant, PortStats};
use pvd::Replayed;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wire::nd::RouterAdvert;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// What was not told before.
    pub learnt: Learnt,
    /// What each port has counted.
    pub ports: BTreeMap<PortPath, PortStats>,
    /// What else ports have counted.
    pub beside: BTreeMap<PortPath, PortCounted>,
    /// What namespaces have counted of what they learn.
    pub homes: BTreeMap<NamespacePath, HomeCounted>,
    /// What ports of each namespace have counted that are gone.
    pub namespaces: BTreeMap<NamespacePath, PortStats>,
    /// The last event of each namespace's PvDs, and what is said of them then ([`pvd::Registry::digest`]).
    pub events: BTreeMap<NamespacePath, (u64, u64)>,
    /// Of ports whose RA guard is learning, for how long it still has to, and what it has noted.
    pub learning: BTreeMap<PortPath, (Duration, RoutersFound)>,
    /// What guests that have not come yet are to be told that holds no more.
    pub withdrawing: BTreeMap<PortPath, Vec<Replayed>>,
}

impl Learnt {
    /// What was not in an earlier account: addresses by where they are, advertisements by namespace. Those of guests are told here
    /// alone.
    fn since(mut self, told: &Learnt) -> Learnt {
        self.ras.retain(|home, _| !told.ras.contains_key(home));
        for (port, macs) in &mut self.macs {
            let before = told.macs.get(port).into_iter().flatten();
            let before: BTreeSet<_> = before.map(|(mac, _)| *mac).collect();
            macs.retain(|(mac, _)| !before.contains(mac));
        }
        self.macs.retain(|_, macs| !macs.is_empty());
        self
    }
}

impl Control {
    /// All that was not in `told`. No ring and no lane runs any more, and none will: frames that wait are dropped, so that they are
    /// among what is counted.
    pub fn rest(&mut self, told: &Learnt, now: Instant) -> Rest {
        self.plant.ports().for_each(|(_, record)| record.device.drop_held());
        let learning = self.plant.ports().filter_map(|(path, record)| {
            let (left, found) = record.learning.under_way(now.since_origin())?;
            Some((path.clone(), (left, found.clone())))
        });
        Rest {
            learnt: self.learnt(now).since(told),
            ports: counted(self.plant.ports().map(|(path, record)| (path, record.device.stats()))),
            beside: self.plant.ports_counted(),
            homes: self.plant.homes_counted(),
            namespaces: counted(self.plant.departed()),
            events: self.plant.events_told(now.since_origin()),
            learning: learning.collect(),
            withdrawing: self.awaited.withdrawing.clone(),
        }
    }

    /// Takes over the rest of what another process has left `way` ago, as far as its ports and namespaces are here.
    pub fn take_rest(&mut self, rest: Rest, way: Duration, now: Instant) {
        self.succeed(&rest.learnt, way, now);
        rest.ports.iter().for_each(|(path, stats)| self.plant.count(path, stats));
        rest.namespaces.iter().for_each(|(home, stats)| self.plant.count_departed(home, *stats));
        rest.beside.iter().for_each(|(path, counted)| self.plant.count_of_port(path, counted));
        rest.homes.iter().for_each(|(home, counted)| self.plant.count_of_home(home, counted));
        for (home, told) in rest.events {
            self.plant.go_on_from(&home, told, now.since_origin());
        }
        for (path, (left, found)) in rest.learning {
            if let Some(record) = self.plant.port_mut(&path) {
                record.learning.go_on(left, found);
            }
        }
        let is_one = |one: &Replayed| one.router.is_unicast_link_local() && RouterAdvert::parse(&one.octets).is_ok();
        for (path, mut withdrawn) in rest.withdrawing {
            let awaited = self.moves.get(&path).is_some_and(|passage| passage.away);
            withdrawn.retain(is_one);
            if awaited {
                self.awaited.withdrawing.insert(path, withdrawn);
            }
        }
    }
}

/// Those that have counted anything.
fn counted<'a, T: Ord + Clone + 'a>(all: impl Iterator<Item = (&'a T, PortStats)>) -> BTreeMap<T, PortStats> {
    let any = all.filter(|(_, stats)| *stats != PortStats::default());
    any.map(|(of, stats)| (of.clone(), stats)).collect()
}

impl Plant {
    /// Of each namespace, what ports have counted that are gone.
    fn departed(&self) -> impl Iterator<Item = (&NamespacePath, PortStats)> {
        let all = self.tree.subtree(&NamespacePath::root());
        all.filter_map(|namespace| Some((namespace.path(), namespace.get(self.sets)?.unplugged())))
    }

    fn events_told(&self, now: Duration) -> BTreeMap<NamespacePath, (u64, u64)> {
        let all = self.tree.subtree(&NamespacePath::root());
        let told =
            all.map(|home| (home.path().clone(), home.get(self.learning.pvds).and_then(|place| place.told(now))));
        told.filter_map(|(path, told)| Some((path, told?))).collect()
    }

    fn go_on_from(&mut self, home: &NamespacePath, told: (u64, u64), now: Duration) {
        if let Ok(home) = self.tree.find(home).map(Namespace::handle) {
            self.with_learnt(home, |pvds, _| pvds.go_on_from(told, now));
        }
    }

    /// A port goes on counting from what it has counted elsewhere; if it is not here, its namespace does.
    fn count(&self, path: &PortPath, stats: &PortStats) {
        match self.port(path) {
            Some(record) => record.device.add_stats(stats),
            None => self.count_departed(&path.namespace, *stats),
        }
    }

    fn count_departed(&self, home: &NamespacePath, stats: PortStats) {
        if let Ok(set) = self.set_of(home) {
            set.keep(stats);
        }
    }
}
