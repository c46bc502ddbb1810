// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Everything of the daemon that touches the kernel or a peer.
//!
//! # Theory of operation
//!
//! Two kinds of threads. *Workers* ([`runtime`]) move frames and do nothing else. The one *control* thread
//! ([`control`]) does everything slow, as an event loop over sockets: the vhost-user sessions of all ports
//! ([`vhost_user`]), the control socket ([`ctl_server`]), signals, and a tick once a second. It owns
//! [`switch::Control`], which decides, and does what that asks for: open a session, close one, save.
//!
//! ```text
//! config ──▶ switch::Desired ─┐
//! ctl_server ──▶ requests ────┼──▶ switch::Control ──▶ actions ──▶ vhost_user sessions ──▶ runtime (rings start, stop)
//! vhost_user ──▶ notices ─────┘          │                                └────── store (what must survive a restart)
//! ```
//!
//! Nothing on the control thread blocks: sockets are non-blocking, buffers bounded, a peer that does not keep up is
//! dropped. What a guest, a VMM or a ctl client sends ends in a counter, a reason or an error of its own, never in the
//! end of the daemon. Programs that know pvdd are told PvDs in its protocol ([`pvdd`]), where a namespace has a socket for them.
//!
//! Text is parsed at the edge ([`config`] for TOML, `ctl` for the control socket) into types that can only hold sense.
#![forbid(unsafe_code)]

pub mod config;
pub mod control;
pub mod ctl_server;
pub mod dispose;
pub mod handover;
pub mod lane;
mod log_filter;
pub mod netdev;
pub mod place;
pub mod pvdd;
pub mod runtime;
mod socket_file;
pub mod store;
pub mod upgrade;
pub mod vhost_user;
pub mod vmm;
