// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What can be wrong with Router Advertisements: each with a word, a sentence, and where it is said that it is wrong.

use std::fmt;
use wire::Prefix;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Hosts will do something, and perhaps not what is meant.
    Warning,
    /// It must not be, or hosts ignore it.
    Error,
}

/// What routers of one link should say alike (RFC 4861 section 6.2.7), or of one PvD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The hop limit.
    HopLimit,
    /// M: addresses by DHCPv6, 0 or 1.
    Managed,
    /// O: other configuration by DHCPv6, 0 or 1.
    Other,
    /// Milliseconds for which a neighbour counts as reachable.
    Reachable,
    /// Milliseconds between solicitations of neighbours.
    Retrans,
    /// The MTU in bytes.
    Mtu,
    /// H of a PvD, 0 or 1.
    Http,
    /// L of a PvD, 0 or 1.
    Legacy,
    /// The sequence number of a PvD.
    Sequence,
    /// The delay of a PvD.
    Delay,
}

impl Field {
    fn as_str(self) -> &'static str {
        match self {
            Field::HopLimit => "the hop limit",
            Field::Managed => "the flag managed",
            Field::Other => "the flag other",
            Field::Reachable => "the reachable time in ms",
            Field::Retrans => "the retransmission time in ms",
            Field::Mtu => "the MTU",
            Field::Http => "the flag http of the PvD",
            Field::Legacy => "the flag legacy of the PvD",
            Field::Sequence => "the sequence number of the PvD",
            Field::Delay => "the delay of the PvD",
        }
    }

    fn is_of_pvd(self) -> bool {
        self >= Field::Http
    }
}

/// Something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Two routers say different things.
    Differs(Field, u32, u32),
    /// Two routers give a prefix different lifetimes, which do not end together either: the valid ones, or the preferred.
    PrefixLifetime(Prefix, u32, u32),
    /// Two routers give a prefix different flags.
    PrefixFlags(Prefix),
    /// A prefix is said to belong to several PvDs.
    PrefixOfSeveral(Prefix),
    /// Several PvDs claim what DHCPv4 tells.
    SeveralLegacy,
    /// A router says something without a PvD, and something of a PvD, from one address.
    ImplicitBesideExplicit,
    /// There is more than one PvD Option in a message.
    SeveralPvdOptions,
    /// There is a PvD Option inside a PvD Option.
    NestedPvdOption,
    /// A sequence number or a delay without Additional Information.
    SequenceWithoutHttp,
    /// Flags of the PvD Option that must be zero.
    ReservedPvdFlags,
    /// The preference as default router is the reserved value.
    ReservedPreference,
    /// The reachable time is longer than an hour: so many milliseconds.
    ReachableTooLong(u32),
    /// The MTU is smaller than IPv6 allows.
    MtuTooSmall(u32),
    /// A resolver or a search domain ends before the router speaks again.
    ResolverTooShort {
        /// Its lifetime in seconds.
        lifetime: u32,
        /// Seconds between two advertisements, on average.
        seconds: u64,
    },
    /// A prefix is preferred for longer than it is valid.
    PreferredBeyondValid(Prefix),
    /// The link-local prefix is advertised.
    LinkLocalPrefix,
    /// Hosts are to make addresses of a prefix that has not 64 bits.
    AutonomousLength(Prefix),
    /// An option of this type cannot be read.
    Unreadable(u8),
    /// There are prefixes and no default router.
    NoDefaultRouter,
    /// A static PvD is to be announced in the name of a router that speaks for itself.
    AnnouncedInItsName,
}

impl Fault {
    /// Routers of one link contradict each other, which is to be logged (RFC 4861 section 6.2.7).
    pub fn is_contradiction(&self) -> bool {
        match self {
            Fault::Differs(field, ..) => !field.is_of_pvd(),
            Fault::PrefixLifetime(..) | Fault::PrefixFlags(_) => true,
            _ => false,
        }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Fault::SeveralLegacy
            | Fault::SeveralPvdOptions
            | Fault::NestedPvdOption
            | Fault::AnnouncedInItsName
            | Fault::ReservedPreference
            | Fault::ReachableTooLong(_)
            | Fault::MtuTooSmall(_)
            | Fault::PreferredBeyondValid(_)
            | Fault::Unreadable(_) => Severity::Error,
            _ => Severity::Warning,
        }
    }

    /// A word for it, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Differs(..) => "differs",
            Fault::PrefixLifetime(..) => "prefix-lifetime",
            Fault::PrefixFlags(_) => "prefix-flags",
            Fault::PrefixOfSeveral(_) => "prefix-of-several-pvds",
            Fault::SeveralLegacy => "several-legacy",
            Fault::ImplicitBesideExplicit => "implicit-beside-explicit",
            Fault::SeveralPvdOptions => "several-pvd-options",
            Fault::NestedPvdOption => "nested-pvd-option",
            Fault::SequenceWithoutHttp => "sequence-without-http",
            Fault::ReservedPvdFlags => "reserved-pvd-flags",
            Fault::ReservedPreference => "reserved-preference",
            Fault::ReachableTooLong(_) => "reachable-too-long",
            Fault::MtuTooSmall(_) => "mtu-too-small",
            Fault::ResolverTooShort { .. } => "resolver-too-short",
            Fault::PreferredBeyondValid(_) => "preferred-beyond-valid",
            Fault::LinkLocalPrefix => "link-local-prefix",
            Fault::AutonomousLength(_) => "autonomous-length",
            Fault::Unreadable(_) => "unreadable-option",
            Fault::NoDefaultRouter => "no-default-router",
            Fault::AnnouncedInItsName => "announced-in-its-name",
        }
    }

    /// Where it is said that it should not be.
    pub fn rule(&self) -> &'static str {
        match self {
            Fault::Differs(field, ..) if field.is_of_pvd() => "RFC 8801 section 3.1",
            Fault::Differs(..) | Fault::PrefixLifetime(..) | Fault::PrefixFlags(_) => "RFC 4861 section 6.2.7",
            Fault::PrefixOfSeveral(_) => "RFC 8801 section 3.4",
            Fault::SeveralLegacy => "RFC 8801 section 3.4.2",
            Fault::ImplicitBesideExplicit | Fault::SeveralPvdOptions | Fault::NestedPvdOption => "RFC 8801 section 3.2",
            Fault::SequenceWithoutHttp | Fault::ReservedPvdFlags => "RFC 8801 section 3.1",
            Fault::ReservedPreference => "RFC 4191 section 2.2",
            Fault::ReachableTooLong(_) => "RFC 4861 section 6.2.1",
            Fault::MtuTooSmall(_) => "RFC 8200 section 5",
            Fault::ResolverTooShort { .. } => "RFC 8106 section 5.1",
            Fault::PreferredBeyondValid(_) => "RFC 4862 section 5.5.3",
            Fault::LinkLocalPrefix => "RFC 4861 section 4.6.2",
            Fault::AutonomousLength(_) => "RFC 4862 section 5.5.3",
            Fault::Unreadable(_) => "RFC 4861 section 4.6",
            Fault::NoDefaultRouter => "RFC 4861 section 6.2.3",
            Fault::AnnouncedInItsName => "RFC 8801 section 5.2",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Differs(field, a, b) => write!(f, "{} is {a} here and {b} there", field.as_str()),
            Fault::PrefixLifetime(prefix, a, b) => write!(f, "{prefix} lasts for {a} s here and for {b} s there"),
            Fault::PrefixFlags(prefix) => write!(f, "the flags of {prefix} are not the same"),
            Fault::PrefixOfSeveral(prefix) => write!(f, "{prefix} is said of several PvDs: it belongs to the last one heard"),
            Fault::SeveralLegacy => f.write_str("several PvDs claim what DHCPv4 tells: hosts will give it to none of them"),
            Fault::ImplicitBesideExplicit => f.write_str(
                "the router also advertises without a PvD from the same address: hosts that know no PvDs mix the two up",
            ),
            Fault::SeveralPvdOptions => f.write_str("a message has several PvD Options: all but the first are ignored"),
            Fault::NestedPvdOption => f.write_str("there is a PvD Option inside the PvD Option: it is ignored"),
            Fault::SequenceWithoutHttp => {
                f.write_str("the PvD Option has a sequence number or a delay, and no Additional Information")
            }
            Fault::ReservedPvdFlags => f.write_str("flags of the PvD Option are set that mean nothing"),
            Fault::ReservedPreference => f.write_str("the preference as default router is the reserved value: it counts as medium"),
            Fault::ReachableTooLong(ms) => write!(f, "the reachable time of {ms} ms is longer than an hour"),
            Fault::MtuTooSmall(mtu) => write!(f, "the MTU of {mtu} bytes is ignored: IPv6 needs 1280"),
            Fault::ResolverTooShort { lifetime, seconds } => {
                write!(f, "a resolver or search domain lasts for {lifetime} s, and the router speaks every {seconds} s")
            }
            Fault::PreferredBeyondValid(prefix) => {
                write!(f, "{prefix} is preferred for longer than it is valid: hosts make no addresses of it")
            }
            Fault::LinkLocalPrefix => f.write_str("the link-local prefix is advertised: it is ignored"),
            Fault::AutonomousLength(prefix) => {
                write!(f, "{prefix} is to make addresses of and has not 64 bits: hosts make none")
            }
            Fault::Unreadable(code) => write!(f, "an option of type {code} cannot be read: it is ignored"),
            Fault::NoDefaultRouter => f.write_str("there are prefixes, and nobody is a default router"),
            Fault::AnnouncedInItsName => f.write_str(
                "the PvD is to be announced in the name of a router that speaks for itself: it is not, until another address is named",
            ),
        }
    }
}
