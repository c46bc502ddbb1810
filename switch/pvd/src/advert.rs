// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A Router Advertisement as the registry takes it in: who said it, of which PvD, and what.
//!
//! RFC 8801's rules of which part of the message holds are applied here: the inner header of the PvD Option before the
//! outer one, its options after those outside, so that the inner ones win. So are the rules of what a receiver ignores.

use crate::fact::FactRef;
use crate::lifetime::Lifetime;
use core::net::Ipv6Addr;
use wire::Prefix;
use wire::name::NameRef;
use wire::nd::{NdError, NdOption, PrefixInfo, PvdOption, RaHeader, RouterAdvert, pio_flag};

/// The smallest MTU of a link that carries IPv6, in bytes (RFC 8200 section 5). Less is a mistake.
pub(crate) const MTU_MIN: u32 = 1280;

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The operator; lasts until he takes it back.
    Operator,
    /// A router.
    Router {
        /// The number by which the caller knows the port behind which it is.
        port: u32,
        /// Its link-local address.
        address: Ipv6Addr,
    },
}

impl Origin {
    /// The port, if it was heard from one.
    pub fn port(self) -> Option<u32> {
        match self {
            Origin::Operator => None,
            Origin::Router { port, .. } => Some(port),
        }
    }

    /// The link-local address of a router.
    pub fn router(self) -> Option<Ipv6Addr> {
        match self {
            Origin::Operator => None,
            Origin::Router { address, .. } => Some(address),
        }
    }
}

/// What a PvD Option says of its PvD (RFC 8801 section 3.1). All zero for an implicit PvD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PvdFlags {
    /// H: there is Additional Information at `https://<name>/.well-known/pvd`.
    pub http: bool,
    /// L: what DHCPv4 gives belongs to this PvD.
    pub legacy: bool,
    /// R: the option has a header of its own, which holds instead of that of the message.
    pub header: bool,
    /// Changes with the Additional Information; 0 without H.
    pub sequence: u16,
    /// How far fetching is to be spread, 0 to 15; 0 without H.
    pub delay: u8,
    /// The option is not the router's: it was injected on the way.
    pub injected: bool,
}

impl PvdFlags {
    /// Without H, sequence and delay mean nothing (RFC 8801 section 3.1).
    fn read(option: &PvdOption<'_>) -> PvdFlags {
        PvdFlags {
            http: option.http,
            legacy: option.legacy,
            header: option.header.is_some(),
            sequence: if option.http { option.sequence } else { 0 },
            delay: if option.http { option.delay } else { 0 },
            injected: false,
        }
    }
}

/// Parameters that have no lifetime of their own: they hold for as long as the router says anything. Zero means
/// unspecified, and leaves what was said before (RFC 4861 section 6.3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parameters<Uri> {
    /// The hop limit for hosts.
    pub hop_limit: u8,
    /// The header's flags as on the wire: [`wire::nd::ra_flag`]s and the preference as default router.
    pub flags: u8,
    /// Milliseconds for which a neighbour counts as reachable.
    pub reachable: u32,
    /// Milliseconds between solicitations of neighbours.
    pub retrans: u32,
    /// The link's MTU, in bytes.
    pub mtu: u32,
    /// The captive portal (RFC 8910 section 2.3); empty when there is none.
    pub captive_portal: Uri,
}

/// What one option says about one thing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saying<'a> {
    pub(crate) fact: FactRef<'a>,
    /// See [`crate::Entry::flags`].
    pub(crate) flags: u8,
    /// How long it is true; `None`: it is withdrawn.
    pub(crate) valid: Option<Lifetime>,
    /// How long addresses from this prefix are preferred. The same as `valid` for everything but prefixes.
    pub(crate) preferred: Option<Lifetime>,
}

impl<'a> Saying<'a> {
    fn new(fact: FactRef<'a>, flags: u8, lifetime: u32) -> Saying<'a> {
        let lifetime = Lifetime::from_wire(lifetime);
        Saying { fact, flags, valid: lifetime, preferred: lifetime }
    }

    /// `None`: hosts must ignore it. That holds for the link-local prefix (RFC 4861 section 6.3.4), and no group is on a
    /// link. One that is preferred for longer than it is valid gives no addresses (RFC 4862 section 5.5.3).
    fn prefix(info: &PrefixInfo) -> Option<Saying<'a>> {
        let wrong = info.preferred > info.valid;
        let flags = if wrong { info.flags & !pio_flag::AUTONOMOUS } else { info.flags };
        let fact = FactRef::Prefix(Prefix::of(info.prefix, info.prefix_len));
        let saying = Saying { preferred: Lifetime::from_wire(info.preferred), ..Saying::new(fact, flags, info.valid) };
        (!info.prefix.is_unicast_link_local() && !info.prefix.is_multicast()).then_some(saying)
    }
}

/// One Router Advertisement, and where it came from.
#[derive(Clone, Copy, Debug)]
pub struct Advert<'a> {
    /// The port that it came in from.
    pub port: u32,
    /// Its source address.
    pub router: Ipv6Addr,
    message: RouterAdvert<'a>,
    pvd: Option<PvdOption<'a>>,
    injected: bool,
}

impl<'a> Advert<'a> {
    /// A message that came in. That its checksum and hop limit are right is known already (RFC 4861 section 6.1.2).
    ///
    /// # Errors
    /// Nothing of it may be used: [`NdError::discards_message`].
    pub fn new(port: u32, router: Ipv6Addr, message: RouterAdvert<'a>) -> Result<Advert<'a>, NdError> {
        Ok(Advert { port, router, message, pvd: message.pvd()?, injected: false })
    }

    /// The same, and its PvD Option was injected.
    #[must_use]
    pub fn injected(self) -> Advert<'a> {
        Advert { injected: true, ..self }
    }

    /// The name of its PvD; `None`: it belongs to the implicit one of its router.
    pub fn name(&self) -> Option<NameRef<'a>> {
        self.pvd.map(|pvd| pvd.name)
    }

    /// Who says it.
    pub fn origin(&self) -> Origin {
        Origin::Router { port: self.port, address: self.router }
    }

    /// The header that counts for whoever knows of PvDs (RFC 8801 section 3.4).
    pub fn header(&self) -> RaHeader {
        self.pvd.and_then(|pvd| pvd.header).unwrap_or(self.message.header)
    }

    /// What the PvD Option says.
    pub fn flags(&self) -> PvdFlags {
        let flags = self.pvd.as_ref().map(PvdFlags::read).unwrap_or_default();
        PvdFlags { injected: self.injected, ..flags }
    }

    /// What it says that has no lifetime.
    pub fn parameters(&self) -> Parameters<&'a [u8]> {
        let header = self.header();
        let mut parameters = Parameters {
            hop_limit: header.hop_limit,
            flags: header.with_preference(header.preference()).flags,
            reachable: header.reachable,
            retrans: header.retrans,
            ..Parameters::default()
        };
        for option in self.options() {
            match option {
                NdOption::Mtu(mtu) if mtu >= MTU_MIN => parameters.mtu = mtu,
                NdOption::CaptivePortal(uri) => parameters.captive_portal = uri,
                _ => {}
            }
        }
        parameters
    }

    /// What it says about one thing after the other. What is said later holds.
    pub(crate) fn sayings(&self) -> impl Iterator<Item = Saying<'a>> + use<'a> {
        self.options().flat_map(|option| {
            let (mut one, mut servers, mut domains) = (None, None, None);
            match option {
                NdOption::Prefix(info) => one = Saying::prefix(&info),
                NdOption::Route(route) => {
                    let fact = FactRef::Route(Prefix::of(route.prefix, route.prefix_len));
                    one = Some(Saying::new(fact, route.preference as u8, route.lifetime));
                }
                NdOption::Pref64(pref64) => {
                    let fact = FactRef::Pref64(Prefix::of(pref64.prefix, pref64.prefix_len));
                    one = Some(Saying::new(fact, 0, pref64.lifetime.into()));
                }
                NdOption::Rdnss(rdnss) => servers = Some(rdnss),
                NdOption::Dnssl(dnssl) => domains = Some(dnssl),
                _ => {}
            }
            let servers = servers.into_iter().flat_map(|rdnss| {
                rdnss.servers().map(move |server| Saying::new(FactRef::Rdnss(server), 0, rdnss.lifetime))
            });
            let domains = domains.into_iter().flat_map(|dnssl| {
                dnssl.domains().map(move |name| Saying::new(FactRef::Dnssl(name), 0, dnssl.lifetime))
            });
            one.into_iter().chain(servers).chain(domains)
        })
    }

    /// All options that can be read, those inside the PvD Option after the others.
    fn options(&self) -> impl Iterator<Item = NdOption<'a>> + use<'a> {
        let inside = self.pvd.into_iter().flat_map(|pvd| pvd.options());
        self.message.options().chain(inside).flatten()
    }
}
