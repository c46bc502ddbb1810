// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One weftd takes the place of another while guests run.
//!
//! # Theory of operation
//!
//! The *predecessor* starts the program that is at its own path now, as its child, with a socket between the two. The *successor*
//! reads configuration and store as at any start, and is given the [`Estate`]: listening sockets, the sessions of guests as their
//! frontends have said them ([`crate::vhost_user::Script`]), and what was learnt. So it has all of a restart, and nobody has to
//! connect anew.
//!
//! ```text
//!  predecessor                                          successor
//!      │  starts it ───────────────────────────────────▶ configuration, workers
//!      │◀────────────────────────────────────── hello ─  versions that it reads
//!      │  estate ──────────────────────────────────────▶ store, ports, sessions up to their kicks
//!      │◀────────────────────────────────────── ready ─
//!   rings stop
//!      │  go ──────────────────────────────────────────▶ kicks: rings run, from their used indices
//!      │◀─────────────────────────────────────── done ─  its own from here on
//!      ▼ ends, and touches nothing                      │
//! ```
//!
//! Up to *done* the predecessor can go on as if nothing had been, and does if the successor says *failed*, ends, or takes too long:
//! it kills it, waits for its end, and has its rings run again. Both have the same connections for a while, but only one reads
//! them: the predecessor's control loop does nothing else from the estate on, and the successor does not before *go*. Only what is
//! between *go* and *done* is a gap to guests.
//!
//! The two may be of different versions. The estate is in the newest format that both know.
//!
//! Under systemd the two need not live at the same time: a weftd that is told to end leaves its estate in the descriptor store of
//! its unit (`FileDescriptorStoreMax=`), in the same words, and the one that is started next finds it ([`STORED`]).

mod channel;
mod format;
#[cfg(test)]
mod tests;

pub use channel::Channel;
pub(crate) use channel::Word;
pub(crate) use format::{from_text, to_text};

use crate::vhost_user::Legacy;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::Duration;
use switch::{Learnt, PortPath};

/// The formats of an estate that this weftd reads, the newest first. It writes all of them.
pub(crate) const VERSIONS: &[u32] = &[1];

/// The option that tells a weftd that it is a successor, whose standard input is the socket to its predecessor.
pub const OPTION: &str = "--succeed";

/// The name in systemd's descriptor store of a socket in which an estate lies.
pub(crate) const STORED: &str = "weft-estate";

/// All that a weftd leaves to its successor.
#[derive(Debug, Default)]
pub(crate) struct Estate {
    /// When this was true, since the machine was started.
    pub(crate) at: Duration,
    /// Sessions that cannot go on are ended, rather than that there is no upgrade.
    pub(crate) lenient: bool,
    /// The listening control socket, and whether its file goes with it.
    pub(crate) control: Option<(OwnedFd, bool)>,
    /// The sockets and sessions of ports.
    pub(crate) ports: BTreeMap<PortPath, Legacy>,
    /// What was learnt.
    pub(crate) learnt: Learnt,
}
