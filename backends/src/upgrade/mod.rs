// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One weftd takes the place of another while guests run.
//!
//! # Theory of operation
//!
//! The *predecessor* starts the program that is at its own path now, with a socket between the two. The *successor*
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
//!      │  go, lanes ───────────────────────────────────▶ kicks: rings run, from their used indices
//!      │◀────────────────────────────────────── lanes ─  they are in use there
//!      │◀─────────────────────────────────────── done ─  its own from here on
//!      │  rest ────────────────────────────────────────▶ what was counted, and learnt meanwhile; then the first caller
//!      ▼ ends, and touches nothing                      │
//! ```
//!
//! Up to *done* the predecessor can go on as if nothing had been, and does if the successor says *failed*, ends, or takes too long:
//! it kills it, waits for its end, and has its rings run again. Both have the same connections for a while, but only one reads
//! them: the predecessor's control loop does nothing else from the estate on, and the successor does not before *go*. Only what is
//! between *go* and *done* is a gap to guests.
//!
//! Lanes that are no rings (sockets of QEMU's netdevs, netdevs of the host, taps) stop between the rings from guests and those to them, and begin there
//! in between as well, so that nothing goes to where nobody takes it. What comes meanwhile waits in their sockets; what has come, a
//! part of a frame perhaps, goes along. Should the successor end between *lanes* and *done*, a stream may have been cut in the
//! middle of a frame, and nobody knows how far the ring of a netdev was read: then connection and ring are given up, as they are by
//! a restart. Other kinds, and netdevs of VFs, are closed here and opened there.
//!
//! What guests do until the rings stop is counted, and some of it learnt from, so that can only be told afterwards: in the
//! [`Remainder`], which comes when rings run again, since no guest has to wait for it. A successor to whom it does not come goes on
//! without.
//!
//! Frames that wait for a guest (because it is being migrated, or its VF taken from it) do not go along: what they wait for is said in
//! messages that nobody reads meanwhile, and takes a moment. So the upgrade waits for that, or does not take place; by force, and
//! where a process is told to end, they are dropped, and counted.
//!
//! The two may be of different versions. The estate is in the newest format that both know.
//!
//! Under systemd the two need not live at the same time: a weftd that is told to end leaves its estate in the descriptor store of
//! its unit (`FileDescriptorStoreMax=`), in the same words, and the one that is started next finds it ([`STORED`]). It is of the first
//! version, since nobody knows which weftd that will be, and what follows is there for one that looks.

mod channel;
mod counted;
mod format;
mod lanes;
mod launch;
mod learnt;
mod rest;
#[cfg(test)]
mod tests;

pub use channel::Channel;
pub(crate) use channel::Word;
pub(crate) use format::{BadEstate, from_text, to_text};
pub(crate) use lanes::{LanesLeft, lanes_from_text, lanes_to_text};
pub(crate) use launch::Orphan;
pub use launch::launched;
pub(crate) use learnt::{LearntV1, meant as learnt_meant, said as learnt_said};
pub(crate) use rest::{rest_from_text, rest_to_text};

use crate::vhost_user::Legacy;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::Duration;
use switch::{Learnt, PortPath, Rest};

/// The formats of an estate that this weftd reads, the newest first. It writes all of them.
pub(crate) const VERSIONS: &[u32] = &[LANED, FOLLOWED, FIRST];

/// The format that every weftd reads.
pub(crate) const FIRST: u32 = 1;

/// From this version on, what can only be told at the end follows the estate.
pub(crate) const FOLLOWED: u32 = 2;

/// From this version on, lanes that are no rings are left with their descriptors, between *go* and *done*.
pub(crate) const LANED: u32 = 3;

/// The option that tells a weftd that it is a successor, whose standard input is the socket to its predecessor.
pub const OPTION: &str = "--succeed";

/// The name in systemd's descriptor store of a socket in which an estate lies.
pub(crate) const STORED: &str = "weft-estate";

/// All that a weftd leaves to its successor.
#[derive(Debug, Default)]
pub(crate) struct Estate {
    /// Its format, one of [`VERSIONS`].
    pub(crate) version: u32,
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

/// What follows an estate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Remainder {
    /// When this was true, since the machine was started.
    pub(crate) at: Duration,
    /// How the log was set while weftd ran; `None`: nobody has.
    pub(crate) log: Option<LogLeft>,
    /// What the switch tells last.
    pub(crate) rest: Rest,
}

/// How a log was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLeft {
    /// What is logged.
    pub(crate) filter: String,
    /// After so long this filter comes back.
    pub(crate) back: Option<(Duration, String)>,
}
