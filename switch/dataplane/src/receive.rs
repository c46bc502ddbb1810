// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 1: from a transmit ring into a burst. Each header is copied out of guest memory once.
//!
//! In two rounds, so that misses are on their way while there is other work: descriptors are asked for; chains are walked and
//! their first bytes asked for, and heads that were asked for some frames ago are copied.

use sys::{Access, Ring, RingFault};

use crate::burst::Burst;
use crate::drops::DropReason;
use crate::limits::{BURST, FRAME_MAX, HEAD};
use crate::stats::Delta;

/// Frames between the one whose first bytes are asked for and the one whose head is copied: as many as the processor can
/// have under way, and then there is work to do while it waits.
const DISTANCE: usize = 12;

/// Takes up to a burst of chains off `ring`. Malformed ones are counted in `delta` and only their heads kept, to be
/// given back.
///
/// # Errors
/// [`RingFault`]: the ring is broken; what was taken before the fault is in the burst and must be finished first.
pub(crate) fn receive(
    ring: &mut Ring,
    header_len: usize,
    burst: &mut Burst,
    delta: &mut Delta,
) -> Result<(), RingFault> {
    burst.clear();
    let waiting = ring.waiting(BURST as u16)?.min(BURST as u16);
    if waiting == 0 {
        return Ok(());
    }
    burst.segments.hold(ring.memory());
    ring.ask_descriptors(0..waiting);
    ring.ask_used(0..waiting);
    let (taken, walked) = take(ring, waiting, header_len, burst, delta);
    while burst.without_head() > 0 {
        burst.copy_head(header_len);
    }
    ring.consume(taken);
    walked
}

/// Takes `waiting` chains, or as many as there is room for: frames, or counted drops. Returns how many.
fn take(
    ring: &Ring,
    waiting: u16,
    header_len: usize,
    burst: &mut Burst,
    delta: &mut Delta,
) -> (u16, Result<(), RingFault>) {
    let (mut taken, mut bytes) = (0, 0);
    let mut fault = Ok(());
    while taken < waiting && burst.has_room() {
        match ring.head(taken) {
            Ok(head) => bytes += u64::from(take_one(ring, head, header_len, burst, delta)),
            Err(broken) => {
                fault = Err(broken);
                break;
            }
        }
        taken += 1;
        if burst.without_head() > DISTANCE {
            burst.copy_head(header_len);
        }
    }
    delta.traffic.frames += u64::from(taken);
    delta.traffic.bytes += bytes;
    (taken, fault)
}

/// Takes the chain at `head`. Returns how many bytes its frame has, whatever becomes of it.
#[inline(always)]
fn take_one(ring: &Ring, head: u16, header_len: usize, burst: &mut Burst, delta: &mut Delta) -> u32 {
    burst.take(head);
    let first = burst.segments.len();
    let bytes = ring.walk(head, Access::Read, &mut burst.segments).map(|chain| chain.bytes);
    match bytes.ok_or(DropReason::BadChain).and_then(|bytes| frame_len(bytes, header_len)) {
        Ok(len) => {
            burst.segments.prefetch(first, header_len + HEAD.min(len as usize));
            burst.add(len, first);
            len
        }
        Err(reason) => {
            burst.segments.truncate(first);
            delta.drops.add(reason);
            bytes.unwrap_or(0).saturating_sub(header_len as u32)
        }
    }
}

/// Length of the frame in a chain of `bytes` bytes.
#[inline]
pub(crate) fn frame_len(bytes: u32, header_len: usize) -> Result<u32, DropReason> {
    match (bytes as usize).checked_sub(header_len) {
        None => Err(DropReason::BadChain),
        Some(len) if len < wire::ether::MIN_LEN => Err(DropReason::Runt),
        Some(len) if len > FRAME_MAX => Err(DropReason::Oversize),
        Some(len) => Ok(len as u32),
    }
}
