// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! An advertisement as it may be said again later: lifetimes are what is left of them, and what has ended is not in it.
//!
//! A lifetime of zero would be worse than useless: it tells hosts to drop what they may have from somebody else.

use crate::advert::Advert;
use crate::cache::CachedRa;
use crate::responder::ALL_NODES;
use core::net::Ipv6Addr;
use std::time::Duration;
use wire::Prefix;
use wire::nd::{self, NdOption, PvdOption, RaHeader, RawOption, RawOptions, RouterAdvert, kind};

/// Octets of the unit in which options count their lengths (RFC 4861 section 4.6).
const UNIT: usize = 8;

/// The message for `to`, its checksum included. Of prefixes only those that `holds` lets pass are in it. `None`: it is
/// signed and must not be changed, or its router is none any more.
pub(crate) fn replay(ra: &CachedRa, to: Ipv6Addr, now: Duration, holds: impl Fn(Prefix) -> bool) -> Option<Vec<u8>> {
    if ra.router_until().passed(now) {
        return None;
    }
    aged(&ra.octets, (ra.router, to), seconds(now.saturating_sub(ra.last)), holds)
}

/// A message of `router` as it may be said to all nodes `elapsed` after it came, by whoever got it from elsewhere. `None`: it is
/// none, is signed and must not be changed, or its router is none any more.
pub fn aged_by(octets: &[u8], router: Ipv6Addr, elapsed: Duration) -> Option<Vec<u8>> {
    let message = aged(octets, (router, ALL_NODES), seconds(elapsed), |_| true)?;
    let lives = Advert::new(0, router, RouterAdvert::parse(&message).ok()?).ok()?.header().lifetime > 0;
    lives.then_some(message)
}

/// What takes back all that a message of `router` says: the same with lifetimes of zero. `None`: it is none, or is signed.
pub fn withdrawn(octets: &[u8], router: Ipv6Addr) -> Option<Vec<u8>> {
    let mut message = octets.to_vec();
    nd::rewrite_lifetimes(&mut message, router, ALL_NODES, |_| 0).ok()?;
    RouterAdvert::parse(&message).is_ok().then_some(message)
}

fn aged(
    octets: &[u8],
    (router, to): (Ipv6Addr, Ipv6Addr),
    elapsed: u32,
    holds: impl Fn(Prefix) -> bool,
) -> Option<Vec<u8>> {
    let advert = RouterAdvert::parse(octets).ok().filter(|advert| !advert.is_signed())?;
    let stays = |option: &RawOption<'_>| lasts(option, elapsed, &holds);
    let mut message = octets.get(..RaHeader::LEN)?.to_vec();
    // The one PvD Option that counts; every other is left out.
    let mut pvd = advert.pvd().ok()?;
    for option in advert.raw_options().flatten() {
        match option.kind {
            kind::PVD => message.extend(pvd.take().map(|pvd| thinned(&option, &pvd, stays)).unwrap_or_default()),
            _ if stays(&option) => message.extend(option.bytes),
            _ => {}
        }
    }
    nd::rewrite_lifetimes(&mut message, router, to, |lifetime| nd::aged(lifetime, elapsed)).ok()?;
    Some(message)
}

/// Seconds, begun ones included: nobody is promised more than its router said.
fn seconds(elapsed: Duration) -> u32 {
    let seconds = elapsed.as_secs() + u64::from(elapsed.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// The PvD Option without what has ended inside it.
fn thinned(option: &RawOption<'_>, pvd: &PvdOption<'_>, stays: impl Fn(&RawOption<'_>) -> bool) -> Vec<u8> {
    let head = option.bytes.len() - pvd.nested.len();
    let mut bytes = option.bytes[..head].to_vec();
    let inside = RawOptions::new(pvd.nested).flatten().filter(|inside| inside.kind != kind::PVD && stays(inside));
    inside.for_each(|inside| bytes.extend(inside.bytes));
    // Not longer than it was, and that fitted.
    bytes[1] = (bytes.len() / UNIT) as u8;
    bytes
}

/// Some of its lifetime is left. What has none lasts, and so does what nobody here can read.
fn lasts(option: &RawOption<'_>, elapsed: u32, holds: &impl Fn(Prefix) -> bool) -> bool {
    let left = |lifetime| nd::aged(lifetime, elapsed) > 0;
    match option.parse() {
        Ok(NdOption::Prefix(info)) => left(info.valid) && holds(Prefix::of(info.prefix, info.prefix_len)),
        Ok(NdOption::Route(route)) => left(route.lifetime),
        Ok(NdOption::Rdnss(rdnss)) => left(rdnss.lifetime),
        Ok(NdOption::Dnssl(dnssl)) => left(dnssl.lifetime),
        // It counts eights.
        Ok(NdOption::Pref64(pref64)) => nd::aged(pref64.lifetime.into(), elapsed) >= 8,
        _ => true,
    }
}
