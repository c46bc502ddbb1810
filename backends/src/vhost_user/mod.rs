// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! vhost-user sessions: a VMM hands over its guest's memory and rings through a Unix socket.
//!
//! # Theory of operation
//!
//! ```text
//!   control loop                               the session's own threads
//!  ┌──────────────────────────────────┐       ┌───────────────────────────────┐
//!  │ endpoint ── relay ── guard       │ link  │ VhostUserDaemon (the crate)   │
//!  │    ▲          ▲  ╰──────────────────────▶│   └ vring, backend ─▶ rings   │──▶ RingHost
//!  │    │          │                  │       │ supervisor                    │    (data plane)
//!  └────│──────────│──────────────────┘       └───────────────────────────────┘
//!    listener   frontend (QEMU, cloud-hypervisor)
//! ```
//!
//! The protocol engine is `vhost-user-backend`'s daemon, without its worker threads. Around it:
//!
//! * [`endpoint`](Endpoint) owns the port's socket and has one session at a time, on the control loop, never blocking.
//! * `relay` takes one whole message at a time from the frontend ([`assembler`]), has the [`guard`] judge it, and passes
//!   it to the daemon over a private connection; answers go back unchanged.
//! * [`guard`] is what makes the crate fit for real frontends and for hostile ones: it repairs QEMU's message order,
//!   serves messages that the crate would end the session over, and checks every size, index and descriptor.
//! * `rings` turns the crate's ring events into two primitives of the data plane ([`RingHost`]): start and stop.
//! * `log` is the dirty log while a guest is being migrated. The crate would hide where a ring is logged and never stop, so
//!   the guard takes it and the rings get it past the daemon, before the frontend is answered.
//! * `session` runs the daemon and a supervisor that stops all rings when it ends, whatever ended it.
//!
//! # Trust
//!
//! Whoever can open the socket may send anything, in any pieces, with any descriptors. The worst outcome is the end of
//! that session with a reason ([`switch::Notice::Down`]). Guest memory is touched only through [`sys`], whose fault guard is in
//! force from the moment that a memory table is taken.

pub mod assembler;
mod backend;
mod budget;
pub(crate) mod connect;
mod device;
mod endpoint;
mod error;
pub mod features;
pub mod fuzz;
pub mod guard;
mod host;
mod listen;
mod log;
pub mod message;
mod relay;
mod rings;
mod script;
mod session;
mod vring;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use listen::bind_for_test;

pub(crate) use endpoint::Legacy;
pub use endpoint::{Endpoint, EndpointConfig, Mode};
pub use error::OpenError;
pub use features::{FeatureSpec, feature_names, offered_features};
pub use guard::{Script, SealPolicy};
pub use host::RingHost;
pub(crate) use rings::Side;
pub(crate) use script::Adoption;
