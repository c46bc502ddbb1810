// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The frame path of one worker.
//!
//! # Theory of operation
//!
//! A [`Worker`] owns source queues ([`Source`]: the transmit ring of a port) and polls them in turn, a burst of up to
//! [`limits::BURST`] frames each. A burst goes through stages, each over all its frames:
//!
//! 1. `receive`: chains are taken off the ring and walked; the virtio-net header and the first [`limits::HEAD`] bytes
//!    of each frame are copied out of guest memory, once. What follows is left where it is.
//! 2. `policing`, where the port or its namespace has limits: what is sent too fast is dropped before anything is learned from it.
//! 3. `guard`: what is ordinary is told from what is not, by the private copy. The latter is looked at closely, and the port's
//!    policy applied: source MAC, offloads (`claims`), length, for hosts that they do not speak as routers, and for all that
//!    Neighbor Discovery is not fragmented (`router`); for those that may speak as routers, what they may say ([`RaGuard`]). What cannot
//!    be judged by its head is copied whole.
//! 4. `forward`: the [`MacTable`] learns the source and looks up the destination. `policing` then drops what is flooded
//!    too fast. Of Router Advertisements and Solicitations that are left, control gets copies (`snoop`, [`Snoops`]); what guests claim
//!    as their own IP addresses is written down (`addresses`).
//! 5. `deliver`: grouped by destination, header and private copy are written and the rest is copied from guest to
//!    guest, the only copy of it. A receiver that lacks an offload gets the frame finished in software (`offload`). What is more
//!    than the receiving port's limits allow is dropped here (`policing`).
//!    What is delivered to an end of a link comes out at the other end, in another namespace, and goes through 2 to 5 there
//!    (`patch`).
//! 6. The sender's chains are given back, then the receivers' used indices are published and their bells rung, each
//!    once a burst. In this order, because a process that is killed in between must not deliver a frame twice.
//!
//! # Ownership
//!
//! A source queue belongs to one worker. A receive ring ([`Port::attach_receiver`]) has a lock, taken once or twice a
//! burst and held for the copying only; two are never held at once. Topology is read-copy-update: a [`Namespace`] holds
//! its set of ports behind an `ArcSwap`, which a source re-reads once a burst. Policies are atomics of the port.
//! Counters are gathered in the burst and added at its end.
//!
//! # Invariants
//!
//! * Every decision is made on the private copy, and that copy is what is delivered.
//! * Every chain that is taken is given back exactly once, in order, whatever becomes of the frame.
//! * A frame's namespace is its port's: nothing in a frame can name another. It leaves it through links only.
//! * What a guest writes ends in a counter ([`DropReason`]) or a broken ring ([`Port::fault`]), never in an error.
//! * In steady state nothing allocates, logs, or makes a system call but to ring a bell.
//!
//! # What is deliberately absent
//!
//! Provisioning domains, sessions, sockets, clocks and threads: this crate cannot name them.

#![forbid(unsafe_code)]

mod addresses;
mod announcing;
mod asking;
mod bits;
mod burst;
mod by_lane;
mod carry;
mod claims;
mod confirm;
mod deliver;
mod drops;
mod elsewhere;
mod emit;
mod expected;
mod features;
mod forward;
mod guard;
mod hold;
mod intake;
mod lane;
mod lanes;
pub mod limits;
mod mac_table;
mod namespace;
mod offload;
mod pairs;
mod patch;
mod pause;
mod payload;
mod policer;
mod policing;
mod port;
mod port_lanes;
mod question;
mod ra_guard;
mod rate;
mod receive;
mod receiver;
mod router;
mod router_gate;
mod snoop;
mod source;
mod stats;
mod steer;
mod steering;
mod swapped;
mod targets;
mod time;
mod totals;
mod worker;

pub use addresses::Address;
pub use drops::DropReason;
pub use emit::Emission;
pub use features::Negotiated;
pub use lane::{Flushed, LaneGone, LaneSink, LaneSource};
pub use lanes::{Lane, LaneNews};
pub use mac_table::{Entry, Kind, Learned, MacTable, TableFull};
pub use namespace::{MacTablePlace, Namespace, NamespaceConfig};
pub use payload::Payload;
pub use policing::NamespacePolicers;
pub use port::{Busy, MacPolicy, Port, PortConfig, PortSlot, PortTag, Role, SourceId};
pub use ra_guard::{PVD_SIZE, RaGuard};
pub use rate::{Limit, Limits, Rate};
pub use router_gate::RouterGate;
pub use snoop::{SnoopKind, SnoopShare, Snooped, Snoops};
pub use source::Source;
pub use stats::{Drops, LaneStats, PortStats, SnoopStats, Traffic};
pub use steering::{LaneSet, Steering};
pub use sys::RingFault;
pub use time::Instant;
pub use worker::{Stage, Worker};
