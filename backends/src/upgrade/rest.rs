// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The format of what follows an estate, version 1: JSON, without descriptors. Whoever reads it makes nothing of what he does not
//! know, so a later version may say more.

use super::counted::{self, COUNT_MAX, HomeCountedV1, PortCountedV1};
use super::learnt::{self, LearntV1};
use super::{BadEstate, LogLeft, Remainder};
use crate::handover::hex;
use crate::store::format::parse;
use crate::store::ra_guard::{FoundV2, found_meant, found_said};
use dataplane::{DropReason, PortStats, SnoopStats, Traffic};
use pvd::Replayed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;
use switch::Rest;

#[derive(Serialize, Deserialize)]
struct RestV1 {
    at_ns: u64,
    #[serde(default)]
    log: Option<LogV1>,
    #[serde(default)]
    learnt: LearntV1,
    #[serde(default)]
    ports: BTreeMap<String, CountsV1>,
    /// What else ports have counted.
    #[serde(default)]
    beside: BTreeMap<String, PortCountedV1>,
    /// What namespaces have counted of what they learn.
    #[serde(default)]
    homes: BTreeMap<String, HomeCountedV1>,
    /// What their ports have counted that are gone.
    #[serde(default)]
    namespaces: BTreeMap<String, CountsV1>,
    /// By namespace: the last event of its PvDs, and a digest of what is said of them, in hexadecimal.
    #[serde(default)]
    events: BTreeMap<String, (u64, String)>,
    #[serde(default)]
    learning: BTreeMap<String, LearningV1>,
    #[serde(default)]
    withdrawing: BTreeMap<String, Vec<WithdrawnV1>>,
}

/// A log filter that was set while weftd ran.
#[derive(Serialize, Deserialize)]
struct LogV1 {
    filter: String,
    /// After so many milliseconds this one comes back.
    #[serde(default)]
    back: Option<(u64, String)>,
}

/// Frames and octets each way, in the guest's directions, and what else a port has counted.
#[derive(Serialize, Deserialize)]
struct CountsV1 {
    rx: [u64; 2],
    tx: [u64; 2],
    /// By the names of reasons.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    drops: BTreeMap<String, u64>,
    /// Checksums, segments.
    #[serde(default)]
    software: [u64; 2],
    /// Advertisements, solicitations, those of either that were missed.
    #[serde(default)]
    snooped: [u64; 3],
}

/// How far the RA guard of a port is that learns.
#[derive(Serialize, Deserialize)]
struct LearningV1 {
    left_ms: u64,
    found: FoundV2,
}

/// What a guest is to be told that holds no more.
#[derive(Serialize, Deserialize)]
struct WithdrawnV1 {
    router: String,
    mac: String,
    /// The message.
    hex: String,
}

/// Writes what follows an estate.
pub(crate) fn rest_to_text(Remainder { at, log, rest }: &Remainder) -> Result<String, BadEstate> {
    let whole = RestV1 {
        at_ns: u64::try_from(at.as_nanos()).unwrap_or(u64::MAX),
        log: log.as_ref().map(log_said),
        learnt: learnt::said(&rest.learnt),
        ports: said(&rest.ports, counts_said),
        beside: said(&rest.beside, counted::port_said),
        homes: said(&rest.homes, counted::home_said),
        namespaces: said(&rest.namespaces, counts_said),
        events: said(&rest.events, |(last, digest)| (*last, format!("{digest:016x}"))),
        learning: said(&rest.learning, |(left, found)| LearningV1 { left_ms: millis(*left), found: found_said(found) }),
        withdrawing: said(&rest.withdrawing, |all| all.iter().map(withdrawn_said).collect()),
    };
    serde_json::to_string(&whole).map_err(|why| BadEstate(why.to_string()))
}

/// Reads what follows an estate.
pub(crate) fn rest_from_text(text: &str) -> Result<Remainder, BadEstate> {
    let whole: RestV1 = serde_json::from_str(text).map_err(|why| BadEstate(why.to_string()))?;
    let rest = rest_meant(&whole).map_err(BadEstate)?;
    Ok(Remainder { at: Duration::from_nanos(whole.at_ns), log: whole.log.map(log_meant), rest })
}

fn rest_meant(whole: &RestV1) -> Result<Rest, String> {
    let learning =
        |LearningV1 { left_ms, found }: &LearningV1| Ok((Duration::from_millis(*left_ms), found_meant(found)?));
    Ok(Rest {
        learnt: learnt::meant(&whole.learnt)?,
        ports: meant("port", &whole.ports, counts_meant)?,
        beside: meant("port", &whole.beside, counted::port_meant)?,
        homes: meant("namespace", &whole.homes, counted::home_meant)?,
        namespaces: meant("namespace", &whole.namespaces, counts_meant)?,
        events: meant("namespace", &whole.events, event_meant)?,
        learning: meant("port", &whole.learning, learning)?,
        withdrawing: meant("port", &whole.withdrawing, |all| all.iter().map(withdrawn_meant).collect())?,
    })
}

fn said<K: Display, T, V>(all: &BTreeMap<K, T>, say: impl Fn(&T) -> V) -> BTreeMap<String, V> {
    all.iter().map(|(name, one)| (name.to_string(), say(one))).collect()
}

fn meant<K: FromStr<Err: Display> + Ord, T, V>(
    what: &str,
    all: &BTreeMap<String, V>,
    mean: impl Fn(&V) -> Result<T, String>,
) -> Result<BTreeMap<K, T>, String> {
    let one =
        |(name, said): (&String, &V)| Ok((parse(what, name)?, mean(said).map_err(|why| format!("{name}: {why}"))?));
    all.iter().map(one).collect()
}

fn counts_said(stats: &PortStats) -> CountsV1 {
    let SnoopStats { advertisements, solicitations, lost } = stats.snooped;
    let pair = |traffic: Traffic| [traffic.frames, traffic.bytes];
    CountsV1 {
        rx: pair(stats.rx),
        tx: pair(stats.tx),
        drops: stats.drops.nonzero().map(|(reason, count)| (reason.name().to_owned(), count)).collect(),
        software: [stats.software_checksums, stats.software_segments],
        snooped: [advertisements, solicitations, lost],
    }
}

fn counts_meant(said: &CountsV1) -> Result<PortStats, String> {
    let CountsV1 { rx, tx, drops, software, snooped } = said;
    let all = rx.iter().chain(tx).chain(drops.values()).chain(software).chain(snooped);
    if let Some(count) = all.into_iter().find(|count| **count > COUNT_MAX) {
        return Err(format!("nothing has been counted {count} times"));
    }
    let pair = |[frames, bytes]: [u64; 2]| Traffic { frames, bytes };
    // A reason that is not known here is one of a weftd that is newer than this.
    let reason = |(name, count): (&String, &u64)| {
        DropReason::ALL.iter().find(|reason| reason.name() == name).map(|reason| (*reason, *count))
    };
    let [advertisements, solicitations, lost] = *snooped;
    Ok(PortStats {
        rx: pair(*rx),
        tx: pair(*tx),
        drops: drops.iter().filter_map(reason).collect(),
        software_checksums: software[0],
        software_segments: software[1],
        snooped: SnoopStats { advertisements, solicitations, lost },
    })
}

fn event_meant((last, digest): &(u64, String)) -> Result<(u64, u64), String> {
    if *last > COUNT_MAX {
        return Err(format!("nothing has happened {last} times"));
    }
    Ok((*last, u64::from_str_radix(digest, 16).map_err(|why| why.to_string())?))
}

fn withdrawn_said(one: &Replayed) -> WithdrawnV1 {
    WithdrawnV1 { router: one.router.to_string(), mac: one.mac.to_string(), hex: hex::encode(&one.octets) }
}

fn withdrawn_meant(said: &WithdrawnV1) -> Result<Replayed, String> {
    Ok(Replayed {
        router: parse("address of a router", &said.router)?,
        mac: parse("MAC address", &said.mac)?,
        octets: hex::decode(&said.hex).ok_or("a Router Advertisement is not in hexadecimal")?,
    })
}

fn log_said(log: &LogLeft) -> LogV1 {
    let back = log.back.as_ref().map(|(left, filter)| (millis(*left), filter.clone()));
    LogV1 { filter: log.filter.clone(), back }
}

fn log_meant(said: LogV1) -> LogLeft {
    let back = said.back.map(|(left, filter)| (Duration::from_millis(left), filter));
    LogLeft { filter: said.filter, back }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
