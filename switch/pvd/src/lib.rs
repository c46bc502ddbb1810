// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Provisioning domains (PvDs): what a namespace's routers teach about the networks behind them.
//!
//! # Theory of operation
//!
//! A provisioning domain is a consistent set of network configuration (RFC 7556): prefixes, routes, resolvers. A router
//! names one *explicitly* by putting a PvD Option with a domain name into its Router Advertisements (RFC 8801); what
//! a router advertises without a name belongs to an *implicit* one, known by where it was heard.
//!
//! [`Registry`] has the PvDs of one namespace. It hears each Router Advertisement as an [`Advert`] and keeps what every router
//! said apart, as one [`Source`] of the [`Pvd`], with the lifetimes that this router gave. What is known of a PvD is the
//! union of that ([`Attributes::known`]). An operator is one more source, before all others; what he says may be announced to
//! hosts ([`Announcement`]).
//!
//! ```text
//! Advert ──► Registry (one writer) ── publishes ──► Members ◄── Reader (any number, no lock)
//!              │ timers, owners of prefixes,           │ by handle, by identity, in pages
//!              │ shares of ports, events               ▼
//!              └── stores lifetimes ──────────────► Pvd ─► Attributes ─► Source ─► Entry
//! ```
//!
//! [`RaCache`] has the octets of the same advertisements, and [`Responder`] says them again to hosts that no router answers.
//! It also tells hosts when an operator announces something no more ([`Farewell`]).
//! [`Mediator`] decides who gets an advertisement where that is not everybody.
//!
//! **Three kinds of news.** Most advertisements say what is known: lifetimes are atomics and are stored in place; nothing is
//! allocated and nobody is told. One that changes what is said gives its PvD new [`Attributes`], and an [`Event`]. Only a
//! PvD that comes or goes changes the [`Members`], and their `base_seq`.
//!
//! **What is read is not freed.** A [`PvdHandle`] names a PvD as long as it is registered and then nothing; an `Arc` keeps
//! what it leads to. PvDs that are gone and still held are counted ([`Registry::unreg_count`]).
//!
//! **Time is an argument**: a span since an origin that only the caller knows.
//!
//! # Invariants
//!
//! * Two names that RFC 8801 calls equal are equal values, whatever their case was on the wire.
//! * A finite lifetime has a deadline, an infinite one has none, and zero is no lifetime at all but a withdrawal.
//! * What is remembered never lives longer than its router said: remaining time is rounded down.
//! * A router takes back what it said itself, and nothing else. What cannot be read, or is refused, changes nothing.
//! * A prefix belongs to one PvD at a time, the last that was heard with it; one of a static PvD stays there.
//! * Everything is bounded ([`limits`]), and no port can take the share of another.
#![forbid(unsafe_code)]

mod advert;
mod announcement;
mod cache;
mod check;
mod digest;
mod event;
mod fact;
mod farewell;
mod handle;
mod id;
pub mod info;
mod key;
mod landings;
mod lifetime;
pub mod limits;
mod mediate;
mod members;
mod membership;
mod moment;
mod paged;
mod pvd;
mod refused;
mod registry;
mod replay;
mod responder;
mod shares;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod timers;

pub use advert::{Advert, Origin, Parameters, PvdFlags};
pub use announcement::{Announcement, PREFERRED, VALID};
pub use cache::{CacheCounters, Cached, CachedRa, NotCached, RaCache};
pub use check::{Fault, Field, Finding, Findings, Severity, check, contradictions};
pub use event::{Change, Event, EventKind, Missed, What, Why};
pub use fact::Fact;
pub use farewell::{FAREWELL_TIMES, Farewell};
pub use handle::PvdHandle;
pub use id::PvdId;
pub use lifetime::{Deadline, Lifetime};
pub use limits::Limits;
pub use mediate::{ASKED_FOR, Injection, Mediated, Mediator, NotInjected, PVD_DELAY_MAX, Reach, Seen, Sight};
pub use members::{Cursor, Members, Page};
pub use membership::Reader;
pub use pvd::{Attributes, Known, Pvd};
pub use refused::{Counters, Refused};
pub use registry::{Learnt, Registry, Statement};
pub use replay::{aged_by, withdrawn};
pub use responder::{
    ALL_NODES, ALL_NODES_GAP, Answer, AnswerPolicy, Answering, DELAY_MAX, Destination, Replayed, Responder,
    ResponderCounters, Solicitation,
};
pub use source::{Entry, Source};
pub use wire::Prefix;
pub use wire::name::{BadName as BadPvdName, DomainName as PvdName};
