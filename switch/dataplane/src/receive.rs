// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 1: from a transmit ring into a burst. Each header is copied out of guest memory once.
//!
//! In three rounds over the burst, so that the misses of one round are on their way while the round before works:
//! descriptors are asked for; chains are walked and their first bytes asked for; heads are copied.

use sys::{Access, Ring, RingFault};

use crate::burst::Burst;
use crate::drops::DropReason;
use crate::limits::{BURST, FRAME_MAX, HEAD};
use crate::stats::Delta;

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
    let waiting = ring.available()?.min(BURST as u16);
    if waiting == 0 {
        return Ok(());
    }
    burst.segments.hold(ring.memory());
    ring.prefetch_chains(waiting);
    let walked = walk(ring, waiting, header_len, burst, delta);
    burst.copy_heads(header_len);
    ring.consume(burst.chains.len() as u16);
    walked
}

/// Takes `waiting` chains, or as many as there is room for: frames, or counted drops.
fn walk(ring: &Ring, waiting: u16, header_len: usize, burst: &mut Burst, delta: &mut Delta) -> Result<(), RingFault> {
    for ahead in 0..waiting {
        if !burst.has_room() {
            break;
        }
        let head = ring.head(ahead)?;
        burst.chains.push(head);
        let first = burst.segments.len();
        let bytes = ring.walk(head, Access::Read, &mut burst.segments).map(|chain| chain.bytes);
        delta.traffic.add(bytes.unwrap_or(0).saturating_sub(header_len as u32));
        match bytes.ok_or(DropReason::BadChain).and_then(|bytes| frame_len(bytes, header_len)) {
            Ok(len) => {
                burst.segments.all()[first].prefetch(header_len + HEAD.min(len as usize), Access::Read);
                burst.add(len, first);
            }
            Err(reason) => {
                burst.segments.truncate(first);
                delta.drops.add(reason);
            }
        }
    }
    Ok(())
}

/// Length of the frame in a chain of `bytes` bytes.
#[inline]
fn frame_len(bytes: u32, header_len: usize) -> Result<u32, DropReason> {
    match (bytes as usize).checked_sub(header_len) {
        None => Err(DropReason::BadChain),
        Some(len) if len < wire::ether::MIN_LEN => Err(DropReason::Runt),
        Some(len) if len > FRAME_MAX => Err(DropReason::Oversize),
        Some(len) => Ok(len as u32),
    }
}
