// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was counted beside frames, as it stands in what follows an estate: numbers in an order that stays. What a later version counts
//! besides stands behind them, or under a name of its own, and whoever does not know it leaves it.

use crate::store::format::parse;
use dataplane::{LaneStats, Traffic};
use pvd::{CacheCounters, Counters, Mediated, Refused, ResponderCounters};
use serde::{Deserialize, Serialize};
use switch::{HomeCounted, LaneLosses, LearntCounters, PortCounted, RaHeard};

/// Nobody has counted so far: the frames of centuries.
pub(super) const COUNT_MAX: u64 = 1 << 62;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PortCountedV1 {
    /// Frames and octets: by this lane alone, by both, past the namespace, taken; copies that were lost.
    lane: Vec<u64>,
    /// Lost, missed, malformed.
    losses: Vec<u64>,
    /// As in [`Mediated`].
    mediated: Vec<u64>,
    /// Lost, and not announced.
    addresses: Vec<u64>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct HomeCountedV1 {
    /// Solicitations, over quota, too long.
    heard: Vec<u64>,
    /// Changed, refreshed, void; then refused, by reason.
    pvds: Vec<u64>,
    /// Heard, evicted, too long, full.
    ras: Vec<u64>,
    /// As in [`ResponderCounters`].
    answers: Vec<u64>,
    routers: Vec<RaHeardV1>,
}

#[derive(Serialize, Deserialize)]
struct RaHeardV1 {
    port: String,
    router: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pvd: Option<String>,
    /// The advertisement was heard, and said again; the PvD was heard of.
    counts: [u64; 3],
}

/// Counts in an order; those that are missing are of none.
struct Counts<'a>(std::slice::Iter<'a, u64>);

impl Counts<'_> {
    fn of(all: &[u64]) -> Result<Counts<'_>, String> {
        match all.iter().find(|count| **count > COUNT_MAX) {
            Some(count) => Err(format!("nothing has been counted {count} times")),
            None => Ok(Counts(all.iter())),
        }
    }

    fn next(&mut self) -> u64 {
        self.0.next().copied().unwrap_or(0)
    }

    fn traffic(&mut self) -> Traffic {
        Traffic { frames: self.next(), bytes: self.next() }
    }
}

pub(super) fn port_said(counted: &PortCounted) -> PortCountedV1 {
    let LaneStats { sole, copies, outward, taken, copies_lost } = counted.lane;
    let lane = [sole, copies, outward, taken].into_iter().flat_map(|traffic| [traffic.frames, traffic.bytes]);
    let LaneLosses { lost, missed, malformed } = counted.losses;
    let Mediated { heard, sent, held, hidden, beyond, invalid, injected, not_injected } = counted.mediated;
    PortCountedV1 {
        lane: lane.chain([copies_lost]).collect(),
        losses: vec![lost, missed, malformed],
        mediated: vec![heard, sent, held, hidden, beyond, invalid, injected, not_injected],
        addresses: vec![counted.addresses_lost, counted.unannounced],
    }
}

pub(super) fn port_meant(said: &PortCountedV1) -> Result<PortCounted, String> {
    let mut lane = Counts::of(&said.lane)?;
    let (sole, copies, outward, taken) = (lane.traffic(), lane.traffic(), lane.traffic(), lane.traffic());
    let (mut losses, mut all) = (Counts::of(&said.losses)?, Counts::of(&said.mediated)?);
    let mut addresses = Counts::of(&said.addresses)?;
    let mut mediated = Mediated::default();
    let Mediated { heard, sent, held, hidden, beyond, invalid, injected, not_injected } = &mut mediated;
    for count in [heard, sent, held, hidden, beyond, invalid, injected, not_injected] {
        *count = all.next();
    }
    Ok(PortCounted {
        lane: LaneStats { sole, copies, outward, taken, copies_lost: lane.next() },
        losses: LaneLosses { lost: losses.next(), missed: losses.next(), malformed: losses.next() },
        mediated,
        addresses_lost: addresses.next(),
        unannounced: addresses.next(),
    })
}

pub(super) fn home_said(counted: &HomeCounted) -> HomeCountedV1 {
    let LearntCounters { solicitations, over_quota, pvds, ras, answers, too_long, second_sources } = counted.learnt;
    let CacheCounters { heard, evicted, too_long: long, full } = ras;
    let ResponderCounters { asked, silenced, answered, nothing, refused } = answers;
    let refusals = Refused::ALL.map(|why| pvds.refused(why));
    HomeCountedV1 {
        heard: vec![solicitations, over_quota, too_long, second_sources],
        pvds: [pvds.changed, pvds.refreshed, pvds.void].into_iter().chain(refusals).collect(),
        ras: vec![heard, evicted, long, full],
        answers: vec![asked, silenced, answered, nothing, refused],
        routers: counted.heard.iter().map(router_said).collect(),
    }
}

fn router_said(one: &RaHeard) -> RaHeardV1 {
    RaHeardV1 {
        port: one.port.to_string(),
        router: one.router.to_string(),
        pvd: one.pvd.as_ref().map(ToString::to_string),
        counts: [one.heard, one.hits, one.source],
    }
}

pub(super) fn home_meant(said: &HomeCountedV1) -> Result<HomeCounted, String> {
    let (mut heard, mut pvds) = (Counts::of(&said.heard)?, Counts::of(&said.pvds)?);
    let (mut ras, mut answers) = (Counts::of(&said.ras)?, Counts::of(&said.answers)?);
    let taken_in = std::array::from_fn(|_| pvds.next());
    let refused = Refused::ALL.map(|_| pvds.next());
    let learnt = LearntCounters {
        solicitations: heard.next(),
        over_quota: heard.next(),
        too_long: heard.next(),
        second_sources: heard.next(),
        pvds: Counters::of(taken_in, |why| refused[why as usize]),
        ras: CacheCounters { heard: ras.next(), evicted: ras.next(), too_long: ras.next(), full: ras.next() },
        answers: ResponderCounters {
            asked: answers.next(),
            silenced: answers.next(),
            answered: answers.next(),
            nothing: answers.next(),
            refused: answers.next(),
        },
    };
    Ok(HomeCounted { learnt, heard: said.routers.iter().map(router_meant).collect::<Result<_, _>>()? })
}

fn router_meant(said: &RaHeardV1) -> Result<RaHeard, String> {
    let mut counts = Counts::of(&said.counts)?;
    Ok(RaHeard {
        port: parse("port", &said.port)?,
        router: parse("address of a router", &said.router)?,
        pvd: said.pvd.as_ref().map(|pvd| parse("PvD", pvd)).transpose()?,
        heard: counts.next(),
        hits: counts.next(),
        source: counts.next(),
    })
}
