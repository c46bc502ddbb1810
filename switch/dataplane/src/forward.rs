// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 4: learn where the source is, look up where the destination is.
//!
//! In two rounds: the table's lines are asked for over the whole burst before the first of them is read, so that a table
//! that is larger than the caches costs one miss a burst and not one a frame. Neighbouring frames mostly go the same
//! way: whoever has the same addresses as the frame before it has the same verdict.

use wire::MacAddr;

use crate::burst::{Burst, Frame, Verdict};
use crate::drops::DropReason;
use crate::mac_table::{Learned, MacTable};
use crate::port::PortSlot;
use crate::time::Instant;

/// The port whose burst it is.
#[derive(Clone, Copy)]
pub(crate) struct From {
    pub(crate) slot: PortSlot,
    /// Its own address, which is pinned and need not be learned.
    pub(crate) own: MacAddr,
}

/// Decides where every frame goes that no earlier stage has dropped.
pub(crate) fn forward(burst: &mut Burst, table: &MacTable, from: From, now: Instant) {
    ask(burst.frames(), table, from.own);
    let mut last = (MacAddr::ZERO, MacAddr::ZERO, Verdict::Undecided);
    for frame in burst.frames_mut().iter_mut().filter(|frame| frame.verdict == Verdict::Undecided) {
        let (src, dst) = (frame.ether.src, frame.ether.dst);
        if (src, dst) != (last.0, last.1) {
            last = (src, dst, decide(frame, table, from, now));
        }
        frame.verdict = last.2;
    }
}

/// Asks for what the second round will read.
#[inline]
fn ask(frames: &[Frame], table: &MacTable, own: MacAddr) {
    let mut last = (own, MacAddr::ZERO);
    for frame in frames {
        let (src, dst) = (frame.ether.src, frame.ether.dst);
        if dst != last.1 {
            table.prefetch_lookup(dst);
        }
        if src != last.0 {
            table.prefetch_learn(src);
        }
        last = (src, dst);
    }
}

fn decide(frame: &Frame, table: &MacTable, from: From, now: Instant) -> Verdict {
    let (src, dst) = (frame.ether.src, frame.ether.dst);
    if src != from.own && table.learn(src, from.slot, now) == Learned::Pinned {
        return Verdict::Drop(DropReason::SpoofedMac);
    }
    match table.lookup(dst) {
        _ if dst.is_multicast() => Verdict::Flood,
        None => Verdict::Flood,
        Some(slot) if slot == from.slot => Verdict::Drop(DropReason::Hairpin),
        Some(slot) => Verdict::Port(slot),
    }
}
