// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A receive ring and what its guest negotiated: where frames are delivered.

use sys::{Access, Chain, MemoryMap, OutsideMemory, Ring, RingFault, Segment};
use wire::VnetHeader;

use crate::drops::DropReason;
use crate::features::Negotiated;
use crate::limits::MERGED;

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
    /// Completed and not yet published.
    pending: bool,
    /// The guest has given this queue buffers before.
    filled: bool,
}

impl Receiver {
    pub(crate) fn new(ring: Ring, negotiated: Negotiated) -> Self {
        let segments = Vec::with_capacity(2 * sys::MAX_CHAIN);
        let (chains, filled) = (Vec::with_capacity(MERGED), ring.next_avail() != 0);
        Self { ring, negotiated, fault: None, segments, chains, pending: false, filled }
    }

    pub(crate) fn into_ring(mut self) -> Ring {
        // What was delivered belongs to the guest, and nobody else will tell it. A fault ends with the ring's session.
        let _ = self.publish();
        self.ring
    }

    pub(crate) fn negotiated(&self) -> Negotiated {
        self.negotiated
    }

    /// Whether the guest has ever given this queue buffers. Some VMMs enable every queue pair, used or not.
    pub(crate) fn in_use(&self) -> bool {
        self.filled || self.ring.available() != Ok(0)
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
        (self.pending, self.filled) = (true, true);
        Ok(())
    }

    /// Finds chains for `total` bytes: one, or as many as it takes when the guest can merge.
    fn reserve(&mut self, total: u32) -> Result<(), DropReason> {
        self.segments.clear();
        self.chains.clear();
        let waiting = self.ring.available().map_err(|fault| self.break_ring(fault))?;
        let most = if self.negotiated.mergeable() { MERGED } else { 1 };
        let mut room = 0;
        for ahead in 0..waiting.min(most as u16) {
            let head = self.ring.head(ahead).map_err(|fault| self.break_ring(fault))?;
            let Some(chain) = self.ring.walk(head, Access::Write, &mut self.segments) else {
                return Err(self.reject(ahead, head));
            };
            self.chains.push(chain);
            room += chain.bytes;
            if room >= total {
                return Ok(());
            }
        }
        let short = usize::from(waiting) >= most;
        Err(if short { DropReason::BufferTooSmall } else { DropReason::RingFull })
    }

    /// A malformed receive chain is given back empty, so that it cannot stand in the way for ever. The chains before it
    /// were only looked at and stay.
    fn reject(&mut self, ahead: u16, head: u16) -> DropReason {
        if ahead == 0 {
            self.ring.consume(1);
            self.ring.complete(head, 0);
            self.pending = true;
        }
        DropReason::BrokenRing
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

    /// Makes delivered frames visible to the guest and rings its bell if it wants that.
    ///
    /// # Errors
    /// The ring's fault, once known: broken indices, or memory that was taken away.
    pub(crate) fn publish(&mut self) -> Result<(), RingFault> {
        if std::mem::take(&mut self.pending) {
            self.ring.publish();
            self.ring.signal();
        }
        if self.fault.is_none() {
            self.fault = self.ring.memory_fault();
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
