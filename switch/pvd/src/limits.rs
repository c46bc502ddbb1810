// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every bound of the registry, the RA cache and the responder, in one place.
//!
//! Whoever may send Router Advertisements may invent names, routers and prefixes without end. So a namespace has room
//! for so many of each, which all its ports share, and every port has a small share of its own that nobody else can take:
//! a port that floods fills the common room and never keeps another port's router out.

/// Provisioning domains of one namespace that its ports share the room of.
pub const PVDS: usize = 4096;

/// Provisioning domains that every port may have beside [`PVDS`].
pub const PORT_PVDS: usize = 16;

/// Entries (prefixes, routes, resolvers and the like) of one namespace that its ports share the room of.
pub const ENTRIES: usize = 65_536;

/// Entries that every port may have beside [`ENTRIES`].
pub const PORT_ENTRIES: usize = 256;

/// Entries that one router may give to one PvD.
pub const ROUTER_ENTRIES: usize = 64;

/// Routers that one PvD may be heard from; beside them, one on every port.
pub const ROUTERS: usize = 32;

/// Provisioning domains of one namespace that the operator may make beside [`PVDS`], so that no router keeps his out.
pub const STATIC_PVDS: usize = 1024;

/// PvDs that are gone and that somebody still reads, at most: then no new ones are made, for each holds memory.
pub const ZOMBIES: usize = 1024;

/// Events that are kept for those who watch.
pub const EVENTS: usize = 512;

/// Changes that one event tells one by one; of more it tells how many.
pub const EVENT_CHANGES: usize = 32;

/// Bytes of the reason why something was not fetched that an event has.
pub const EVENT_REASON: usize = 256;

/// Router Advertisements that are cached for one port.
pub const PORT_RAS: usize = 64;

/// Router Advertisements that are cached for one namespace.
pub const RAS: usize = 1024;

/// The longest Router Advertisement that is cached, in bytes of ICMPv6: what a jumbo frame carries.
pub const RA_LEN: usize = 9216;

/// Findings of one check of a namespace's routers that are told one by one; of more it is told how many.
pub const FINDINGS: usize = 256;

/// Router Advertisements that one host gets at a time of those that routers have said, and as many of an operator's.
pub const ANSWER: usize = 64;

/// Hosts behind one port that wait for an answer at a time.
pub const PORT_SOLICITORS: usize = 8;

/// Hosts of one namespace that wait for an answer at a time.
pub const SOLICITORS: usize = 1024;

/// Static PvDs that hosts of one namespace are still to be told of that they have ended.
pub const FAREWELLS: usize = STATIC_PVDS;

/// Times that a host behind one port lands, and is told at once, in a row.
pub const PORT_LANDINGS: u32 = 8;

/// Parts of what routers behind one port say of which it is remembered that all hosts were told.
pub const PORT_TOLD: usize = 32;

/// Frames a second that are made of the advertisements of one port, where control decides who gets them: 16 for each of
/// 256 ports.
pub const PORT_SENT: u64 = 4096;

/// The same, at once after a pause.
pub const PORT_SENT_AT_ONCE: u64 = 8192;

/// PvDs that one port may be bound to.
pub const PORT_SIGHT: usize = 64;

/// The bounds that one registry keeps, where they may differ from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// See [`PVDS`].
    pub pvds: usize,
    /// See [`PORT_PVDS`].
    pub port_pvds: usize,
    /// See [`ENTRIES`].
    pub entries: usize,
    /// See [`PORT_ENTRIES`].
    pub port_entries: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { pvds: PVDS, port_pvds: PORT_PVDS, entries: ENTRIES, port_entries: PORT_ENTRIES }
    }
}
