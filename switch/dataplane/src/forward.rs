// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 4: learn where the source is, look up where the destination is.

use crate::burst::{Burst, Verdict};
use crate::drops::DropReason;
use crate::mac_table::{Learned, MacTable};
use crate::port::PortSlot;
use crate::time::Instant;

/// Decides where every frame goes that no earlier stage has dropped.
pub(crate) fn forward(burst: &mut Burst, table: &MacTable, from: PortSlot, now: Instant) {
    for frame in burst.frames_mut().iter_mut().filter(|frame| frame.verdict == Verdict::Undecided) {
        if table.learn(frame.ether.src, from, now) == Learned::Pinned {
            frame.verdict = Verdict::Drop(DropReason::SpoofedMac);
            continue;
        }
        frame.verdict = match table.lookup(frame.ether.dst) {
            _ if frame.ether.dst.is_multicast() => Verdict::Flood,
            None => Verdict::Flood,
            Some(slot) if slot == from => Verdict::Drop(DropReason::Hairpin),
            Some(slot) => Verdict::Port(slot),
        };
    }
}
