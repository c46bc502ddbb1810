// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an option of a Router Advertisement is about. What two options say about the same thing replaces each other;
//! what is said about different things adds up.

use crate::PvdName;
use core::net::Ipv6Addr;
use wire::Prefix;
use wire::name::NameRef;

/// What is known, without until when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// A prefix is on the link, or addresses are made from it (RFC 4861 section 4.6.2).
    Prefix(Prefix),
    /// The router leads there (RFC 4191 section 2.3).
    Route(Prefix),
    /// A recursive DNS server (RFC 8106 section 5.1).
    Rdnss(Ipv6Addr),
    /// A DNS search domain (RFC 8106 section 5.2).
    Dnssl(PvdName),
    /// A NAT64 prefix (RFC 8781 section 4).
    Pref64(Prefix),
}

/// A [`Fact`] as it stands in an option, so that one that is known already can be recognised without a copy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FactRef<'a> {
    /// See [`Fact::Prefix`].
    Prefix(Prefix),
    /// See [`Fact::Route`].
    Route(Prefix),
    /// See [`Fact::Rdnss`].
    Rdnss(Ipv6Addr),
    /// See [`Fact::Dnssl`].
    Dnssl(NameRef<'a>),
    /// See [`Fact::Pref64`].
    Pref64(Prefix),
}

impl Fact {
    /// It is what the option is about.
    pub(crate) fn is(&self, other: &FactRef<'_>) -> bool {
        match (self, other) {
            (Fact::Prefix(a), FactRef::Prefix(b))
            | (Fact::Route(a), FactRef::Route(b))
            | (Fact::Pref64(a), FactRef::Pref64(b)) => a == b,
            (Fact::Rdnss(a), FactRef::Rdnss(b)) => a == b,
            (Fact::Dnssl(a), FactRef::Dnssl(b)) => a.as_name() == *b,
            _ => false,
        }
    }

    /// The prefix that belongs to one PvD at a time (RFC 8801 section 3.4): that of a Prefix Information Option.
    pub fn owned_prefix(&self) -> Option<Prefix> {
        match self {
            Fact::Prefix(prefix) => Some(*prefix),
            _ => None,
        }
    }
}

impl FactRef<'_> {
    /// A copy to keep.
    pub(crate) fn to_owned(self) -> Fact {
        match self {
            FactRef::Prefix(prefix) => Fact::Prefix(prefix),
            FactRef::Route(prefix) => Fact::Route(prefix),
            FactRef::Rdnss(address) => Fact::Rdnss(address),
            FactRef::Dnssl(name) => Fact::Dnssl(name.into()),
            FactRef::Pref64(prefix) => Fact::Pref64(prefix),
        }
    }

    /// See [`Fact::owned_prefix`].
    pub(crate) fn owned_prefix(&self) -> Option<Prefix> {
        match self {
            FactRef::Prefix(prefix) => Some(*prefix),
            _ => None,
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_prefix_has_no_bits_beyond_its_length() {
        let prefix = |text: &str, length| Prefix::of(text.parse().unwrap(), length);
        assert_eq!(prefix("2001:db8::1", 64), prefix("2001:db8::", 64));
        assert_ne!(prefix("2001:db8::", 64), prefix("2001:db8::", 65));
        assert_eq!(prefix("2001:db8::1", 0).to_string(), "::/0");
        assert_eq!(prefix("2001:db8::1", 200).to_string(), "2001:db8::1/128");
    }

    #[test]
    fn test_a_prefix_covers_itself_and_longer_ones_of_its_own() {
        let prefix = |text: &str, length| Prefix::of(text.parse().unwrap(), length);
        let site = prefix("2001:db8::", 48);
        assert!(site.covers(site) && site.covers(prefix("2001:db8:0:7::", 64)) && prefix("::", 0).covers(site));
        assert!(!site.covers(prefix("2001:db8:1::", 64)) && !site.covers(prefix("2001:db8::", 47)));
    }

    #[test]
    fn test_a_search_domain_is_the_same_in_any_case() {
        let domain = |wire| FactRef::Dnssl(NameRef::split(wire).unwrap().0);
        let fact = domain(b"\x04Corp\x07EXAMPLE\x00").to_owned();
        assert!(fact.is(&domain(b"\x04Corp\x07EXAMPLE\x00")) && fact.is(&domain(b"\x04corp\x07example\x00")));
        assert!(!fact.is(&domain(b"\x04corp\x00")));
    }
}
