// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is seen of how a namespace gets on with its routers: what is wrong with what they say, and what was counted.

use super::View;
use crate::name::Name;
use crate::path::NamespacePath;
use crate::plant::Plant;
use crate::refusal::Refusal;
use crate::tree::Namespace;
use core::net::Ipv6Addr;
use pvd::{CacheCounters, Counters, Fault, Finding, Origin, ResponderCounters, check, contradictions};
use std::time::Duration;

/// What is wrong with what the routers of a namespace say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaCheck {
    /// What was found, up to [`pvd::limits::FINDINGS`].
    pub findings: Vec<FindingView>,
    /// How much more there is.
    pub more: u64,
    /// How many Router Advertisements were looked at.
    pub looked_at: u64,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingView {
    /// What.
    pub fault: Fault,
    /// Who says it, as in [`super::SourceView::router`]: one router, or those that contradict each other.
    pub routers: Vec<(Option<Name>, Ipv6Addr)>,
    /// The name of the PvD that it is about, if it is about one.
    pub pvd: Option<String>,
}

/// What a namespace has counted of its routers and of those who look for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LearntCounters {
    /// Router Solicitations that were heard.
    pub solicitations: u64,
    /// What was not taken in because a quota does not allow more.
    pub over_quota: u64,
    /// Of the PvDs.
    pub pvds: Counters,
    /// Of the advertisements that are remembered.
    pub ras: CacheCounters,
    /// Of what was said again to hosts.
    pub answers: ResponderCounters,
    /// Advertisements of PvDs that were known from another port, where that is watched for.
    pub second_sources: u64,
    /// Advertisements that were not said again because they do not fit into a port's MTU.
    pub too_long: u64,
}

impl View<'_> {
    /// Judges what the routers of a namespace say.
    ///
    /// # Errors
    /// There is no such namespace.
    pub fn ra_check(&self, path: &NamespacePath, now: Duration) -> Result<RaCheck, Refusal> {
        let home = self.find(path)?;
        let learning = &self.control.plant.learning;
        let registry = home.get(learning.pvds).and_then(|place| place.made());
        let Some(ras) = home.get(learning.ras) else {
            return Ok(RaCheck { findings: Vec::new(), more: 0, looked_at: 0 });
        };
        let found = check(&ras.cache, registry, now);
        let findings = found.list.into_iter().map(|finding| self.finding(home, finding));
        Ok(RaCheck { findings: findings.collect(), more: found.more as u64, looked_at: ras.cache.len() as u64 })
    }

    /// Where the routers of a namespace contradict each other.
    ///
    /// # Errors
    /// There is no such namespace.
    pub fn contradictions(&self, path: &NamespacePath, now: Duration) -> Result<Vec<FindingView>, Refusal> {
        let home = self.find(path)?;
        let found = home.get(self.control.plant.learning.ras).map(|ras| contradictions(&ras.cache, now));
        Ok(found.into_iter().flatten().map(|finding| self.finding(home, finding)).collect())
    }

    fn finding(&self, home: &Namespace, Finding { fault, routers, pvd }: Finding) -> FindingView {
        let routers = routers.iter().filter_map(|origin| self.router(home, *origin)).collect();
        FindingView { fault, routers, pvd: pvd.map(|pvd| self.pvd_name(home, &pvd)) }
    }

    fn router(&self, home: &Namespace, origin: Origin) -> Option<(Option<Name>, Ipv6Addr)> {
        match origin {
            Origin::Operator => None,
            Origin::Router { port, address } => Some((self.past_port_name(home, port), address)),
        }
    }

    /// What a namespace has counted.
    pub(super) fn learnt_counters(&self, home: &Namespace) -> LearntCounters {
        self.control.plant.learnt_counters(home)
    }
}

impl Plant {
    /// What a namespace has counted.
    pub(crate) fn learnt_counters(&self, home: &Namespace) -> LearntCounters {
        let pvds = home.get(self.learning.pvds).and_then(|place| place.made()).map(|registry| *registry.counters());
        let ras = home.get(self.learning.ras).map(|ras| LearntCounters {
            solicitations: ras.solicitations,
            over_quota: ras.over_quota,
            second_sources: ras.second_sources,
            ras: *ras.cache.counters(),
            answers: *ras.responder.counters(),
            too_long: ras.too_long,
            pvds: Counters::default(),
        });
        LearntCounters { pvds: pvds.unwrap_or_default(), ..ras.unwrap_or_default() }
    }
}
