// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! RA guard (RFC 6105, RFC 7113): a host must not speak as a router.

use wire::{NdKind, nd_kind};

use crate::burst::{Burst, Verdict};
use crate::drops::DropReason;

/// Drops frame `index`, if it is a Router Advertisement or a Redirect, for the reason `rogue`: its port is a host. A frame
/// whose header chain does not end within its head is judged by a whole copy.
pub(crate) fn guard(burst: &mut Burst, index: usize, rogue: DropReason) {
    let frame = &burst.frames()[index];
    if frame.verdict == Verdict::Undecided && !frame.is_everyday() {
        classify(burst, index, rogue);
    }
}

/// Finds out what frame `index` is, and drops it if its port may not send that.
pub(crate) fn classify(burst: &mut Burst, index: usize, rogue: DropReason) {
    let kind = match kind_of(burst, index) {
        NdKind::Unclassified if burst.privatise(index) => kind_of(burst, index),
        kind => kind,
    };
    if let Some(reason) = objection(kind, rogue) {
        burst.frames_mut()[index].decide(Verdict::Drop(reason));
    }
}

/// What frame `index` is by its private copy.
fn kind_of(burst: &Burst, index: usize) -> NdKind {
    let frame = &burst.frames()[index];
    nd_kind(burst.bytes(frame), &frame.ether())
}

fn objection(kind: NdKind, rogue: DropReason) -> Option<DropReason> {
    match kind {
        NdKind::RouterAdvertisement | NdKind::Redirect => Some(rogue),
        NdKind::Unclassified => Some(DropReason::Unclassifiable),
        NdKind::Other | NdKind::RouterSolicitation | NdKind::NeighborSolicitation | NdKind::NeighborAdvertisement => {
            None
        }
    }
}
