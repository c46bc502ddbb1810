// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A ring that a packet socket receives into (`TPACKET_V2`, packet_mmap in the kernel's documentation).
//!
//! The kernel writes one frame into each slot, behind a virtio-net header of ten bytes, and then says in the slot's first word that
//! it is ours; we say there that it is the kernel's again. `TPACKET_V3` packs frames closer but hands over none before a block is
//! full or a timer of a millisecond or more runs out; a switch must not wait for either.
//!
//! ```text
//!  slot  0        32            52           mac - 10          mac              mac + len
//!        +--------+-------------+-- spare ---+-----------------+----------------+---
//!        | status, lengths, mac | address    | virtio-net head | frame          |
//! ```
//!
//! A virtio-net header of virtio 1 has twelve bytes: it is made of the ten, and moves into the spare bytes. (A packet socket can be
//! asked for all twelve since Linux 6.5, but in a ring the kernel leaves them in the wrong place, seen with 6.18.) A VLAN tag
//! stands beside the frame there and not in it. It is put back in its place, and what lies before it moves as well.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dataplane::limits::{BURST, FRAME_MAX};
use sys::MemoryMap;
use sys::packet::{self, RingShape};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use wire::VnetHeader;

/// Bytes of a block, and how many there are: what one lane costs in memory of the kernel's.
const BLOCK: u32 = 2 << 20;
const BLOCKS: u32 = 4;
/// Bytes of a slot: 256 for what the kernel says of a frame, and the longest frame.
const SLOT: u32 = (256 + FRAME_MAX as u32).next_multiple_of(1024);
/// Slots of a block, and of all.
const PER_BLOCK: u32 = BLOCK / SLOT;
const SLOTS: u32 = PER_BLOCK * BLOCKS;

/// Bytes of the virtio-net header as packet sockets have it.
pub(super) const PACKET_HEADER: usize = 10;
/// Bytes that the kernel is asked to leave free before the header: more than are ever moved there.
pub(super) const RESERVE: u32 = 16;
/// Bytes of a VLAN tag, and of the addresses before it.
const TAG: u64 = 4;
const ADDRESSES: usize = 12;
/// Bytes of a slot before its frame, at least: what the kernel says of it, a header and a tag.
const FRONT_MIN: u16 = 52 + VnetHeader::LEN as u16 + TAG as u16;
/// The protocol number of a VLAN tag that the kernel does not name (IEEE 802.1Q).
const DOT1Q: u16 = 0x8100;

/// Bits of a slot's status: it is ours; its frame had a VLAN tag; and of which protocol that was.
const KERNEL: u32 = 0;
const USER: u32 = 1;
const VLAN_VALID: u32 = 1 << 4;
const VLAN_TPID_VALID: u32 = 1 << 6;

const _: () = assert!(SLOTS as usize > BURST, "the kernel has slots while a burst is delivered");

/// What the kernel says of a frame (`struct tpacket2_hdr`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct About {
    status: u32,
    len: u32,
    stored: u32,
    mac: u16,
    tci: u16,
    tpid: u16,
}

impl About {
    fn read(bytes: &[u8; 28]) -> Self {
        let word = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let half = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        Self { status: word(0), len: word(4), stored: word(8), mac: half(12), tci: half(24), tpid: half(26) }
    }

    /// The VLAN tag that stood in the frame.
    fn tag(&self) -> Option<[u8; 4]> {
        let tpid = if self.status & VLAN_TPID_VALID != 0 { self.tpid } else { DOT1Q };
        let ([a, b], [c, d]) = (tpid.to_be_bytes(), self.tci.to_be_bytes());
        (self.status & VLAN_VALID != 0).then_some([a, b, c, d])
    }
}

/// The ring that each socket is given.
const SHAPE: RingShape = RingShape { block_size: BLOCK, blocks: BLOCKS, slot_size: SLOT, slots: SLOTS };

/// A ring that is left to another process: it stays with its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RingLegacy {
    pub(crate) shape: RingShape,
    /// The slot that the kernel fills next, or that it has filled first of those that nobody has looked at.
    pub(crate) next: u32,
}

/// The ring, and which of its slots are being delivered.
#[derive(Debug)]
pub(super) struct Ring {
    memory: Arc<MemoryMap>,
    /// The slot that the kernel fills next, as far as we have looked, and how many before it are ours.
    next: u32,
    held: u32,
    frames: [(u64, u32); BURST],
    used: usize,
}

impl Ring {
    /// Gives a packet socket its ring.
    ///
    /// # Errors
    /// No memory.
    pub(super) fn map(socket: OwnedFd) -> io::Result<Self> {
        packet::make_ring(socket.as_fd(), SHAPE)?;
        Ok(Self::over(packet::map_ring(socket, SHAPE)?, 0))
    }

    /// Goes on with the ring that a packet socket has; `None`: it is not as those that are made here.
    pub(super) fn adopt(socket: OwnedFd, left: RingLegacy) -> Option<Self> {
        let fits = left.shape == SHAPE && left.next < SLOTS;
        // The kernel says by how much is mapped whether the ring is as large as was said.
        fits.then(|| packet::map_ring(socket, SHAPE).ok())?.map(|memory| Self::over(memory, left.next))
    }

    fn over(memory: Arc<MemoryMap>, next: u32) -> Self {
        Self { memory, next, held: 0, frames: [(0, 0); BURST], used: 0 }
    }

    /// Gives back what was delivered, and leaves the rest to whoever has the socket next.
    pub(super) fn leave(&mut self) -> RingLegacy {
        self.release();
        RingLegacy { shape: SHAPE, next: self.next }
    }

    /// The memory that the frames lie in.
    pub(super) fn memory(&self) -> &Arc<MemoryMap> {
        &self.memory
    }

    /// Where frame `number` lies, its header first; nothing where there is none.
    pub(super) fn frame(&self, number: usize) -> (u64, u32) {
        self.frames[..self.used].get(number).copied().unwrap_or_default()
    }

    /// Takes up to a burst of slots. Returns how many frames are in them, and how many slots have none that is whole.
    pub(super) fn receive(&mut self) -> (usize, u64) {
        self.release();
        while (self.held as usize) < BURST {
            let slot = slot(self.next);
            // Acquire: with the status comes what it is said of.
            let status: u32 = self.bytes().load(GuestAddress(slot), Ordering::Acquire).unwrap_or(KERNEL);
            if status & USER == 0 {
                break;
            }
            if let Some(frame) = self.find(slot) {
                self.frames[self.used] = frame;
                self.used += 1;
            }
            self.next = (self.next + 1) % SLOTS;
            self.held += 1;
        }
        (self.used, u64::from(self.held) - self.used as u64)
    }

    /// Gives all slots back, in the order in which the kernel will look for them.
    pub(super) fn release(&mut self) {
        let first = self.next + SLOTS - self.held;
        for number in first..first + self.held {
            // Release: whatever was read was read before. A slot is memory, so the store cannot fail.
            let _ = self.bytes().store(KERNEL, GuestAddress(slot(number % SLOTS)), Ordering::Release);
        }
        (self.held, self.used) = (0, 0);
    }

    fn bytes(&self) -> &GuestMemoryMmap<()> {
        self.memory.mapping()
    }

    /// The frame in a slot, made whole; `None`: it was cut, or is too short or too long for a frame.
    fn find(&self, slot: u64) -> Option<(u64, u32)> {
        let mut about = [0; 28];
        self.bytes().read_slice(&mut about, GuestAddress(slot)).ok()?;
        let about = About::read(&about);
        let tag = about.tag();
        let len = about.len.checked_add(if tag.is_some() { TAG as u32 } else { 0 })?;
        let sound = (wire::ether::MIN_LEN..=FRAME_MAX).contains(&(len as usize))
            && about.stored == about.len
            && about.mac >= FRONT_MIN
            && usize::from(about.mac) + about.len as usize <= SLOT as usize;
        if !sound {
            return None;
        }
        let start = self.make_whole(slot + u64::from(about.mac), tag)?;
        Some((start, len + VnetHeader::LEN as u32))
    }

    /// Writes the header that belongs before the frame at `mac`, and its tag into it. Returns where the header is.
    fn make_whole(&self, mac: u64, tag: Option<[u8; 4]>) -> Option<u64> {
        let (bytes, mut header) = (self.bytes(), [0; VnetHeader::LEN]);
        bytes.read_slice(&mut header[..PACKET_HEADER], GuestAddress(mac - PACKET_HEADER as u64)).ok()?;
        let mut header = VnetHeader::from_bytes(&header);
        let Some(tag) = tag else {
            return self.write_header(mac, header);
        };
        let (mut addresses, mac) = ([0; ADDRESSES], mac - TAG);
        bytes.read_slice(&mut addresses, GuestAddress(mac + TAG)).ok()?;
        bytes.write_slice(&addresses, GuestAddress(mac)).ok()?;
        bytes.write_slice(&tag, GuestAddress(mac + ADDRESSES as u64)).ok()?;
        if header.needs_csum() {
            header.csum_start = header.csum_start.saturating_add(TAG as u16);
        }
        if header.hdr_len > 0 {
            header.hdr_len = header.hdr_len.saturating_add(TAG as u16);
        }
        self.write_header(mac, header)
    }

    fn write_header(&self, mac: u64, header: VnetHeader) -> Option<u64> {
        let start = mac - VnetHeader::LEN as u64;
        self.bytes().write_slice(&header.to_bytes(), GuestAddress(start)).ok()?;
        Some(start)
    }
}

/// Where slot `number` begins. No slot lies in two blocks.
fn slot(number: u32) -> u64 {
    u64::from(number / PER_BLOCK) * u64::from(BLOCK) + u64::from(number % PER_BLOCK) * u64::from(SLOT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::pool::read;

    /// A ring without a kernel.
    fn ring() -> Ring {
        let all = [(GuestAddress(0), (BLOCK * BLOCKS) as usize)];
        Ring::over(MemoryMap::new(&GuestMemoryMmap::from_ranges(&all).unwrap()), 0)
    }

    /// Puts a frame into slot `number` as the kernel does.
    fn fill(ring: &Ring, number: u32, header: &VnetHeader, frame: &[u8], change: impl FnOnce(&mut About)) {
        let len = frame.len() as u32;
        let mut about = About { status: USER, len, stored: len, mac: 94, tci: 0, tpid: 0 };
        change(&mut about);
        let start = slot(number);
        let put = |at: u64, bytes: &[u8]| ring.bytes().write_slice(bytes, GuestAddress(start + at)).unwrap();
        put(4, &[about.len.to_ne_bytes(), about.stored.to_ne_bytes()].concat());
        put(12, &about.mac.to_ne_bytes());
        put(24, &[about.tci.to_ne_bytes(), about.tpid.to_ne_bytes()].concat());
        put(u64::from(about.mac) - PACKET_HEADER as u64, &header.to_bytes()[..PACKET_HEADER]);
        put(about.mac.into(), frame);
        put(0, &about.status.to_ne_bytes());
    }

    fn whole(ring: &Ring, number: usize) -> (VnetHeader, Vec<u8>) {
        let mut whole = vec![0; 2000];
        let len = read(ring.memory(), ring.frame(number), &mut whole).unwrap();
        let (header, frame) = whole[..len].split_first_chunk().unwrap();
        (VnetHeader::from_bytes(header), frame.to_vec())
    }

    const TSO: VnetHeader = VnetHeader {
        flags: 1,
        gso_type: 1,
        hdr_len: 54,
        gso_size: 1448,
        csum_start: 34,
        csum_offset: 16,
        num_buffers: 0,
    };

    #[test]
    fn a_header_is_made_whole_and_a_tag_put_back_with_all_offsets_behind_it() {
        let frame: Vec<u8> = (0..100).collect();
        let mut ring = ring();
        fill(&ring, 0, &TSO, &frame, |_| ());
        fill(&ring, 1, &TSO, &frame, |about| (about.status, about.tci) = (USER | VLAN_VALID, 0x2007));
        let tagged = USER | VLAN_VALID | VLAN_TPID_VALID;
        fill(&ring, 2, &VnetHeader::default(), &frame, |about| {
            (about.status, about.tci, about.tpid) = (tagged, 0x0fff, 0x88a8);
        });
        assert_eq!(ring.receive(), (3, 0));
        assert_eq!(whole(&ring, 0), (TSO, frame.clone()));
        let with = |tag: [u8; 4]| [&frame[..12], &tag, &frame[12..]].concat();
        let behind = VnetHeader { hdr_len: 58, csum_start: 38, ..TSO };
        assert_eq!(whole(&ring, 1), (behind, with([0x81, 0, 0x20, 7])));
        assert_eq!(whole(&ring, 2), (VnetHeader::default(), with([0x88, 0xa8, 0x0f, 0xff])));
    }

    #[test]
    fn slots_go_back_in_order_round_after_round_and_what_is_cut_is_no_frame() {
        let mut ring = ring();
        let (mut frames, mut malformed) = (0, 0);
        for number in 0..3 * SLOTS {
            let cut = number % 5 == 0;
            fill(&ring, number % SLOTS, &TSO, &[3; 60], |about| about.len += u32::from(cut));
            let (some, bad) = ring.receive();
            frames += some;
            malformed += bad;
            ring.release();
            let status: u32 = ring.bytes().load(GuestAddress(slot(number % SLOTS)), Ordering::Acquire).unwrap();
            assert_eq!(status, KERNEL);
        }
        assert_eq!((frames + malformed as usize, malformed), (3 * SLOTS as usize, u64::from((3 * SLOTS).div_ceil(5))));
        (0..SLOTS).for_each(|number| fill(&ring, number, &TSO, &[3; 60], |_| ()));
        assert_eq!(ring.receive(), (BURST, 0), "no more than a burst, whatever waits");
    }

    #[test]
    fn a_ring_that_is_left_goes_on_at_the_first_slot_that_nobody_has_looked_at() {
        let mut ring = ring();
        for number in 0..SLOTS + 5 {
            fill(&ring, number % SLOTS, &TSO, &[number as u8; 60], |_| ());
            if number < SLOTS + 2 {
                assert_eq!(ring.receive(), (1, 0));
            }
        }
        // The last one was delivered, and is not given back yet.
        let left = ring.leave();
        assert_eq!(left, RingLegacy { shape: SHAPE, next: 2 });
        let mut next = Ring::over(Arc::clone(ring.memory()), left.next);
        assert_eq!(next.receive(), (3, 0));
        let first = |number| whole(&next, number).1[0];
        assert_eq!([0, 1, 2].map(first), [2, 3, 4].map(|number| (SLOTS + number) as u8));
    }

    #[test]
    fn another_ring_is_not_gone_on_with() {
        let nothing = || std::fs::File::open("/dev/null").unwrap().into();
        let another = RingShape { blocks: 1, ..SHAPE };
        for left in [RingLegacy { shape: SHAPE, next: SLOTS }, RingLegacy { shape: another, next: 0 }] {
            assert!(Ring::adopt(nothing(), left).is_none());
        }
        assert!(Ring::adopt(nothing(), RingLegacy { shape: SHAPE, next: 0 }).is_none(), "it has none");
    }

    #[test]
    fn what_the_kernel_would_never_say_leads_nowhere() {
        let mut ring = ring();
        fill(&ring, 0, &TSO, &[3; 60], |about| about.mac = 67);
        fill(&ring, 1, &TSO, &[3; 13], |_| ());
        fill(&ring, 2, &TSO, &[3; 60], |about| (about.len, about.stored) = (u32::MAX - 8, u32::MAX - 8));
        assert_eq!((ring.receive(), ring.frame(0)), ((0, 3), (0, 0)));
    }
}
