// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! RA guard (RFC 6105, RFC 7113): a host must not speak as a router.

use sys::{MemoryMap, Segment};
use wire::{EtherHeader, NdKind, nd_kind};

use crate::burst::{Burst, Frame, Verdict};
use crate::drops::DropReason;

/// Drops Router Advertisements and Redirects of a port that is a host. A frame whose header chain does not end within
/// its head is copied whole, judged by the copy, and delivered from the copy: what its sender writes meanwhile changes
/// nothing.
pub(crate) fn guard(burst: &mut Burst, memory: &MemoryMap) {
    for index in 0..burst.frames().len() {
        let frame = &burst.frames()[index];
        if frame.verdict != Verdict::Undecided || !may_be_nd(&frame.ether) {
            continue;
        }
        let kind = match nd_kind(frame.head(), &frame.ether) {
            NdKind::Unclassified if is_longer(frame) => classify_whole(burst, index, memory),
            kind => kind,
        };
        if let Some(reason) = objection(kind) {
            burst.frames_mut()[index].decide(Verdict::Drop(reason));
        }
    }
}

/// ARP and IPv4 cannot be Neighbor Discovery; everything else is asked.
#[inline]
fn may_be_nd(ether: &EtherHeader) -> bool {
    use wire::ether::ethertype::{ARP, IPV4};
    ether.ethertype != IPV4 && ether.ethertype != ARP
}

fn is_longer(frame: &Frame) -> bool {
    frame.len as usize > frame.head().len()
}

fn objection(kind: NdKind) -> Option<DropReason> {
    match kind {
        NdKind::RouterAdvertisement | NdKind::Redirect => Some(DropReason::RogueRouter),
        NdKind::Unclassified => Some(DropReason::Unclassifiable),
        NdKind::Other | NdKind::RouterSolicitation | NdKind::NeighborSolicitation | NdKind::NeighborAdvertisement => {
            None
        }
    }
}

/// Copies frame `index` whole and classifies the copy. No room for it, or no bytes: it stays unclassified.
#[cold]
fn classify_whole(burst: &mut Burst, index: usize, memory: &MemoryMap) -> NdKind {
    let Some((rest, segments)) = burst.privatise(index) else { return NdKind::Unclassified };
    if read_all(memory, segments, rest).is_none() {
        return NdKind::Unclassified;
    }
    let frame = &burst.frames()[index];
    nd_kind(burst.bytes(frame), &frame.ether)
}

/// Fills `out` from `segments`, which hold as many bytes.
fn read_all(memory: &MemoryMap, segments: &[Segment], mut out: &mut [u8]) -> Option<()> {
    for segment in segments {
        let (now, later) = out.split_at_mut_checked(segment.len as usize)?;
        memory.read(segment.address, now).ok()?;
        out = later;
    }
    out.is_empty().then_some(())
}
