// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What routers say that does not go together.

use super::{Fault, Field, Findings, Read};
use crate::advert::Origin;
use crate::id::PvdId;
use std::collections::BTreeMap;
use std::time::Duration;
use wire::Prefix;
use wire::nd::{NdOption, PrefixInfo, ra_flag};

/// How far apart two lifetimes may end that routers count down together.
const TOGETHER: Duration = Duration::from_secs(5);

pub(super) fn prefix(info: &PrefixInfo) -> Prefix {
    Prefix::of(info.prefix, info.prefix_len)
}

pub(super) fn check(all: &[Read<'_>], found: &mut Findings) {
    headers(all, found);
    prefixes(all, found);
    pvds(all, found);
    addresses(all, found);
}

/// What hosts hear that know no PvDs: the header and the MTU of all routers, which is one link's to them. Zero says nothing.
fn headers(all: &[Read<'_>], found: &mut Findings) {
    let mut first: BTreeMap<Field, (Origin, u32)> = BTreeMap::new();
    let mut told: Vec<Field> = Vec::new();
    for read in all {
        let header = read.advert.header;
        let mtu =
            read.advert.options().flatten().find_map(|it| if let NdOption::Mtu(mtu) = it { Some(mtu) } else { None });
        let said = [
            (Field::HopLimit, Some(header.hop_limit.into()).filter(|hops| *hops > 0)),
            (Field::Managed, Some(header.has(ra_flag::MANAGED).into())),
            (Field::Other, Some(header.has(ra_flag::OTHER).into())),
            (Field::Reachable, Some(header.reachable).filter(|time| *time > 0)),
            (Field::Retrans, Some(header.retrans).filter(|time| *time > 0)),
            (Field::Mtu, mtu),
        ];
        for (field, value) in said.into_iter().filter_map(|(field, value)| Some((field, value?))) {
            let (who, before) = *first.entry(field).or_insert((read.origin(), value));
            if who != read.origin() && before != value && !told.contains(&field) {
                told.push(field);
                found.push(Fault::Differs(field, before, value), &[who, read.origin()], None);
            }
        }
    }
}

/// A prefix that was announced: by whom, of which PvD, and when.
struct Announced {
    who: Origin,
    pvd: PvdId,
    at: Duration,
    info: PrefixInfo,
}

fn prefixes(all: &[Read<'_>], found: &mut Findings) {
    let mut known: BTreeMap<Prefix, Announced> = BTreeMap::new();
    for read in all {
        for info in read.prefixes() {
            let this = Announced { who: read.origin(), pvd: read.ra.id(), at: read.ra.last, info };
            let Some(before) = known.get(&prefix(&info)) else {
                known.insert(prefix(&info), this);
                continue;
            };
            contradict(before, &this, found);
        }
    }
}

fn contradict(a: &Announced, b: &Announced, found: &mut Findings) {
    let (who, prefix) = ([a.who, b.who], prefix(&a.info));
    // The implicit PvDs of two routers are two, which is no contradiction to hosts that know no PvDs.
    if a.pvd != b.pvd && (a.pvd.name().is_some() || b.pvd.name().is_some()) {
        found.push(Fault::PrefixOfSeveral(prefix), &who, None);
    }
    if a.who == b.who {
        return;
    }
    let pvd = Some(a.pvd.clone()).filter(|pvd| *pvd == b.pvd);
    if a.info.flags != b.info.flags {
        found.push(Fault::PrefixFlags(prefix), &who, pvd.clone());
    }
    for (one, other) in [(a.info.valid, b.info.valid), (a.info.preferred, b.info.preferred)] {
        let end = |at: Duration, lifetime: u32| at + Duration::from_secs(lifetime.into());
        if one != other && end(a.at, one).abs_diff(end(b.at, other)) > TOGETHER {
            found.push(Fault::PrefixLifetime(prefix, one, other), &who, pvd.clone());
        }
    }
}

/// Routers of one PvD say the same of it, and one PvD alone has what DHCPv4 tells.
fn pvds(all: &[Read<'_>], found: &mut Findings) {
    let mut first: BTreeMap<PvdId, (Origin, [u32; 4])> = BTreeMap::new();
    let mut legacy: BTreeMap<PvdId, Origin> = BTreeMap::new();
    for read in all {
        let (Some(pvd), id) = (read.pvd, read.ra.id()) else { continue };
        let said = [pvd.http.into(), pvd.legacy.into(), pvd.sequence.into(), pvd.delay.into()];
        if pvd.legacy {
            legacy.insert(id.clone(), read.origin());
        }
        let (who, before) = *first.entry(id.clone()).or_insert((read.origin(), said));
        let fields = [Field::Http, Field::Legacy, Field::Sequence, Field::Delay];
        for ((field, one), other) in fields.into_iter().zip(before).zip(said) {
            if one != other && who != read.origin() {
                found.push(Fault::Differs(field, one, other), &[who, read.origin()], Some(id.clone()));
            }
        }
    }
    if legacy.len() > 1 {
        found.push(Fault::SeveralLegacy, &legacy.into_values().collect::<Vec<_>>(), None);
    }
}

/// What is of a PvD and what is of none come from different addresses.
fn addresses(all: &[Read<'_>], found: &mut Findings) {
    let mut kinds: BTreeMap<Origin, [bool; 2]> = BTreeMap::new();
    for read in all {
        kinds.entry(read.origin()).or_default()[usize::from(read.pvd.is_some())] = true;
    }
    for (who, _) in kinds.into_iter().filter(|(_, kinds)| *kinds == [true, true]) {
        found.push(Fault::ImplicitBesideExplicit, &[who], None);
    }
}
