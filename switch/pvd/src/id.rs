// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which provisioning domain: what is compared when something is learnt again.

use crate::PvdName;
use core::net::Ipv6Addr;
use std::fmt;
use wire::name::NameRef;

/// The identity of a PvD inside one namespace. Namespaces do not share identities: a name in one says nothing about
/// the same name in another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PvdId {
    /// Named by its routers (RFC 8801 section 3.1); the same from whatever port and router it is heard.
    Explicit(PvdName),
    /// Not named, so known by where it is heard: two routers that happen to use the same link-local address behind
    /// different ports are different domains. See [`PvdId::implicit`].
    Implicit {
        /// The number by which the caller knows the port.
        port: u32,
        /// The router's link-local address.
        router: Ipv6Addr,
    },
}

impl PvdId {
    /// The implicit PvD of a router behind a port. `None` when `router` is not link-local, which the source of a Router
    /// Advertisement must be (RFC 4861 section 6.1.2).
    pub fn implicit(port: u32, router: Ipv6Addr) -> Option<PvdId> {
        router.is_unicast_link_local().then_some(PvdId::Implicit { port, router })
    }

    /// The name, when it has one.
    pub fn name(&self) -> Option<&PvdName> {
        match self {
            PvdId::Explicit(name) => Some(name),
            PvdId::Implicit { .. } => None,
        }
    }

    pub(crate) fn borrowed(&self) -> PvdIdRef<'_> {
        match self {
            PvdId::Explicit(name) => PvdIdRef::Explicit(name.as_name()),
            PvdId::Implicit { port, router } => PvdIdRef::Implicit { port: *port, router: *router },
        }
    }
}

/// A [`PvdId`] as it stands in a message, so that one that is known already is found without a copy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PvdIdRef<'a> {
    Explicit(NameRef<'a>),
    Implicit { port: u32, router: Ipv6Addr },
}

impl PvdIdRef<'_> {
    pub(crate) fn to_owned(self) -> PvdId {
        match self {
            PvdIdRef::Explicit(name) => PvdId::Explicit(name.into()),
            PvdIdRef::Implicit { port, router } => PvdId::Implicit { port, router },
        }
    }
}

impl PartialEq<PvdIdRef<'_>> for PvdId {
    fn eq(&self, other: &PvdIdRef<'_>) -> bool {
        match (self, *other) {
            (PvdId::Explicit(a), PvdIdRef::Explicit(b)) => a.as_name() == b,
            (PvdId::Implicit { port, router }, PvdIdRef::Implicit { port: p, router: r }) => (*port, *router) == (p, r),
            _ => false,
        }
    }
}

/// `example.org.`, or `fe80::1%3`. The first always ends in a dot and the second never does, so texts do not collide.
impl fmt::Display for PvdId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PvdId::Explicit(name) => name.fmt(f),
            PvdId::Implicit { port, router } => write!(f, "{router}%{port}"),
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_the_same_router_address_behind_two_ports_is_two_domains() {
        let router = "fe80::1".parse().unwrap();
        let (a, b) = (PvdId::implicit(1, router).unwrap(), PvdId::implicit(2, router).unwrap());
        assert_ne!(a, b);
        assert_eq!((a.to_string(), a.name()), ("fe80::1%1".to_owned(), None));
    }

    #[test]
    fn test_a_router_is_known_by_a_link_local_address_only() {
        for text in ["2001:db8::1", "::", "ff02::1", "fec0::1"] {
            assert_eq!(PvdId::implicit(1, text.parse().unwrap()), None, "{text}");
        }
        assert!(PvdId::implicit(1, "febf::1".parse().unwrap()).is_some());
    }

    #[test]
    fn test_an_explicit_one_is_its_name() {
        let id = |text: &str| PvdId::Explicit(text.parse().unwrap());
        assert_eq!(id("PVD.example"), id("pvd.EXAMPLE."));
        assert_eq!(id("pvd.example").to_string(), "pvd.example.");
    }
}
