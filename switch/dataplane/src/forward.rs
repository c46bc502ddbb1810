// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 4: learn where the source is, look up where the destination is.
//!
//! In two rounds: the table's lines are asked for over the whole burst, as soon as its heads are there, before the first of
//! them is read. So a table that is larger than the caches costs one miss a burst and not one a frame. Neighbouring frames
//! mostly go the same way: whoever has the same addresses as the frame before it has the same verdict.

use wire::MacAddr;

use crate::burst::{Burst, Frame, Verdict};
use crate::drops::DropReason;
use crate::mac_table::{Learned, MacTable};
use crate::namespace::PortSet;
use crate::port::PortSlot;
use crate::time::Instant;

/// The port whose burst it is.
#[derive(Clone, Copy)]
pub(crate) struct From<'a> {
    pub(crate) slot: PortSlot,
    /// Its own address, which is pinned and need not be learned.
    pub(crate) own: MacAddr,
    /// The namespace's ports, for an uplink: guests whose frames left by another lane may be heard from there.
    pub(crate) uplink: Option<&'a PortSet>,
}

/// Decides where every frame goes that no earlier stage has dropped.
pub(crate) fn forward(burst: &mut Burst, table: &MacTable, from: From<'_>, now: Instant) {
    let mut last = ([0; 12], Verdict::Undecided);
    for frame in burst.frames_mut() {
        if frame.verdict != Verdict::Undecided {
            continue;
        }
        if *frame.addresses() != last.0 || last.1 == Verdict::Undecided {
            last = (*frame.addresses(), decide(frame, table, from, now));
        }
        frame.verdict = last.1;
    }
}

/// Asks for what [`forward`] will read, whatever is decided on the frames before that.
pub(crate) fn ask(frames: &[Frame], table: &MacTable, own: MacAddr) {
    let mut last = &[0; 12];
    for frame in frames {
        if frame.addresses() != last {
            last = frame.addresses();
            table.prefetch_lookup(frame.dst());
            if frame.src() != own {
                table.prefetch_learn(frame.src());
            }
        }
    }
}

#[inline(never)]
fn decide(frame: &Frame, table: &MacTable, from: From<'_>, now: Instant) -> Verdict {
    let (src, dst) = (frame.src(), frame.dst());
    if src != from.own && table.learn(src, from.slot, now) == Learned::Pinned && !went_out(src, table, from) {
        return Verdict::Drop(DropReason::SpoofedMac);
    }
    match table.lookup(dst) {
        _ if dst.is_multicast() => Verdict::Flood,
        None => Verdict::Flood,
        Some(slot) if slot == from.slot => Verdict::Drop(DropReason::Hairpin),
        Some(slot) => Verdict::Port(slot),
    }
}

/// Whether a pinned address is that of a guest whose frames may leave outward, past the namespace, and come back by the uplink,
/// be it a while after the data path was switched.
#[cold]
fn went_out(src: MacAddr, table: &MacTable, from: From<'_>) -> bool {
    let owner = table.lookup(src).and_then(|slot| from.uplink?.get(slot));
    owner.is_some_and(|port| port.lanes().is_inward())
}
