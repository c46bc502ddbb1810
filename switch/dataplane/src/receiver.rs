// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A receive ring and what its guest negotiated: where frames are delivered.

use sys::{Access, Buffers, Chain, Doorbell, NoRoom, Ring, RingFault, RingLog, Segment, Segments, Writer};
use wire::VnetHeader;

use crate::drops::DropReason;
use crate::features::Negotiated;
use crate::limits::MERGED;
use crate::payload::Payload;
use crate::port::SourceId;

/// The device's side of one receive queue.
pub(crate) struct Receiver {
    buffers: Buffers,
    negotiated: Negotiated,
    /// As negotiated; each frame wants to know.
    header_len: usize,
    fault: Option<RingFault>,
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

impl Receiver {
    pub(crate) fn new(mut ring: Ring, negotiated: Negotiated) -> Self {
        let mut segments = Segments::with_capacity(2 * sys::MAX_CHAIN);
        segments.hold(ring.memory());
        let (chains, chunks) = (Vec::with_capacity(MERGED), Vec::with_capacity(CHUNKS));
        let (begun, filled) = (ring.completed(), ring.next_avail() != 0);
        ring.nudge();
        Self {
            buffers: Buffers::new(ring),
            negotiated,
            header_len: negotiated.header_len(),
            fault: None,
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
        self.buffers.into_ring()
    }

    /// Marks what is written from now on in `log`, between two bursts.
    pub(crate) fn set_log(&mut self, log: Option<RingLog>) {
        self.buffers.ring_mut().set_log(log);
    }

    /// Rings this bell from now on.
    pub(crate) fn replace_call(&mut self, call: Option<Doorbell>) -> Option<Doorbell> {
        self.buffers.ring_mut().replace_call(call)
    }

    /// Whether what is written is marked.
    #[inline]
    pub(crate) fn is_logged(&self) -> bool {
        self.buffers.ring().is_logged()
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
        self.filled || self.buffers.ring().available() != Ok(0)
    }

    /// How many buffers the guest has given this queue, modulo 2^16.
    pub(crate) fn offered(&self) -> u16 {
        let ring = self.buffers.ring();
        ring.available().map_or(0, |waiting| ring.next_avail().wrapping_add(waiting))
    }

    /// Whether half of the queue is buffers that wait, or waiting for them is in vain.
    pub(crate) fn has_room(&self) -> bool {
        let ring = self.buffers.ring();
        !self.in_use() || ring.available().map_or(true, |waiting| waiting >= ring.size() / 2)
    }

    /// Delivers for `owner` until [`Receiver::end`], about `frames` frames.
    #[inline]
    pub(crate) fn begin(&mut self, owner: SourceId, frames: u16) {
        (self.owner, self.begun) = (owner, self.buffers.ring().completed());
        self.buffers.prepare(frames);
    }

    /// Nothing more is delivered for now.
    #[inline]
    pub(crate) fn end(&mut self) {
        if self.buffers.ring().completed() != self.begun {
            self.filled = true;
            self.note();
            self.buffers.ring().ask_used_index();
        }
    }

    /// Asks for the buffer of the frame after the next one, `bytes` bytes long.
    #[inline]
    pub(crate) fn ask_after_next(&self, bytes: usize) {
        self.buffers.ring().ask_buffer(1, bytes);
    }

    /// Copies a frame of `len` bytes, head and body, behind `header`, if the next chain is one buffer that is large enough and
    /// was looked up; else nothing has happened, and [`Receiver::put`] will find out what there is to do. The guest sees it
    /// after [`Receiver::end`] and [`Receiver::publish`]. `LOGGED` is what [`Receiver::is_logged`] says: who asks once a burst
    /// has nothing to pay for a frame that is not marked.
    #[inline(always)]
    pub(crate) fn put_single<const LOGGED: bool>(
        &mut self,
        header: &[u8; VnetHeader::LEN],
        len: u32,
        head: &[u8],
        body: &[Segment],
    ) -> bool {
        let total = self.header_len + len as usize;
        let Some(mut place) = self.buffers.next(total).filter(|_| self.fault.is_none()) else { return false };
        debug_assert_eq!(LOGGED, self.is_logged(), "a write that must be marked, or cannot");
        place.write_frame(header, self.header_len, head, body);
        if LOGGED {
            self.buffers.mark(total);
        }
        self.buffers.complete(total as u32);
        true
    }

    /// Copies one frame into the guest's buffers; the guest sees it after [`Receiver::end`] and [`Receiver::publish`].
    ///
    /// # Errors
    /// Why the frame could not be delivered. No buffer is consumed then, but for one that is malformed.
    pub(crate) fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        if self.fault.is_some() {
            return Err(DropReason::BrokenRing);
        }
        let total = (self.header_len + payload.len) as u32;
        self.reserve(total)?;
        let chains = self.chains.len() as u16;
        let header = header.forwarded(chains).to_bytes();
        // What was reserved is enough.
        self.write(&header, payload).map_err(|NoRoom| DropReason::BufferTooSmall)?;
        self.buffers.ring_mut().mark_written(self.segments.all(), total as usize);
        self.buffers.consume(chains);
        let mut left = total;
        for chain in &self.chains {
            let written = left.min(chain.bytes);
            self.buffers.ring_mut().complete(chain.head, written);
            left -= written;
        }
        Ok(())
    }

    /// Makes sure that `wanted` chains are known to wait, if they do.
    fn look(&mut self, wanted: u16) -> Result<bool, DropReason> {
        let waiting = self.buffers.ring_mut().waiting(wanted).map_err(|fault| self.break_ring(fault))?;
        Ok(waiting >= wanted)
    }

    /// Finds chains for `total` bytes: one, or as many as it takes when the guest can merge.
    fn reserve(&mut self, total: u32) -> Result<(), DropReason> {
        self.segments.truncate(0);
        self.chains.clear();
        let most = if self.negotiated.mergeable() { self.buffers.ring().size().min(MERGED as u16) } else { 1 };
        let mut room = 0_u32;
        for ahead in 0..most {
            if !self.look(ahead + 1)? {
                break;
            }
            let head = self.buffers.ring().head(ahead).map_err(|fault| self.break_ring(fault))?;
            let Some(chain) = self.buffers.ring().walk(head, Access::Write, &mut self.segments) else {
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
            self.buffers.consume(1);
            self.buffers.ring_mut().complete(head, 0);
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
        let (end, full) = (self.buffers.ring().completed(), self.chunks.len() == CHUNKS);
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
            self.buffers.ring_mut().publish_to(last.end);
            self.buffers.ring_mut().signal();
        }
        if self.fault.is_none() {
            self.fault = self.buffers.ring().late_fault();
        }
        self.fault.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
