// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the router behind a port may say: the stateless criteria of RFC 6105 section 3, and what PvDs add to them.
//!
//! A Router Advertisement is judged as a whole: what of it is allowed does not pass without the rest, for a switch does
//! not change what routers say. It must also be beyond doubt. What one receiver steps over another may take in: options
//! of a wrong length, a second PvD Option, one inside another. On a port with rules an advertisement that has such a
//! thing is malformed, whatever else it says.

use core::net::Ipv6Addr;
use std::collections::BTreeSet;

use wire::name::{DomainName, WIRE_MAX};
use wire::nd::{NdError, NdOption, Preference, PvdOption, RawOptions, RouteInfo, RouterAdvert, kind};
use wire::{MacAddr, Prefix};

use crate::drops::DropReason;

/// Octets of the largest option (RFC 4861 section 4.6): more no PvD Option has inside.
pub const PVD_SIZE: u16 = 255 * 8;

/// What a port that may send Router Advertisements may say in them. An empty set allows anything. The default allows all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaGuard {
    /// Link-local addresses of its routers. They are the only sources of Redirects too.
    pub routers: BTreeSet<Ipv6Addr>,
    /// MACs of its routers: of the frame's source, and of what the advertisement says that the router's is.
    pub macs: BTreeSet<MacAddr>,
    /// In one of these lies each prefix that it tells of, and each route. The default route may be told in any case: it is
    /// what a router lifetime says as well.
    pub prefixes: BTreeSet<Prefix>,
    /// PvDs that it may name.
    pub pvds: BTreeSet<DomainName>,
    /// Whether it has to name one.
    pub pvd_required: bool,
    /// Whether it may send hosts to fetch more about its PvD (H flag, RFC 8801 section 4.1).
    pub http: bool,
    /// Octets of options that a PvD Option may have inside, at most; [`PVD_SIZE`] is as many as there can be.
    pub pvd_size: u16,
    /// The highest preference that it and its routes may have (RFC 4191 section 2.1).
    pub preference: Preference,
    /// Whether IPv6 packets pass whose header chain leads to a number that may be an extension header which nobody knows
    /// (RFC 7113 section 3, rule 5), from a host too.
    pub unrecognised: bool,
}

impl Default for RaGuard {
    fn default() -> Self {
        Self {
            routers: BTreeSet::new(),
            macs: BTreeSet::new(),
            prefixes: BTreeSet::new(),
            pvds: BTreeSet::new(),
            pvd_required: false,
            http: true,
            pvd_size: PVD_SIZE,
            preference: Preference::High,
            unrecognised: false,
        }
    }
}

impl RaGuard {
    /// Whether a router may say anything.
    #[must_use]
    pub fn allows_all(&self) -> bool {
        let Self { routers, macs, prefixes, pvds, pvd_required, http, pvd_size, preference, unrecognised: _ } = self;
        let named = routers.is_empty() & macs.is_empty() & prefixes.is_empty() & pvds.is_empty();
        named & !pvd_required & http & (*pvd_size >= PVD_SIZE) & (*preference == Preference::High)
    }

    /// Judges an advertisement that came from `src` in a frame of `mac`. Does not allocate.
    ///
    /// # Errors
    /// Why it may not be sent.
    pub fn judge(&self, mac: MacAddr, src: Ipv6Addr, advert: &RouterAdvert<'_>) -> Result<(), DropReason> {
        self.check_sender(mac, src)?;
        self.check_preference(advert.header.preference())?;
        let pvds = self.check_options(advert.raw_options())?;
        match advert.pvd().map_err(malformed)? {
            Some(pvd) if pvds == 1 => self.check_pvd(&pvd),
            None if self.pvd_required => Err(DropReason::RaPvd),
            None => Ok(()),
            // RFC 8801 section 3.2: one at most.
            Some(_) => Err(DropReason::RaMalformed),
        }
    }

    /// Judges who speaks as a router.
    pub(crate) fn check_sender(&self, mac: MacAddr, src: Ipv6Addr) -> Result<(), DropReason> {
        require(&self.routers, &src, DropReason::RaRouter)?;
        require(&self.macs, &mac, DropReason::RaMac)
    }

    fn check_preference(&self, preference: Preference) -> Result<(), DropReason> {
        if preference <= self.preference { Ok(()) } else { Err(DropReason::RaPreference) }
    }

    /// Judges options, but for what a PvD Option says. Returns how many of those there are.
    fn check_options(&self, options: RawOptions<'_>) -> Result<usize, DropReason> {
        let mut pvds = 0;
        for option in options {
            let option = option.map_err(malformed)?;
            pvds += usize::from(option.kind == kind::PVD);
            match option.parse().map_err(malformed)? {
                NdOption::SourceLinkLayer(mac) => require(&self.macs, &mac, DropReason::RaMac)?,
                NdOption::Prefix(info) => self.check_prefix(info.prefix, info.prefix_len)?,
                NdOption::Route(route) => self.check_route(&route)?,
                _ => {}
            }
        }
        Ok(pvds)
    }

    fn check_prefix(&self, prefix: Ipv6Addr, len: u8) -> Result<(), DropReason> {
        let good =
            self.prefixes.is_empty() || self.prefixes.iter().any(|allowed| allowed.covers(Prefix::of(prefix, len)));
        if good { Ok(()) } else { Err(DropReason::RaPrefix) }
    }

    /// A route draws the traffic of its destinations away from other routers, so it has to lie where the router is at
    /// home. The default route draws no more than a router lifetime does, which any router may have; that it draws no
    /// harder is what the preference is for.
    fn check_route(&self, route: &RouteInfo) -> Result<(), DropReason> {
        self.check_preference(route.preference)?;
        if route.prefix_len == 0 { Ok(()) } else { self.check_prefix(route.prefix, route.prefix_len) }
    }

    fn check_pvd(&self, pvd: &PvdOption<'_>) -> Result<(), DropReason> {
        let mut buffer = [0; WIRE_MAX];
        if !self.pvds.is_empty() && !self.pvds.contains(pvd.name.fold_into(&mut buffer)) {
            return Err(DropReason::RaPvd);
        }
        if pvd.http && !self.http {
            return Err(DropReason::RaHttp);
        }
        if pvd.nested.len() > usize::from(self.pvd_size) {
            return Err(DropReason::RaPvdSize);
        }
        pvd.header.map_or(Ok(()), |header| self.check_preference(header.preference()))?;
        if self.check_options(pvd.raw_options())? > 0 { Err(DropReason::RaMalformed) } else { Ok(()) }
    }
}

fn malformed(_: NdError) -> DropReason {
    DropReason::RaMalformed
}

fn require<T: Ord>(allowed: &BTreeSet<T>, said: &T, reason: DropReason) -> Result<(), DropReason> {
    if allowed.is_empty() || allowed.contains(said) { Ok(()) } else { Err(reason) }
}

#[cfg(test)]
mod tests;
