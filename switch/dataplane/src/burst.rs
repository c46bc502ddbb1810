// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A burst: up to [`limits::BURST`] frames of one source queue and all that the stages learn about them.
//!
//! Everything is allocated once; a stage only fills in. A frame's bytes are in up to two places: its private copy (the
//! first [`limits::HEAD`] bytes, or all of it) and the rest, which stays in the sender's memory until it is copied
//! straight into the receiver's.

use std::ops::Range;

use sys::{Segment, Segments};
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
    /// It is not among those that come out of a link now.
    Elsewhere,
}

/// Where a frame's private copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copied {
    /// Its head, in the frame itself.
    Head,
    /// All of it, in the burst's arena from here on.
    Whole(u32),
}

/// One frame of a burst: three cache lines, the first two of which are its head.
#[repr(align(64))]
pub(crate) struct Frame {
    /// Private copy of the first bytes.
    head: [u8; HEAD],
    head_len: u8,
    copied: Copied,
    /// What follows the private copy, in the sender's memory: a range of the burst's segments.
    body: Range<u16>,
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
            copied: Copied::Head,
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
    pub(crate) segments: Segments,
    arena: Vec<u8>,
}

impl Burst {
    pub(crate) fn new() -> Self {
        Self {
            frames: std::iter::repeat_with(Frame::default).take(BURST).collect(),
            count: 0,
            chains: Vec::with_capacity(BURST),
            segments: Segments::with_capacity(SEGMENTS),
            arena: Vec::with_capacity(PRIVATE),
        }
    }

    /// Forgets the burst, and lets go of the sender's memory.
    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.chains.clear();
        self.segments.release();
        self.arena.clear();
    }

    /// Whether a further chain, whatever its shape, fits.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.chains.len() < BURST && self.segments.room() >= sys::MAX_CHAIN
    }

    pub(crate) fn frames(&self) -> &[Frame] {
        &self.frames[..self.count]
    }

    pub(crate) fn frames_mut(&mut self) -> &mut [Frame] {
        &mut self.frames[..self.count]
    }

    /// Adds a frame of `len` bytes whose virtio-net header and bytes are all segments from `first` on. They are read by
    /// [`Burst::copy_heads`].
    #[inline]
    pub(crate) fn add(&mut self, len: u32, first: usize) {
        let frame = &mut self.frames[self.count];
        self.count += 1;
        frame.head_len = (len as usize).min(HEAD) as u8;
        frame.copied = Copied::Head;
        frame.body = first as u16..self.segments.len() as u16;
        frame.len = len;
        frame.verdict = Verdict::Undecided;
    }

    /// Copies each frame's virtio-net header of `header_len` bytes and its head out of guest memory, once.
    pub(crate) fn copy_heads(&mut self, header_len: usize) {
        let mut header = [0; VnetHeader::LEN];
        for frame in &mut self.frames[..self.count] {
            let at = self.segments.pull(frame.body.start.into(), &mut header[..header_len]);
            let head = &mut frame.head[..usize::from(frame.head_len)];
            // The segments hold as many bytes as the frame was said to have.
            let at = at.and_then(|at| self.segments.pull(at, head)).unwrap_or(frame.body.end.into());
            frame.body.start = at as u16;
            frame.vnet = VnetHeader::from_bytes(&header);
        }
    }

    /// Makes a whole private copy of frame `index`, for a frame whose headers do not end within its head: it is judged by
    /// the copy and delivered from it, so that what its sender writes meanwhile changes nothing. `false`: there is no
    /// more of it to be had, or no room for it.
    #[cold]
    pub(crate) fn privatise(&mut self, index: usize) -> bool {
        let frame = &mut self.frames[index];
        let start = self.arena.len();
        let end = start + frame.len as usize;
        if frame.body.is_empty() || end > self.arena.capacity() {
            return false;
        }
        self.arena.resize(end, 0);
        let (head, rest) = self.arena[start..end].split_at_mut(frame.head_len.into());
        head.copy_from_slice(&frame.head[..frame.head_len.into()]);
        let copied = sys::gather(self.segments.get(as_usize(&frame.body)), rest) == Some(rest.len());
        if copied {
            frame.body = 0..0;
            frame.copied = Copied::Whole(start as u32);
        }
        copied
    }

    /// The private copy of a frame: all that may be looked at.
    #[inline]
    pub(crate) fn bytes<'a>(&'a self, frame: &'a Frame) -> &'a [u8] {
        match frame.copied {
            Copied::Head => frame.head(),
            Copied::Whole(start) => &self.arena[start as usize..start as usize + frame.len as usize],
        }
    }

    /// What follows the private copy, in the sender's memory.
    #[inline]
    pub(crate) fn body(&self, frame: &Frame) -> &[Segment] {
        self.segments.get(as_usize(&frame.body))
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

#[inline]
fn as_usize(range: &Range<u16>) -> Range<usize> {
    range.start.into()..range.end.into()
}
