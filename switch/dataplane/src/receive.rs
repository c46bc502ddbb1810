// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 1: from a transmit ring into a burst. Each header is copied out of guest memory once.

use sys::{Access, MemoryMap, OutsideMemory, Ring, RingFault, Segment};
use wire::VnetHeader;

use crate::burst::Burst;
use crate::drops::DropReason;
use crate::limits::{BURST, FRAME_MAX};
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
    ring.prefetch(waiting, Access::Read);
    let mut fault = Ok(());
    for ahead in 0..waiting {
        if !burst.has_room() {
            break;
        }
        match ring.head(ahead) {
            Ok(head) => take(ring, head, header_len, burst, delta),
            Err(broken) => {
                fault = Err(broken);
                break;
            }
        }
    }
    ring.consume(burst.chains.len() as u16);
    fault
}

/// Takes one chain: a frame, or a counted drop.
fn take(ring: &Ring, head: u16, header_len: usize, burst: &mut Burst, delta: &mut Delta) {
    burst.chains.push(head);
    let first = burst.segments.len();
    let Some(chain) = ring.walk(head, Access::Read, &mut burst.segments) else {
        delta.traffic.add(0);
        return delta.drops.add(DropReason::BadChain);
    };
    let len = chain.bytes.saturating_sub(header_len as u32);
    delta.traffic.add(len);
    if let Err(reason) =
        check_len(chain.bytes, header_len).and_then(|()| split(ring.memory(), header_len, first, len, burst))
    {
        burst.segments.truncate(first);
        delta.drops.add(reason);
    }
}

fn check_len(bytes: u32, header_len: usize) -> Result<(), DropReason> {
    match (bytes as usize).checked_sub(header_len) {
        None => Err(DropReason::BadChain),
        Some(len) if len < wire::ether::MIN_LEN => Err(DropReason::Runt),
        Some(len) if len > FRAME_MAX => Err(DropReason::Oversize),
        Some(_) => Ok(()),
    }
}

/// Copies the virtio-net header and the frame's head; what is left of the segments is the body.
fn split(memory: &MemoryMap, header_len: usize, first: usize, len: u32, burst: &mut Burst) -> Result<(), DropReason> {
    let mut header = [0; VnetHeader::LEN];
    let mut puller = Puller { memory, at: first };
    puller.pull(&mut burst.segments, &mut header[..header_len]).map_err(|_| DropReason::GuestMemory)?;
    // The head goes to a place in the burst, whose segments are being read: take them out for the moment.
    let mut segments = std::mem::take(&mut burst.segments);
    let pulled = puller.pull(&mut segments, burst.add(VnetHeader::from_bytes(&header), len));
    burst.set_body(puller.at as u32..segments.len() as u32);
    burst.segments = segments;
    if pulled.is_err() {
        burst.remove_last();
        return Err(DropReason::GuestMemory);
    }
    Ok(())
}

/// Takes bytes off the front of a run of segments.
struct Puller<'a> {
    memory: &'a MemoryMap,
    /// The segment that the next byte is in.
    at: usize,
}

impl Puller<'_> {
    /// Fills `out` and shortens the segments by as much. The segments hold at least that many bytes.
    #[inline]
    fn pull(&mut self, segments: &mut [Segment], out: &mut [u8]) -> Result<(), OutsideMemory> {
        let mut done = 0;
        while done < out.len() {
            let segment = segments.get_mut(self.at).ok_or(OutsideMemory)?;
            let step = (segment.len as usize).min(out.len() - done);
            self.memory.read(segment.address, &mut out[done..done + step])?;
            segment.address += step as u64;
            segment.len -= step as u32;
            done += step;
            self.at += usize::from(segment.len == 0);
        }
        Ok(())
    }
}
