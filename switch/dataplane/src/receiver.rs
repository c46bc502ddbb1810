// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A receive ring and what its guest negotiated: where frames are delivered.

use sys::{Access, Chain, MemoryMap, OutsideMemory, Ring, RingFault, Segment};
use wire::VnetHeader;

use crate::drops::DropReason;
use crate::features::Negotiated;
use crate::limits::MERGED;
use crate::port::SourceId;

/// The bytes of a frame: two parts that we hold and one in the sender's memory, in this order.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'a> {
    pub(crate) head: &'a [u8],
    pub(crate) more: &'a [u8],
    pub(crate) body: &'a [Segment],
    pub(crate) memory: &'a MemoryMap,
}

impl<'a> Payload<'a> {
    /// A frame that we hold the whole of; `memory` is not read.
    pub(crate) fn held(head: &'a [u8], more: &'a [u8], memory: &'a MemoryMap) -> Self {
        Self { head, more, body: &[], memory }
    }

    fn len(&self) -> usize {
        let body = self.body.iter().map(|segment| segment.len as usize).sum::<usize>();
        self.head.len() + self.more.len() + body
    }
}

/// The device's side of one receive queue.
pub(crate) struct Receiver {
    ring: Ring,
    negotiated: Negotiated,
    fault: Option<RingFault>,
    /// Buffers of the frame that is being delivered; allocated once.
    segments: Vec<Segment>,
    chains: Vec<Chain>,
    /// What was completed and is not published, in the order in which it stands in the ring.
    chunks: Vec<Chunk>,
    /// Whose burst is being delivered; a source has one burst under way at a time.
    owner: SourceId,
    /// The guest has given this queue buffers before.
    filled: bool,
}

/// Completions of one burst that stand together in the ring. They may be published when the burst's sender has its
/// chains back, and when everything before them may.
struct Chunk {
    owner: SourceId,
    /// The used index behind them.
    end: u16,
    finished: bool,
}

/// Chunks that are kept apart; far more than there are workers. Beyond that they run together, which costs a killed
/// weftd's promise and nothing else.
const CHUNKS: usize = 64;

impl Receiver {
    pub(crate) fn new(mut ring: Ring, negotiated: Negotiated) -> Self {
        let segments = Vec::with_capacity(2 * sys::MAX_CHAIN);
        let (chains, chunks) = (Vec::with_capacity(MERGED), Vec::with_capacity(CHUNKS));
        let filled = ring.next_avail() != 0;
        ring.nudge();
        Self { ring, negotiated, fault: None, segments, chains, chunks, owner: SourceId(0), filled }
    }

    /// The ring, once nothing of it is busy.
    pub(crate) fn into_ring(self) -> Ring {
        self.ring
    }

    /// Whether a burst that has delivered here is still to be published.
    pub(crate) fn is_busy(&self) -> bool {
        !self.chunks.is_empty()
    }

    pub(crate) fn negotiated(&self) -> Negotiated {
        self.negotiated
    }

    /// Whether the guest has ever given this queue buffers. Some VMMs enable every queue pair, used or not.
    pub(crate) fn in_use(&self) -> bool {
        self.filled || self.ring.available() != Ok(0)
    }

    /// Delivers for `owner` from now on, about `frames` frames: asks for what they will touch if they are small.
    pub(crate) fn begin(&mut self, owner: SourceId, frames: usize) {
        self.owner = owner;
        let waiting = self.ring.available().unwrap_or(0);
        self.ring.prefetch(waiting.min(frames as u16), Access::Write);
    }

    /// Copies one frame into the guest's buffers; the guest sees it after [`Receiver::publish`].
    ///
    /// # Errors
    /// Why the frame could not be delivered; no buffer is consumed then.
    pub(crate) fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        if self.fault.is_some() {
            return Err(DropReason::BrokenRing);
        }
        let total = self.negotiated.header_len() + payload.len();
        self.reserve(total as u32)?;
        let chains = self.chains.len() as u16;
        self.write(&header.forwarded(chains).to_bytes(), payload).map_err(|_| DropReason::GuestMemory)?;
        self.ring.consume(chains);
        let mut left = total as u32;
        for chain in &self.chains {
            let written = left.min(chain.bytes);
            self.ring.complete(chain.head, written);
            left -= written;
        }
        self.filled = true;
        self.note();
        Ok(())
    }

    /// Finds chains for `total` bytes: one, or as many as it takes when the guest can merge.
    fn reserve(&mut self, total: u32) -> Result<(), DropReason> {
        self.segments.clear();
        self.chains.clear();
        let waiting = self.ring.available().map_err(|fault| self.break_ring(fault))?;
        let most = if self.negotiated.mergeable() { self.ring.size().min(MERGED as u16) } else { 1 };
        let mut room = 0_u32;
        for ahead in 0..waiting.min(most) {
            let head = self.ring.head(ahead).map_err(|fault| self.break_ring(fault))?;
            let Some(chain) = self.ring.walk(head, Access::Write, &mut self.segments) else {
                return Err(self.reject(ahead, head));
            };
            self.chains.push(chain);
            room = room.saturating_add(chain.bytes);
            if room >= total {
                return Ok(());
            }
        }
        // Where as many buffers as a frame may take would not do if they were like these, waiting for more is in vain.
        let (seen, most) = (self.chains.len() as u64, u64::from(most));
        let small = u64::from(room) * most < u64::from(total) * seen;
        Err(if small { DropReason::BufferTooSmall } else { DropReason::RingFull })
    }

    /// A malformed receive chain is given back empty, so that it cannot stand in the way for ever. The chains before it
    /// were only looked at and stay.
    fn reject(&mut self, ahead: u16, head: u16) -> DropReason {
        if ahead == 0 {
            self.ring.consume(1);
            self.ring.complete(head, 0);
            self.note();
        }
        DropReason::BadBuffer
    }

    fn break_ring(&mut self, fault: RingFault) -> DropReason {
        self.fault = Some(fault);
        DropReason::BrokenRing
    }

    fn write(&self, header: &[u8; VnetHeader::LEN], payload: &Payload<'_>) -> Result<(), OutsideMemory> {
        let mut out = Scatter { memory: self.ring.memory(), segments: &self.segments, offset: 0 };
        out.write(&header[..self.negotiated.header_len()])?;
        out.write(payload.head)?;
        out.write(payload.more)?;
        payload.body.iter().try_for_each(|&segment| out.copy(payload.memory, segment))
    }

    /// Remembers whose burst the latest completions are of.
    fn note(&mut self) {
        let owner = self.owner;
        let (end, full) = (self.ring.completed(), self.chunks.len() == CHUNKS);
        match self.chunks.last_mut() {
            Some(last) if full || (last.owner == owner && !last.finished) => last.end = end,
            _ => self.chunks.push(Chunk { owner, end, finished: false }),
        }
    }

    /// The sender of `owner`'s burst has its chains back: makes the burst's frames visible to the guest, unless another
    /// worker's stand before them, which will then take them along; and rings the guest's bell if it wants that.
    ///
    /// # Errors
    /// The ring's fault, once known: broken indices, memory that was taken away, a bell that blocked.
    pub(crate) fn publish(&mut self, owner: SourceId) -> Result<(), RingFault> {
        self.chunks.iter_mut().filter(|chunk| chunk.owner == owner).for_each(|chunk| chunk.finished = true);
        let ready = self.chunks.iter().take_while(|chunk| chunk.finished).count();
        if let Some(last) = self.chunks.drain(..ready).next_back() {
            self.ring.publish_to(last.end);
            self.ring.signal();
        }
        if self.fault.is_none() {
            self.fault = self.ring.late_fault();
        }
        self.fault.map_or(Ok(()), Err)
    }
}

/// Writes bytes one after the other into a run of guest buffers.
struct Scatter<'a> {
    memory: &'a MemoryMap,
    segments: &'a [Segment],
    /// Bytes of the first segment that are written.
    offset: u32,
}

impl Scatter<'_> {
    /// The next piece of at most `len` bytes: its address and length.
    #[inline]
    fn next(&mut self, len: u32) -> Result<(u64, u32), OutsideMemory> {
        let segment = self.segments.first().ok_or(OutsideMemory)?;
        let step = len.min(segment.len - self.offset);
        let at = segment.address + u64::from(self.offset);
        self.offset += step;
        if self.offset == segment.len {
            self.segments = &self.segments[1..];
            self.offset = 0;
        }
        Ok((at, step))
    }

    #[inline]
    fn write(&mut self, mut bytes: &[u8]) -> Result<(), OutsideMemory> {
        while !bytes.is_empty() {
            let (at, step) = self.next(bytes.len() as u32)?;
            let (now, later) = bytes.split_at(step as usize);
            self.memory.write(at, now)?;
            bytes = later;
        }
        Ok(())
    }

    #[inline]
    fn copy(&mut self, from: &MemoryMap, mut segment: Segment) -> Result<(), OutsideMemory> {
        while segment.len > 0 {
            let (at, step) = self.next(segment.len)?;
            sys::copy((from, segment.address), (self.memory, at), step)?;
            segment.address += u64::from(step);
            segment.len -= step;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
