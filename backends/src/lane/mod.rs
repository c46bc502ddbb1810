// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes that are not virtio rings: opened here, and handed to the frame path as sinks and sources.
//!
//! # Theory of operation
//!
//! [`open`] is called by control and may take a moment; whatever can be refused is refused there, in words for whoever must
//! act ([`LaneError`]). What it gives are a [`LaneSink`] and a [`LaneSource`] for each queue, which belong to the frame path from
//! then on, and a [`Link`], by which control sees how the lane fares. None of the two halves ever waits, allocates or logs once it is
//! open; the one exception is a peer at a confined path that is looked for again.
//!
//! | kind | other end | frames come | frames go | unfinished frames |
//! |---|---|---|---|---|
//! | `dgram` | QEMU's `-netdev dgram` | `recvmmsg` | `sendmmsg` | no |
//! | `stream` | QEMU's `-netdev stream` | one read for many | one write for a burst | no |
//! | `packet` | a netdev of the host | a ring shared with the kernel | `sendmmsg` | both ways |
//! | `tap` | the host's network stack | a read each | a write each | both ways |
//! | `loopback` | itself | | | both ways |
//! | `null` | nobody | never | counted | both ways |
//! | `replay` | a capture file | each once | counted | no |
//! | `pcap` | another lane, and a file | | | as that lane |
//! | `fault` | another lane, badly | | | as that lane |
//!
//! What both lanes of a port can do is what the port can do. A lane with fewer queues than the port has shares them out, one with
//! more gets no sinks for the rest; what a lane leaves nobody to finish is finished before it is sent there; a lane that takes
//! no frames as long as the port's is refused, or left, by control.
//!
//! A frame from a ring or from a slot of a lane's [`pool::Pool`] is copied into a guest by the frame path itself, as from another
//! guest. Towards a lane a frame is copied once, into the memory of a [`queue::Queue`] that is sent as a whole at the end of the burst.
//!
//! # Invariants
//!
//! * A lane that is [`LinkState::Gone`] stays so, brings [`LaneGone`](dataplane::LaneGone) once what it had has been taken, and
//!   loses, counted, what is put into it. It is opened anew or not at all.
//! * A peer is waited for by nobody: what it does not take at once waits in a queue of fixed size, and beyond that is lost.
//! * No counter of a [`Link`] ever goes back.

mod capture;
mod dgram;
mod error;
mod fault;
mod framing;
mod legacy;
mod link;
mod loopback;
mod null;
mod offloads;
mod outlet;
mod packet;
mod packet_ring;
mod pool;
mod queue;
mod replay;
mod spare;
mod stream;
mod tap;
#[cfg(test)]
mod tests;
mod unix;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use dataplane::limits::MTU;
use dataplane::{LaneSink, LaneSource};

pub use error::LaneError;
pub use fault::Plan;
pub(crate) use legacy::{BoundLegacy, Keeper, LaneLegacy};
pub use link::{Counts, Link, LinkState};
pub(crate) use packet_ring::RingLegacy;

use crate::place::Place;

/// A lane to be opened.
#[derive(Debug, Clone)]
pub enum Kind {
    /// QEMU's `-netdev dgram,local.type=unix,remote.type=unix`: its `remote` is our `local`, and the other way round.
    Dgram {
        /// The socket that weftd makes.
        local: Place,
        /// The socket of the VMM.
        remote: Place,
    },
    /// QEMU's `-netdev stream,addr.type=unix`.
    Stream {
        /// The socket.
        place: Place,
        /// weftd makes it (QEMU has `server=off`), or connects to it.
        listen: bool,
    },
    /// A netdev of the host.
    Packet {
        /// Its number, in the network namespace of the calling thread.
        ifindex: NonZeroU32,
        /// What is sent goes past its queueing discipline: faster by a little where there is none, and without the patience of
        /// one where there is.
        bypass: bool,
    },
    /// A tap.
    Tap {
        /// Its name, in the network namespace of the calling thread. It is made unless it is there.
        name: String,
        /// Its queues, 1 to 16.
        queues: u16,
    },
    /// What is sent comes back.
    Loopback,
    /// What is sent is counted.
    Null,
    /// The frames of a capture file come out, each once. What is sent is counted.
    Replay {
        /// The file (pcap or pcapng), of at most 64 MiB.
        file: PathBuf,
    },
    /// Another lane, written down.
    Pcap {
        /// The lane.
        inner: Box<Kind>,
        /// A capture file (pcapng), which is made anew.
        file: PathBuf,
        /// Bytes that it may have.
        most: u64,
    },
    /// Another lane that does not do as it should.
    Fault {
        /// The lane.
        inner: Box<Kind>,
        /// What it does instead.
        plan: Plan,
    },
}

/// A lane that is open.
pub struct Opened {
    /// Where frames go, one for each queue.
    pub sinks: Vec<Box<dyn LaneSink>>,
    /// Where they come from, one for each queue.
    pub sources: Vec<Box<dyn LaneSource>>,
    /// How it fares.
    pub link: Arc<Link>,
    /// Longest frame that it takes, its Ethernet header not counted.
    pub mtu: u16,
    /// Where it leaves what it has, if that is wanted when both halves are dropped.
    pub(crate) keeper: Arc<Keeper>,
}

impl Opened {
    /// One that takes frames of any length, without queues as yet.
    fn none(link: Arc<Link>) -> Self {
        Self { sinks: Vec::new(), sources: Vec::new(), link, mtu: *MTU.end(), keeper: Arc::default() }
    }

    /// One that takes frames of any length.
    fn single(sink: Box<dyn LaneSink>, source: Box<dyn LaneSource>, link: Arc<Link>) -> Self {
        Self { sinks: vec![sink], sources: vec![source], ..Self::none(link) }
    }
}

/// Opens a lane.
///
/// # Errors
/// Why it cannot be had, in words for whoever must act.
pub fn open(kind: &Kind) -> Result<Opened, LaneError> {
    match kind {
        Kind::Dgram { local, remote } => dgram::open(local, remote),
        Kind::Stream { place, listen: true } => stream::serve(place),
        Kind::Stream { place, listen: false } => stream::connect(place),
        Kind::Packet { ifindex, bypass } => packet::open(*ifindex, *bypass),
        Kind::Tap { name, queues } => tap::open(name, *queues),
        Kind::Loopback => loopback::open(),
        Kind::Null => null::open(),
        Kind::Replay { file } => replay::open(file),
        Kind::Pcap { inner, file, most } => capture::open(open(inner)?, file, *most),
        Kind::Fault { inner, plan } => fault::open(open(inner)?, *plan),
    }
}

/// Opens a lane with what one of the same kind, at the same place, has left; of what is of no use, or not left, anew.
///
/// # Errors
/// As [`open`].
pub(crate) fn adopt(kind: &Kind, left: LaneLegacy) -> Result<Opened, LaneError> {
    let adopted = match kind {
        Kind::Dgram { local, remote } => dgram::adopt(local, remote, left),
        Kind::Stream { place, listen } => stream::adopt(place, *listen, left),
        Kind::Packet { ifindex, bypass } => packet::adopt(*ifindex, *bypass, left),
        Kind::Tap { name, queues } => tap::adopt(name, *queues, left),
        _ => None,
    };
    adopted.map_or_else(|| open(kind), Ok)
}

impl Kind {
    /// Whether [`adopt`] makes something of what such a lane leaves.
    pub(crate) fn can_be_left(&self) -> bool {
        matches!(self, Kind::Dgram { .. } | Kind::Stream { .. } | Kind::Packet { .. } | Kind::Tap { .. })
    }
}

/// What is said when a lane within weftd cannot be had.
const WITHIN: error::Advice =
    error::Advice { right: "to be allowed to write there", missing: "make its directory", taken: "name another file" };
