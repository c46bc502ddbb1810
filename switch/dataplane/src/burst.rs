// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A burst: up to [`limits::BURST`] frames of one source queue and all that the stages learn about them.
//!
//! Everything is allocated once; a stage only fills in. A frame's bytes are in up to two places: its private copy (the
//! first [`limits::HEAD`] bytes, or all of it) and the rest, which stays in the sender's memory until it is copied
//! straight into the receiver's.

use std::ops::Range;

use sys::Segment;
use wire::{EtherHeader, VnetHeader};

use crate::drops::DropReason;
use crate::limits::{BURST, HEAD, PRIVATE, SEGMENTS};
use crate::port::PortSlot;

/// What is to become of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No stage has decided yet.
    Undecided,
    /// To one port.
    Port(PortSlot),
    /// To every other port of the namespace.
    Flood,
    /// To nobody.
    Drop(DropReason),
}

/// One frame of a burst.
pub(crate) struct Frame {
    /// Private copy of the first bytes.
    head: [u8; HEAD],
    head_len: u8,
    /// Whole private copy in the burst's arena, for what cannot be classified by its head; else empty.
    whole: Range<u32>,
    /// What follows the private copy, in the sender's memory: a range of the burst's segments.
    body: Range<u32>,
    /// Bytes of the frame, without the virtio-net header.
    pub(crate) len: u32,
    /// Bytes of the longest frame that this one becomes on a wire: its own, or those of its longest segment.
    pub(crate) longest: u32,
    pub(crate) vnet: VnetHeader,
    pub(crate) ether: EtherHeader,
    pub(crate) verdict: Verdict,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            head: [0; HEAD],
            head_len: 0,
            whole: 0..0,
            body: 0..0,
            len: 0,
            longest: 0,
            vnet: VnetHeader::default(),
            ether: EtherHeader::default(),
            verdict: Verdict::Undecided,
        }
    }
}

/// See the module.
pub(crate) struct Burst {
    frames: Vec<Frame>,
    count: usize,
    /// Heads of the chains that were taken, frames or not, in the order in which they must be given back.
    pub(crate) chains: Vec<u16>,
    pub(crate) segments: Vec<Segment>,
    arena: Vec<u8>,
}

impl Burst {
    pub(crate) fn new() -> Self {
        Self {
            frames: std::iter::repeat_with(Frame::default).take(BURST).collect(),
            count: 0,
            chains: Vec::with_capacity(BURST),
            segments: Vec::with_capacity(SEGMENTS),
            arena: Vec::with_capacity(PRIVATE),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.chains.clear();
        self.segments.clear();
        self.arena.clear();
    }

    /// Whether a further chain, whatever its shape, fits.
    pub(crate) fn has_room(&self) -> bool {
        self.chains.len() < BURST && SEGMENTS - self.segments.len() >= sys::MAX_CHAIN
    }

    pub(crate) fn frames(&self) -> &[Frame] {
        &self.frames[..self.count]
    }

    pub(crate) fn frames_mut(&mut self) -> &mut [Frame] {
        &mut self.frames[..self.count]
    }

    /// Adds a frame of `len` bytes whose virtio-net header has been read and returns the place for its head copy.
    pub(crate) fn add(&mut self, vnet: VnetHeader, len: u32) -> &mut [u8] {
        let frame = &mut self.frames[self.count];
        self.count += 1;
        let head_len = (len as usize).min(HEAD);
        frame.head_len = head_len as u8;
        (frame.whole, frame.body, frame.len, frame.vnet) = (0..0, 0..0, len, vnet);
        frame.verdict = Verdict::Undecided;
        &mut frame.head[..head_len]
    }

    /// Takes the frame that was added last back out.
    pub(crate) fn remove_last(&mut self) {
        self.count -= 1;
    }

    /// Says which segments follow the head of the frame that was added last.
    pub(crate) fn set_body(&mut self, body: Range<u32>) {
        self.frames[self.count - 1].body = body;
    }

    /// Space in the arena for a whole private copy of frame `index`, which begins with its head; `None`: none left.
    /// The caller fills what is after the head, from the segments that it gets, and the copy is the frame from then on.
    pub(crate) fn privatise(&mut self, index: usize) -> Option<(&mut [u8], &[Segment])> {
        let frame = &mut self.frames[index];
        let start = self.arena.len();
        let end = start + frame.len as usize;
        if end > self.arena.capacity() {
            return None;
        }
        self.arena.resize(end, 0);
        let head = usize::from(frame.head_len);
        self.arena[start..start + head].copy_from_slice(&frame.head[..head]);
        let body = std::mem::take(&mut frame.body);
        frame.whole = start as u32..end as u32;
        Some((&mut self.arena[start + head..end], &self.segments[as_usize(&body)]))
    }

    /// The private copy of a frame: all that may be looked at.
    pub(crate) fn bytes<'a>(&'a self, frame: &'a Frame) -> &'a [u8] {
        if frame.whole.is_empty() {
            &frame.head[..usize::from(frame.head_len)]
        } else {
            &self.arena[as_usize(&frame.whole)]
        }
    }

    /// What follows the private copy, in the sender's memory.
    pub(crate) fn body(&self, frame: &Frame) -> &[Segment] {
        &self.segments[as_usize(&frame.body)]
    }
}

impl Frame {
    /// The first bytes, at most [`HEAD`].
    #[inline]
    pub(crate) fn head(&self) -> &[u8] {
        &self.head[..usize::from(self.head_len)]
    }

    /// Decides, unless an earlier stage has.
    #[inline]
    pub(crate) fn decide(&mut self, verdict: Verdict) {
        if self.verdict == Verdict::Undecided {
            self.verdict = verdict;
        }
    }
}

fn as_usize(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}
