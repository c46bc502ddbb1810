// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whether the routers of a namespace agree, and whether each says what a router may say: what RFC 4861 section 6.2.7 asks
//! routers to look for, and what RFC 8801 adds.
//!
//! What is judged is what is remembered now, octet by octet; nothing is changed by it.

mod among;
mod fault;

use crate::advert::Origin;
use crate::cache::{CachedRa, RaCache};
use crate::id::PvdId;
use crate::limits;
use crate::registry::Registry;
use crate::source::Source;
use std::collections::BTreeMap;
use std::time::Duration;
use wire::nd::{NdOption, PrefixInfo, PvdOption, RaHeader, RawOption, RawOptions, RouterAdvert, kind, pio_flag};

pub use fault::{Fault, Field, Severity};

/// The largest reachable time, in milliseconds (RFC 4861 section 6.2.1).
const REACHABLE_MAX: u32 = 3_600_000;

/// The smallest MTU of a link that carries IPv6, in bytes (RFC 8200 section 5).
const MTU_MIN: u32 = 1280;

/// Bits of a PvD Option's flags that must be zero (RFC 8801 section 3.1).
const PVD_RESERVED: u16 = 0x1ff0;

/// Times that an advertisement was heard from which the time between two can be told.
const HEARD_ENOUGH: u64 = 3;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub fault: Fault,
    /// Who says it: one router, or those that contradict each other.
    pub routers: Vec<Origin>,
    /// Of which PvD, if it is about one.
    pub pvd: Option<PvdId>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// One by one, up to [`limits::FINDINGS`].
    pub list: Vec<Finding>,
    /// How many more there are.
    pub more: usize,
}

impl Findings {
    fn push(&mut self, fault: Fault, routers: &[Origin], pvd: Option<PvdId>) {
        match self.list.len() < limits::FINDINGS {
            true => self.list.push(Finding { fault, routers: routers.to_vec(), pvd }),
            false => self.more += 1,
        }
    }
}

/// An advertisement that is remembered, read.
struct Read<'a> {
    ra: &'a CachedRa,
    advert: RouterAdvert<'a>,
    pvd: Option<PvdOption<'a>>,
}

impl<'a> Read<'a> {
    fn of(ra: &'a CachedRa) -> Option<Read<'a>> {
        let advert = RouterAdvert::parse(&ra.octets).ok()?;
        Some(Read { ra, advert, pvd: advert.pvd().ok()? })
    }

    fn origin(&self) -> Origin {
        Origin::Router { port: self.ra.port, address: self.ra.router }
    }

    /// The header that counts for whoever knows of PvDs.
    fn header(&self) -> RaHeader {
        self.pvd.and_then(|pvd| pvd.header).unwrap_or(self.advert.header)
    }

    fn is_of_router(&self, now: Duration) -> bool {
        !self.ra.router_until().passed(now)
    }

    fn explicit(&self) -> Option<PvdId> {
        self.pvd.map(|_| self.ra.id())
    }

    /// All options as they are, those inside the PvD Option after the others.
    fn raw(&self) -> impl Iterator<Item = RawOption<'a>> + use<'a> {
        let inside = self.pvd.map_or(&[][..], |pvd| pvd.nested);
        self.advert.raw_options().chain(RawOptions::new(inside)).flatten()
    }

    fn prefixes(&self) -> impl Iterator<Item = PrefixInfo> + use<'a> {
        self.raw().filter_map(|raw| match raw.parse() {
            Ok(NdOption::Prefix(info)) => Some(info),
            _ => None,
        })
    }

    /// The time from one to the next, as it has been so far.
    fn interval(&self) -> Option<Duration> {
        let CachedRa { first, last, heard, .. } = *self.ra;
        (heard >= HEARD_ENOUGH).then(|| last.saturating_sub(first) / u32::try_from(heard - 1).unwrap_or(u32::MAX))
    }
}

/// Judges what is remembered of a namespace's routers. The order depends on nothing but that.
pub fn check(cache: &RaCache, registry: Option<&Registry>, now: Duration) -> Findings {
    let mut all: Vec<Read<'_>> = cache.iter().filter_map(Read::of).collect();
    all.sort_by_key(|read| read.ra.serial);
    let mut found = Findings::default();
    // What somebody has said who is no router any more contradicts nobody.
    all.retain(|read| read.is_of_router(now) || read.header().lifetime == 0);
    all.iter().for_each(|read| alone(read, &mut found));
    all.retain(|read| read.is_of_router(now));
    among::check(&all, &mut found);
    if let Some(registry) = registry {
        routerless(registry, now, &mut found);
        impersonated(registry, now, &mut found);
    }
    found
}

/// Where routers of one link contradict each other: what RFC 4861 section 6.2.7 asks to log.
pub fn contradictions(cache: &RaCache, now: Duration) -> Vec<Finding> {
    let mut all: Vec<Read<'_>> = cache.iter().filter_map(Read::of).filter(|read| read.is_of_router(now)).collect();
    all.sort_by_key(|read| read.ra.serial);
    let mut found = Findings::default();
    among::check(&all, &mut found);
    found.list.retain(|finding| finding.fault.is_contradiction());
    found.list
}

/// What one advertisement says that no router should say.
fn alone(read: &Read<'_>, found: &mut Findings) {
    let mut push = |fault| found.push(fault, &[read.origin()], read.explicit());
    let header = read.header();
    if header.lifetime > 0 && header.flags >> 3 & 3 == 0b10 {
        push(Fault::ReservedPreference);
    }
    if header.reachable > REACHABLE_MAX {
        push(Fault::ReachableTooLong(header.reachable));
    }
    let pvds = |options: RawOptions<'_>| options.flatten().filter(|option| option.kind == kind::PVD).count();
    if pvds(read.advert.raw_options()) > 1 {
        push(Fault::SeveralPvdOptions);
    }
    if let Some(pvd) = read.pvd {
        if pvds(pvd.raw_options()) > 0 {
            push(Fault::NestedPvdOption);
        }
        if !pvd.http && (pvd.sequence > 0 || pvd.delay > 0) {
            push(Fault::SequenceWithoutHttp);
        }
    }
    let reserved = |option: &RawOption<'_>| {
        matches!(option.bytes, [kind::PVD, _, a, b, ..]
        if u16::from_be_bytes([*a, *b]) & PVD_RESERVED != 0)
    };
    if read.advert.raw_options().flatten().find(|option| option.kind == kind::PVD).is_some_and(|pvd| reserved(&pvd)) {
        push(Fault::ReservedPvdFlags);
    }
    for option in read.raw() {
        of_option(&option, read.interval(), &mut push);
    }
}

fn of_option(option: &RawOption<'_>, interval: Option<Duration>, push: &mut impl FnMut(Fault)) {
    let short = |lifetime: u32| {
        let seconds = interval.map_or(0, |interval| interval.as_secs());
        (lifetime > 0 && u64::from(lifetime) < seconds).then_some(Fault::ResolverTooShort { lifetime, seconds })
    };
    match option.parse() {
        Ok(NdOption::Prefix(info)) => of_prefix(&info, push),
        Ok(NdOption::Mtu(mtu)) if mtu < MTU_MIN => push(Fault::MtuTooSmall(mtu)),
        Ok(NdOption::Rdnss(rdnss)) => short(rdnss.lifetime).into_iter().for_each(push),
        Ok(NdOption::Dnssl(dnssl)) => short(dnssl.lifetime).into_iter().for_each(push),
        Ok(_) => {}
        Err(_) => push(Fault::Unreadable(option.kind)),
    }
}

fn of_prefix(info: &PrefixInfo, push: &mut impl FnMut(Fault)) {
    let (prefix, autonomous) = (among::prefix(info), info.flags & pio_flag::AUTONOMOUS != 0);
    if info.preferred > info.valid {
        push(Fault::PreferredBeyondValid(prefix));
    }
    if info.prefix.is_unicast_link_local() {
        push(Fault::LinkLocalPrefix);
    } else if autonomous && info.prefix_len != 64 {
        push(Fault::AutonomousLength(prefix));
    }
}

/// PvDs whose prefixes lead nowhere: none of those who give them is a default router.
fn routerless(registry: &Registry, now: Duration, found: &mut Findings) {
    for pvd in registry.members().iter() {
        let attributes = pvd.attributes();
        let sources = attributes.sources();
        let routed = attributes.is_static() || sources.iter().any(|source| !source.router_until().passed(now));
        let prefixes = attributes.known(now).iter().any(|known| known.fact.owned_prefix().is_some());
        if !routed && prefixes {
            let routers: Vec<Origin> = sources.iter().map(|source| source.origin()).collect();
            found.push(Fault::NoDefaultRouter, &routers, Some(pvd.id().clone()));
        }
    }
}

/// Routers in whose name the operator wants something announced.
fn impersonated(registry: &Registry, now: Duration, found: &mut Findings) {
    if !registry.announces() {
        return;
    }
    let sources = registry.members().iter().flat_map(|pvd| pvd.attributes().sources().to_vec());
    let routers: BTreeMap<_, _> = sources
        .filter(|source| !source.router_until().passed(now))
        .filter_map(|source| Some((source.origin().router()?, source.origin())))
        .collect();
    for pvd in registry.members().iter() {
        let attributes = pvd.attributes();
        let said = attributes.source(Origin::Operator).and_then(Source::announcement);
        if let Some(who) = said.and_then(|said| routers.get(&said.router)) {
            found.push(Fault::AnnouncedInItsName, &[*who], Some(pvd.id().clone()));
        }
    }
}
