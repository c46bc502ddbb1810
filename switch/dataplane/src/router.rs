// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! RA guard (RFC 6105, RFC 7113): a host must not speak as a router. And for everybody: Neighbor Discovery is not
//! fragmented (RFC 6980).

use wire::{NdKind, is_fragmented_nd, nd_kind};

use crate::burst::{Burst, Verdict};
use crate::drops::DropReason;
use crate::snoop::of_interest;

/// Drops frame `index`, if it is a Router Advertisement or a Redirect, for the reason `rogue`, which is `None` where they may
/// come from. A frame whose header chain does not end within its head is judged by a whole copy.
///
/// True: it passes, and control wants to hear of it.
pub(crate) fn guard(burst: &mut Burst, index: usize, rogue: Option<DropReason>) -> bool {
    let frame = &burst.frames()[index];
    frame.verdict == Verdict::Undecided && !frame.is_everyday() && classify(burst, index, rogue)
}

/// Finds out what frame `index` is, and drops it if its port may not send that. True: as of [`guard`].
pub(crate) fn classify(burst: &mut Burst, index: usize, rogue: Option<DropReason>) -> bool {
    let kind = match kind_of(burst, index) {
        NdKind::Unclassified if burst.privatise(index) => kind_of(burst, index),
        kind => kind,
    };
    let objection = object(kind, rogue).or_else(|| object_to_fragment(burst, index, kind));
    if let Some(reason) = objection {
        burst.frames_mut()[index].decide(Verdict::Drop(reason));
    }
    objection.is_none() && of_interest(kind).is_some()
}

/// What frame `index` is by its private copy.
pub(crate) fn kind_of(burst: &Burst, index: usize) -> NdKind {
    let frame = &burst.frames()[index];
    nd_kind(burst.bytes(frame), &frame.ether())
}

fn object(kind: NdKind, rogue: Option<DropReason>) -> Option<DropReason> {
    match kind {
        NdKind::RouterAdvertisement | NdKind::Redirect => rogue,
        NdKind::Unclassified => rogue.and(Some(DropReason::Unclassifiable)),
        NdKind::Other | NdKind::RouterSolicitation | NdKind::NeighborSolicitation | NdKind::NeighborAdvertisement => {
            None
        }
    }
}

fn object_to_fragment(burst: &Burst, index: usize, kind: NdKind) -> Option<DropReason> {
    let frame = &burst.frames()[index];
    let fragmented = kind != NdKind::Other && is_fragmented_nd(burst.bytes(frame), &frame.ether());
    fragmented.then_some(DropReason::FragmentedNd)
}
