// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A burst: up to [`limits::BURST`] frames of one source queue and all that the stages learn about them.
//!
//! Everything is allocated once; a stage only fills in. A frame's bytes are in up to two places: its private copy (the
//! first [`limits::HEAD`] bytes, or all of it) and the rest, which stays in the sender's memory until it is copied
//! straight into the receiver's.

use std::ops::Range;

use sys::{Segment, Segments};
use wire::ether::ethertype::{IPV4, IPV6};
use wire::ip6::protocol::{TCP, UDP};
use wire::{DHCP_CLIENT_PORT, EtherHeader, MacAddr, VnetHeader, ether};

use crate::bits::Bits;
use crate::drops::DropReason;
use crate::limits::{BURST, HEAD, PRIVATE, SEGMENTS};
use crate::payload::Payload;
use crate::port::PortSlot;

/// Where an untagged IPv6 packet says what follows its header (RFC 8200 section 3), and where a transport header right behind that has
/// the port that it is for, and the end of both ports.
const NEXT_HEADER: usize = ether::MIN_LEN + 6;
const PORT: usize = ether::MIN_LEN + 40 + 2;
const PORTS_END: u8 = PORT as u8 + 2;

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
#[repr(C, align(64))]
pub(crate) struct Frame {
    /// Private copy of the first bytes.
    head: [u8; HEAD],
    head_len: u8,
    copied: Copied,
    /// What follows the private copy, in the sender's memory: a range of the burst's segments.
    body: Range<u16>,
    /// Bytes of the frame, without the virtio-net header.
    pub(crate) len: u32,
    /// Bytes of the longest packet that it becomes on a wire, without Ethernet header and tags: its own, or that of its
    /// longest segment. This is what an MTU allows.
    pub(crate) packet: u32,
    pub(crate) vnet: VnetHeader,
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
            packet: 0,
            vnet: VnetHeader::default(),
            verdict: Verdict::Undecided,
        }
    }
}

/// See the module.
pub(crate) struct Burst {
    frames: Box<[Frame; BURST]>,
    count: usize,
    /// How many of the frames have their heads.
    headed: usize,
    /// Heads of the chains that were taken, frames or not, in the order in which they must be given back.
    chains: [u16; BURST],
    taken: usize,
    pub(crate) segments: Segments,
    arena: Vec<u8>,
    /// Frames that are not just a head and a body under a header that asks for nothing.
    odd: Bits,
}

impl Burst {
    pub(crate) fn new() -> Self {
        Self {
            frames: Box::new(std::array::from_fn(|_| Frame::default())),
            count: 0,
            headed: 0,
            chains: [0; BURST],
            taken: 0,
            segments: Segments::with_capacity(SEGMENTS),
            arena: Vec::with_capacity(PRIVATE),
            odd: Bits::NONE,
        }
    }

    /// A burst of this one frame, the head of which is all that there is of it.
    #[cfg(test)]
    pub(crate) fn of(bytes: &[u8], vnet: VnetHeader) -> Self {
        let mut burst = Self::new();
        burst.add(bytes.len() as u32, 0);
        let frame = &mut burst.frames[0];
        frame.head[..bytes.len()].copy_from_slice(bytes);
        frame.vnet = vnet;
        burst
    }

    /// Forgets the burst, and lets go of the sender's memory.
    pub(crate) fn clear(&mut self) {
        (self.count, self.headed, self.taken) = (0, 0, 0);
        self.segments.release();
        self.arena.clear();
        self.odd = Bits::NONE;
    }

    /// Whether a further chain, whatever its shape, fits.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.taken < BURST && self.segments.room() >= sys::MAX_CHAIN
    }

    /// Notes that the chain at `head` was taken. There must be room.
    #[inline(always)]
    pub(crate) fn take(&mut self, head: u16) {
        self.chains[self.taken % BURST] = head;
        self.taken += 1;
    }

    /// Heads of the chains that were taken.
    #[inline]
    pub(crate) fn chains(&self) -> &[u16] {
        &self.chains[..self.taken]
    }

    /// Frame `number`, which the burst must have.
    #[inline(always)]
    pub(crate) fn frame(&self, number: usize) -> &Frame {
        &self.frames[number % BURST]
    }

    pub(crate) fn frames(&self) -> &[Frame] {
        &self.frames[..self.count]
    }

    pub(crate) fn frames_mut(&mut self) -> &mut [Frame] {
        &mut self.frames[..self.count]
    }

    /// Adds a frame of `len` bytes whose virtio-net header and bytes are all segments from `first` on. They are read by
    /// [`Burst::copy_head`].
    #[inline(always)]
    pub(crate) fn add(&mut self, len: u32, first: usize) {
        let frame = &mut self.frames[self.count % BURST];
        self.count += 1;
        frame.head_len = (len as usize).min(HEAD) as u8;
        frame.copied = Copied::Head;
        frame.body = first as u16..self.segments.len() as u16;
        frame.len = len;
        frame.verdict = Verdict::Undecided;
    }

    /// Frames whose heads are still to be copied.
    #[inline]
    pub(crate) fn without_head(&self) -> usize {
        self.count - self.headed
    }

    /// Copies the next frame's virtio-net header of `header_len` bytes and its head out of guest memory, once.
    #[inline(always)]
    pub(crate) fn copy_head(&mut self, header_len: usize) {
        let frame = &mut self.frames[self.headed % BURST];
        let head = &mut frame.head[..usize::from(frame.head_len)];
        let taken = self.segments.pull_head(frame.body.start.into(), header_len, head);
        if let Some(((front, back), at)) = taken {
            frame.body.start = at as u16;
            frame.vnet = VnetHeader::from_words(front, back);
        } else {
            // The segments hold as many bytes as the frame was said to have; if ever they did not, it is none.
            frame.verdict = Verdict::Drop(DropReason::BadChain);
        }
        self.headed += 1;
    }

    /// Makes a whole private copy of frame `index`, for a frame whose headers do not end within its head, or of which control
    /// hears: it is judged by the copy and delivered from it, so that what its sender writes meanwhile changes nothing. `false`: there is no
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
            self.odd.set(index, true);
        }
        copied
    }

    /// Sees to it that frame `number` has a whole private copy, if there is room.
    pub(crate) fn make_whole(&mut self, number: usize) -> bool {
        self.frame(number).body.is_empty() || self.privatise(number)
    }

    /// Notes that frame `number` asks for something, so that its header must go with it.
    #[inline]
    pub(crate) fn mark(&mut self, number: usize) {
        self.odd.set(number, true);
    }

    /// Whether frame `number` is more than a head and a body under a header that asks for nothing.
    #[inline]
    pub(crate) fn is_odd(&self, number: usize) -> bool {
        self.odd.has(number)
    }

    /// The private copy of a frame: all that may be looked at.
    #[inline]
    pub(crate) fn bytes<'a>(&'a self, frame: &'a Frame) -> &'a [u8] {
        match frame.copied {
            Copied::Head => frame.head(),
            Copied::Whole(start) => &self.arena[start as usize..start as usize + frame.len as usize],
        }
    }

    /// All of a frame, as it is delivered.
    #[inline]
    pub(crate) fn payload<'a>(&'a self, frame: &'a Frame) -> Payload<'a> {
        Payload { len: frame.len as usize, head: self.bytes(frame), more: &[], body: self.body(frame) }
    }

    /// What follows the private copy, in the sender's memory.
    #[inline]
    pub(crate) fn body(&self, frame: &Frame) -> &[Segment] {
        if frame.body.is_empty() {
            return &[];
        }
        self.segments.get(as_usize(&frame.body))
    }
}

impl Frame {
    /// The first bytes, at most [`HEAD`].
    #[inline]
    pub(crate) fn head(&self) -> &[u8] {
        &self.head[..usize::from(self.head_len)]
    }

    /// Its Ethernet header. A frame shorter than one did not enter the burst.
    #[inline]
    pub(crate) fn ether(&self) -> EtherHeader {
        EtherHeader::parse(self.head()).unwrap_or_default()
    }

    /// Destination and source address, as they stand there.
    #[inline]
    pub(crate) fn addresses(&self) -> &[u8; 12] {
        self.head.first_chunk().unwrap_or(&[0; 12])
    }

    /// Its destination.
    #[inline]
    pub(crate) fn dst(&self) -> MacAddr {
        let &[a, b, c, d, e, f, ..] = self.addresses();
        MacAddr([a, b, c, d, e, f])
    }

    /// Its source.
    #[inline]
    pub(crate) fn src(&self) -> MacAddr {
        let &[.., a, b, c, d, e, f] = self.addresses();
        MacAddr([a, b, c, d, e, f])
    }

    /// Whether it is of a kind that nothing has to be said about: untagged IPv4, or IPv6 that carries TCP or UDP right behind
    /// its header, but for what only DHCPv6 servers send.
    #[inline]
    pub(crate) fn is_everyday(&self) -> bool {
        let kind = u16::from_be_bytes([self.head[12], self.head[13]]);
        // Of a shorter frame, the byte there is another frame's.
        let (next, port) = (self.head[NEXT_HEADER], u16::from_be_bytes([self.head[PORT], self.head[PORT + 1]]));
        let to_dhcp_client = (next == UDP) & (port == DHCP_CLIENT_PORT);
        let transport = matches!(next, TCP | UDP) & !to_dhcp_client & (self.head_len >= PORTS_END);
        (kind == IPV4) | ((kind == IPV6) & transport)
    }

    /// Notes that the longest frame that it becomes has `longest` bytes, and `tags` VLAN tags, which are no part of the
    /// packet.
    #[inline]
    pub(crate) fn note_longest(&mut self, longest: u32, tags: usize) {
        self.packet = longest.saturating_sub((ether::MIN_LEN + tags * ether::TAG_LEN) as u32);
    }

    /// Whether an MTU allows it. A frame that is still to be segmented is as long as it likes; its segments are not.
    #[inline]
    pub(crate) fn fits(&self, mtu: u16) -> bool {
        self.packet <= mtu.into()
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
