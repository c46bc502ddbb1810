// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Provisioning domains (PvDs): what a namespace's routers teach about the networks behind them.
//!
//! # Theory of operation
//!
//! A provisioning domain is a consistent set of network configuration (RFC 7556): prefixes, routes, resolvers. A router
//! names one *explicitly* by putting a PvD Option with a domain name into its Router Advertisements (RFC 8801); what
//! a router advertises without a name belongs to an *implicit* one, known by where it was heard.
//!
//! Today the crate holds the two notions that everything about PvDs is built from:
//!
//! * [`PvdId`] says which domain: an explicit [`PvdName`] in its one canonical form, or an implicit (port, router).
//! * [`Lifetime`] and [`Deadline`] say until when something learnt is true. Time is an argument: a span since an origin
//!   that only the caller knows.
//!
//! # Invariants
//!
//! * Two names that RFC 8801 calls equal are equal values, whatever their case was on the wire.
//! * A finite lifetime has a deadline, an infinite one has none, and zero is no lifetime at all but a withdrawal.
//! * What is remembered never lives longer than its router said: remaining time is rounded down.
#![forbid(unsafe_code)]

mod id;
mod lifetime;

pub use id::PvdId;
pub use lifetime::{Deadline, Lifetime};
pub use wire::name::{BadName as BadPvdName, DomainName as PvdName};
