// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 4: learn where the source is, look up where the destination is.
//!
//! In two rounds: the table's lines are asked for over the whole burst, as soon as its heads are there, before the first of
//! them is read. So a table that is larger than the caches costs one miss a burst and not one a frame. Neighbouring frames
//! mostly go the same way: whoever has the same addresses as the frame before it has the same verdict.

use wire::MacAddr;

use crate::burst::{Burst, Frame, Verdict};
use crate::drops::DropReason;
use crate::mac_table::{Kind, Learned, MacTable};
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
    if src != from.own && table.learn(src, from.slot, now) == Learned::Pinned && !is_outside(src, table, from) {
        return Verdict::Drop(DropReason::SpoofedMac);
    }
    match table.lookup(dst) {
        _ if dst.is_multicast() => Verdict::Flood,
        None => Verdict::Flood,
        Some(slot) if slot == from.slot => Verdict::Drop(DropReason::Hairpin),
        Some(slot) => Verdict::Port(slot),
    }
}

/// Whether a pinned address may come by an uplink all the same. The frames of a guest may leave outward, past the namespace, and
/// come back, be it a while after the data path was switched. And a guest may be elsewhere: before it moves here, or after it
/// has moved away. Its port is empty then, and whoever looks for the guest is led to where it is heard.
#[cold]
fn is_outside(src: MacAddr, table: &MacTable, from: From<'_>) -> bool {
    let Some(ports) = from.uplink else { return false };
    match table.pinned(src).map(|(slot, kind)| (kind, ports.get(slot))) {
        Some((_, Some(port))) if port.lanes().is_inward() => true,
        // Its last words from there, see `expected.rs`.
        Some((Kind::Port, Some(port))) if port.is_expected() && port.is_vacant() => true,
        Some((Kind::Port, Some(port))) => {
            let left = port.is_vacant() && table.depart(src, from.slot) && port.stays_vacant(table);
            if let Some(uplink) = ports.get(from.slot).filter(|_| left) {
                port.let_follow(uplink, table);
            }
            left
        }
        Some((Kind::Away, _)) => table.depart(src, from.slot),
        Some((Kind::Static, Some(port))) => port.is_elsewhere(),
        _ => false,
    }
}
