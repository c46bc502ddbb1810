// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was counted beside frames of ports: what lanes have moved and lost, what became of advertisements, what was learnt and how
//! often it was heard. So that nothing which is shown goes backwards when another process takes this one's place.
//!
//! What a namespace has learnt was learnt anew when this is taken over, from what the process before has told. That was not heard
//! here, so counts of it take the place of those here; counts of what ports do are added, for their rings run already.

use crate::name::Name;
use crate::path::NamespacePath;
use crate::plant::Plant;
use crate::port::PortRecord;
use crate::reference::PortPath;
use crate::subsystem::pvds::PvdPlace;
use crate::subsystem::ras::Ras;
use crate::tree::Namespace;
use crate::view::{LaneLosses, LearntCounters};
use core::net::Ipv6Addr;
use dataplane::LaneStats;
use pvd::{CachedRa, Counters, Mediated, Origin, PvdId, PvdName};
use std::collections::BTreeMap;

/// What a port has counted beside [`dataplane::PortStats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounted {
    /// What went through its lane beside the rings.
    pub lane: LaneStats,
    /// What was lost at the far end of that.
    pub losses: LaneLosses,
    /// What became of its routers' advertisements.
    pub mediated: Mediated,
    /// Addresses of its guest that were not noted, or not any more.
    pub addresses_lost: u64,
    /// How often its guest was not announced.
    pub unannounced: u64,
}

/// What a namespace has counted of what it learns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeCounted {
    /// In all.
    pub learnt: LearntCounters,
    /// Of each advertisement that is remembered.
    pub heard: Vec<RaHeard>,
}

/// How often something of a router was heard and said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaHeard {
    /// The port that the router is behind.
    pub port: Name,
    /// Its address.
    pub router: Ipv6Addr,
    /// The PvD that it speaks of, if it names one.
    pub pvd: Option<PvdName>,
    /// How often the advertisement was heard.
    pub heard: u64,
    /// How often it was said again.
    pub hits: u64,
    /// How often the PvD was heard of from this router.
    pub source: u64,
}

impl Plant {
    /// Of ports that have counted anything of it.
    pub(super) fn ports_counted(&self) -> BTreeMap<PortPath, PortCounted> {
        let counted = self.ports().map(|(path, record)| (path.clone(), self.port_counted(record)));
        counted.filter(|(_, counted)| *counted != PortCounted::default()).collect()
    }

    fn port_counted(&self, record: &PortRecord) -> PortCounted {
        let mediator = self.tree.find(&record.spec.namespace).ok().and_then(|home| home.get(self.mediators));
        PortCounted {
            lane: record.device.lane_stats(),
            losses: record.lane_losses,
            mediated: mediator.map(|all| all.counters(record.ident.nr_at_home())).unwrap_or_default(),
            addresses_lost: record.device.addresses_lost(),
            unannounced: record.device.unannounced(),
        }
    }

    pub(super) fn count_of_port(&mut self, path: &PortPath, counted: &PortCounted) {
        let Some(record) = self.port_mut(path) else { return };
        record.lane_losses.add(counted.losses);
        record.device.add_lane_stats(&counted.lane);
        record.device.add_addresses_lost(counted.addresses_lost);
        record.device.add_unannounced(counted.unannounced);
        let number = record.ident.nr_at_home();
        if counted.mediated == Mediated::default() {
            return;
        }
        let mediators = self.mediators;
        let home = self.tree.find(&path.namespace).map(Namespace::handle).ok();
        let home = home.and_then(|home| self.tree.get_mut(home));
        if let Some(mediator) = home.and_then(|home| home.get_mut(mediators)) {
            *mediator.counters_mut(number) = counted.mediated;
        }
    }

    /// Of namespaces that have counted anything of it.
    pub(super) fn homes_counted(&self) -> BTreeMap<NamespacePath, HomeCounted> {
        let all = self.tree.subtree(&NamespacePath::root());
        let counted = all.map(|home| (home.path().clone(), self.home_counted(home)));
        counted.filter(|(_, counted)| *counted != HomeCounted::default()).collect()
    }

    fn home_counted(&self, home: &Namespace) -> HomeCounted {
        let learnt = self.learnt_counters(home);
        let (registry, ras) = (home.get(self.learning.pvds).and_then(PvdPlace::made), home.get(self.learning.ras));
        let (Some(registry), Some(ras)) = (registry, ras) else { return HomeCounted { learnt, heard: Vec::new() } };
        let numbers = home.get(self.numbers);
        let heard = ras.cache.iter().filter_map(|entry: &CachedRa| {
            let port = self.port_at(numbers?.get(entry.port)?)?.name.clone();
            let origin = Origin::Router { port: entry.port, address: entry.router };
            let source = registry.heard(&entry.id(), origin);
            let CachedRa { router, heard, hits, .. } = *entry;
            Some(RaHeard { port, router, pvd: entry.pvd.clone(), heard, hits, source })
        });
        HomeCounted { learnt, heard: heard.collect() }
    }

    pub(super) fn count_of_home(&mut self, path: &NamespacePath, counted: &HomeCounted) {
        let Ok(home) = self.tree.find(path).map(Namespace::handle) else { return };
        let heard: Vec<_> =
            counted.heard.iter().filter_map(|one| Some((self.number_of(path, &one.port)?, one))).collect();
        self.with_learnt(home, |pvds, ras| {
            count_learnt(pvds, ras, &counted.learnt);
            for (port, one) in &heard {
                ras.cache.set_heard((*port, one.router, one.pvd.as_ref()), one.heard, one.hits);
                let implicit = || PvdId::Implicit { port: *port, router: one.router };
                let id = one.pvd.clone().map_or_else(implicit, PvdId::Explicit);
                let origin = Origin::Router { port: *port, address: one.router };
                pvds.made().into_iter().for_each(|registry| registry.set_heard(&id, origin, one.source));
            }
        });
    }

    fn number_of(&self, home: &NamespacePath, name: &Name) -> Option<u32> {
        let path = PortPath { namespace: home.clone(), name: name.clone() };
        self.port(&path).map(|record| record.ident.nr_at_home())
    }
}

fn count_learnt(pvds: &mut PvdPlace, ras: &mut Ras, counted: &LearntCounters) {
    let LearntCounters { solicitations, over_quota, pvds: of_pvds, ras: of_ras, answers, too_long, second_sources } =
        *counted;
    (ras.solicitations, ras.over_quota, ras.too_long) = (solicitations, over_quota, too_long);
    ras.second_sources = second_sources;
    ras.cache.set_counters(of_ras);
    ras.responder.set_counters(answers);
    if of_pvds != Counters::default() {
        pvds.set_counters(of_pvds);
    }
}
