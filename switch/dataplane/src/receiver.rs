// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A receive ring and what its guest negotiated: where frames are delivered.

use sys::{Access, Chain, NoRoom, Ring, RingFault, Segment, Segments, Writer};
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
}

impl<'a> Payload<'a> {
    /// A frame that we hold the whole of.
    pub(crate) fn held(head: &'a [u8], more: &'a [u8]) -> Self {
        Self { head, more, body: &[] }
    }

    #[inline]
    fn len(&self) -> usize {
        let body = self.body.iter().map(Segment::len).sum::<usize>();
        self.head.len() + self.more.len() + body
    }
}

/// The device's side of one receive queue.
pub(crate) struct Receiver {
    ring: Ring,
    negotiated: Negotiated,
    /// As negotiated; each frame wants to know.
    header_len: usize,
    fault: Option<RingFault>,
    /// Chains that were available when we last looked and are not consumed.
    waiting: u16,
    /// Buffers of the frame that is being delivered; allocated once.
    segments: Segments,
    chains: Vec<Chain>,
    /// What was completed and is not published, in the order in which it stands in the ring.
    chunks: Vec<Chunk>,
    /// Whose burst is being delivered; a source has one burst under way at a time.
    owner: SourceId,
    /// The used index when it began to be.
    begun: u16,
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

/// Bytes that are asked for of each buffer before a burst is delivered: a header and a small frame, or the start of a
/// large one.
const SMALL: usize = 76;

impl Receiver {
    pub(crate) fn new(mut ring: Ring, negotiated: Negotiated) -> Self {
        let mut segments = Segments::with_capacity(2 * sys::MAX_CHAIN);
        segments.hold(ring.memory());
        let (chains, chunks) = (Vec::with_capacity(MERGED), Vec::with_capacity(CHUNKS));
        let (begun, filled) = (ring.completed(), ring.next_avail() != 0);
        ring.nudge();
        Self {
            ring,
            negotiated,
            header_len: negotiated.header_len(),
            fault: None,
            waiting: 0,
            segments,
            chains,
            chunks,
            owner: SourceId(0),
            begun,
            filled,
        }
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

    /// Delivers for `owner` until [`Receiver::end`], about `frames` frames: asks for what they will touch if they are
    /// small.
    pub(crate) fn begin(&mut self, owner: SourceId, frames: usize) {
        (self.owner, self.begun) = (owner, self.ring.completed());
        self.waiting = self.ring.available().unwrap_or(0);
        let frames = self.waiting.min(frames as u16);
        self.ring.prefetch_chains(frames);
        (0..frames).for_each(|ahead| self.ring.prefetch_buffer(ahead, SMALL));
    }

    /// Nothing more is delivered for now.
    pub(crate) fn end(&mut self) {
        if self.ring.completed() != self.begun {
            self.filled = true;
            self.note();
        }
    }

    /// Asks for the buffer of the frame after the next one, `bytes` bytes long.
    #[inline]
    pub(crate) fn prefetch_after_next(&self, bytes: u32) {
        self.ring.prefetch_buffer(1, bytes as usize);
    }

    /// Copies one frame into the guest's buffers; the guest sees it after [`Receiver::end`] and
    /// [`Receiver::publish`].
    ///
    /// # Errors
    /// Why the frame could not be delivered; no buffer is consumed then.
    #[inline]
    pub(crate) fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        if self.fault.is_some() {
            return Err(DropReason::BrokenRing);
        }
        let total = self.header_len + payload.len();
        if !self.put_single(header, payload, total)? {
            self.put_chains(header, payload, total)?;
        }
        Ok(())
    }

    /// Copies a frame for which the next chain is one buffer that is large enough. `false`: it is not.
    #[inline]
    fn put_single(&mut self, header: &VnetHeader, payload: &Payload<'_>, total: usize) -> Result<bool, DropReason> {
        if !self.look(1)? {
            return Err(DropReason::RingFull);
        }
        let head = self.ring.head(0).map_err(|fault| self.break_ring(fault))?;
        let Some(mut place) = self.ring.place(head).filter(|place| place.room() >= total) else { return Ok(false) };
        place.write(&header_bytes(header, 1)[..self.header_len]);
        place.write(payload.head);
        place.write(payload.more);
        payload.body.iter().for_each(|segment| place.copy(segment));
        self.consume(1);
        self.ring.complete(head, total as u32);
        Ok(true)
    }

    /// Copies a frame into as many chains as it takes.
    fn put_chains(&mut self, header: &VnetHeader, payload: &Payload<'_>, total: usize) -> Result<(), DropReason> {
        self.reserve(total as u32)?;
        let chains = self.chains.len() as u16;
        // What was reserved is enough.
        self.write(&header_bytes(header, chains), payload).map_err(|NoRoom| DropReason::BufferTooSmall)?;
        self.consume(chains);
        let mut left = total as u32;
        for chain in &self.chains {
            let written = left.min(chain.bytes);
            self.ring.complete(chain.head, written);
            left -= written;
        }
        Ok(())
    }

    #[inline]
    fn consume(&mut self, chains: u16) {
        self.ring.consume(chains);
        self.waiting -= chains;
    }

    /// Makes sure that `wanted` chains are known to wait, if they do; looks at the guest's index only when it must, for
    /// the guest's writing to it makes each look a cache miss.
    #[inline]
    fn look(&mut self, wanted: u16) -> Result<bool, DropReason> {
        if self.waiting < wanted {
            self.waiting = self.ring.available().map_err(|fault| self.break_ring(fault))?;
        }
        Ok(self.waiting >= wanted)
    }

    /// Finds chains for `total` bytes: one, or as many as it takes when the guest can merge.
    fn reserve(&mut self, total: u32) -> Result<(), DropReason> {
        self.segments.truncate(0);
        self.chains.clear();
        let most = if self.negotiated.mergeable() { self.ring.size().min(MERGED as u16) } else { 1 };
        let mut room = 0_u32;
        for ahead in 0..most {
            if !self.look(ahead + 1)? {
                break;
            }
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
            self.consume(1);
            self.ring.complete(head, 0);
        }
        DropReason::BadBuffer
    }

    fn break_ring(&mut self, fault: RingFault) -> DropReason {
        self.fault = Some(fault);
        DropReason::BrokenRing
    }

    fn write(&self, header: &[u8; VnetHeader::LEN], payload: &Payload<'_>) -> Result<(), NoRoom> {
        let mut out = Writer::new(self.segments.all());
        out.write(&header[..self.header_len])?;
        out.write(payload.head)?;
        out.write(payload.more)?;
        payload.body.iter().try_for_each(|segment| out.copy(segment))
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

/// The header of a frame that takes `chains` chains, as it is written. Most ask for nothing.
#[inline]
fn header_bytes(header: &VnetHeader, chains: u16) -> [u8; VnetHeader::LEN] {
    if header.is_plain() {
        VnetHeader { num_buffers: chains, ..VnetHeader::default() }.to_bytes()
    } else {
        header.forwarded(chains).to_bytes()
    }
}

#[cfg(test)]
mod tests;
