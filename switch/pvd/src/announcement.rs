// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What hosts are told of a static PvD: Router Advertisements in the name of a router that the operator chose.
//!
//! Everything stands inside the PvD Option, so that a host that knows nothing of PvDs learns nothing. Nobody repeats these
//! advertisements of his own accord, and a host may ask only once: lifetimes are the longest that are usual, and never
//! infinite, for what is deleted must end some day.

use crate::PvdName;
use crate::advert::PvdFlags;
use crate::fact::Fact;
use crate::responder::Replayed;
use crate::source::{Entry, Source};
use core::net::Ipv6Addr;
use wire::MacAddr;
use wire::Prefix;
use wire::nd::{
    BuildError, Dnssl, NdOption, Pref64, Preference, PrefixInfo, PvdOption, RaHeader, Rdnss, RouteInfo, RouterAdvert,
    encode,
};

/// Seconds for which what is announced is valid: `AdvValidLifetime` of RFC 4861 section 6.2.1.
pub const VALID: u32 = 2_592_000;
/// Seconds for which addresses are preferred: `AdvPreferredLifetime` of RFC 4861 section 6.2.1.
pub const PREFERRED: u32 = 604_800;
/// Seconds of a NAT64 prefix, the most that its option can say (RFC 8781 section 4).
const PREF64_VALID: u16 = 0xfff8;
/// Resolvers in one option, so that it fits into the smallest MTU together with any name.
const SERVERS_AT_ONCE: usize = 16;
/// Octets of options inside one PvD Option: with them it is within 255 units, whatever its name.
const NESTED_MAX: usize = 255 * 8 - 264 - RaHeader::LEN;

/// In whose name hosts are told of a static PvD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The link-local address that the advertisements come from.
    pub router: Ipv6Addr,
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// Seconds for which it is a default router; 0: it is none.
    pub lifetime: u16,
    /// Whether that is said inside the PvD Option only, to hosts that know of PvDs (R flag). Some hosts then ignore the
    /// PvD altogether.
    pub inner: bool,
}

impl Announcement {
    /// Seconds for which its router is a default router to hosts that know no PvDs.
    pub fn outer_lifetime(&self) -> u16 {
        if self.inner { 0 } else { self.lifetime }
    }

    /// Whether hosts that know no PvDs can hear both from one router. What they hear last holds for them.
    pub fn agrees(&self, other: &Announcement) -> bool {
        self.router != other.router || (self.mac, self.outer_lifetime()) == (other.mac, other.outer_lifetime())
    }
}

/// The messages to `to`, with checksums; none where the operator has nothing announced. `wire::nd::split` cuts them to an
/// MTU.
pub(crate) fn advertisements(name: &PvdName, source: &Source, to: Ipv6Addr) -> Vec<Replayed> {
    let said = source.announcement.as_ref();
    said.map(|said| said_of(name, source, said, (to, Span::Usual, said.outer_lifetime()))).unwrap_or_default()
}

/// The same, announced like this, for so long, and with this router lifetime for hosts that know no PvDs.
pub(crate) fn said_of(
    name: &PvdName,
    source: &Source,
    said: &Announcement,
    (to, span, outer): (Ipv6Addr, Span, u16),
) -> Vec<Replayed> {
    let replayed = |octets| Replayed { router: said.router, mac: said.mac, octets };
    let messages = messages(name, source, said, (to, span, outer));
    // What cannot be said was refused when it was set.
    messages.unwrap_or_default().into_iter().map(replayed).collect()
}

/// For how long facts are said to be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// As long as is usual.
    Usual,
    /// They are true no more. Hosts keep an address for up to two hours, and use it for nothing new (RFC 4862 section 5.5.3).
    Over,
}

impl Span {
    fn seconds<T: Default>(self, usual: T) -> T {
        if self == Span::Usual { usual } else { T::default() }
    }
}

fn messages(
    name: &PvdName,
    source: &Source,
    said: &Announcement,
    (to, span, outer): (Ipv6Addr, Span, u16),
) -> Result<Vec<Vec<u8>>, BuildError> {
    let PvdFlags { http, legacy, sequence, delay, .. } = source.flags;
    let header = |lifetime| RaHeader { lifetime, ..RaHeader::default() };
    let (outer, inner) = (header(outer), said.inner.then(|| header(said.lifetime)));
    // Without H neither means anything, and both should be 0 (RFC 8801 section 3.1).
    let (sequence, delay) = if http { (sequence, delay) } else { (0, 0) };
    let one = |nested: &Vec<u8>| {
        let name = name.as_name();
        let pvd = PvdOption { http, legacy, delay, sequence, name, header: inner, nested };
        let options = encode([NdOption::SourceLinkLayer(said.mac), NdOption::Pvd(pvd)])?;
        RouterAdvert { header: outer, options: &options }.to_message(said.router, to)
    };
    nested(source, span)?.iter().map(one).collect()
}

/// The options, as many together as one PvD Option holds; at least one lot, which may be empty.
fn nested(source: &Source, span: Span) -> Result<Vec<Vec<u8>>, BuildError> {
    let mut lots = vec![Vec::new()];
    for option in options(source, span)? {
        match lots.last_mut() {
            Some(lot) if lot.len() + option.len() <= NESTED_MAX => lot.extend(option),
            _ => lots.push(option),
        }
    }
    Ok(lots)
}

fn options(source: &Source, span: Span) -> Result<Vec<Vec<u8>>, BuildError> {
    let (parameters, mut all) = (&source.parameters, Vec::new());
    if parameters.mtu > 0 {
        all.push(encode([NdOption::Mtu(parameters.mtu)])?);
    }
    if !parameters.captive_portal.is_empty() {
        all.push(encode([NdOption::CaptivePortal(&parameters.captive_portal)])?);
    }
    for entry in &source.entries {
        all.extend(option(entry, span).map(|option| encode([option])).transpose()?);
    }
    let server = |entry: &Entry| if let Fact::Rdnss(server) = entry.fact() { Some(server.octets()) } else { None };
    let servers: Vec<[u8; 16]> = source.entries.iter().filter_map(server).collect();
    for addresses in servers.chunks(SERVERS_AT_ONCE) {
        all.push(encode([NdOption::Rdnss(Rdnss { lifetime: span.seconds(VALID), addresses })])?);
    }
    Ok(all)
}

/// The option of its own that a fact is said in; resolvers share theirs.
fn option(entry: &Entry, span: Span) -> Option<NdOption<'_>> {
    let parts = |prefix: &Prefix| (prefix.address(), prefix.length());
    let (valid, preferred) = (span.seconds(VALID), span.seconds(PREFERRED));
    match entry.fact() {
        Fact::Prefix(prefix) => {
            let ((prefix, prefix_len), flags) = (parts(prefix), entry.flags());
            Some(NdOption::Prefix(PrefixInfo { prefix, prefix_len, flags, valid, preferred }))
        }
        Fact::Route(prefix) => {
            let (prefix, prefix_len) = parts(prefix);
            let all = [Preference::Low, Preference::Medium, Preference::High];
            let preference = all.into_iter().find(|other| *other as u8 == entry.flags()).unwrap_or_default();
            Some(NdOption::Route(RouteInfo { prefix, prefix_len, preference, lifetime: valid }))
        }
        Fact::Dnssl(name) => Dnssl::new(valid, name.as_wire()).ok().map(NdOption::Dnssl),
        Fact::Pref64(prefix) => {
            let (prefix, prefix_len) = parts(prefix);
            let lifetime = span.seconds(PREF64_VALID);
            Some(NdOption::Pref64(Pref64 { prefix, prefix_len, lifetime }))
        }
        Fact::Rdnss(_) => None,
    }
}
