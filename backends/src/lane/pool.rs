// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where the frames of a burst lie that come by system calls and not through a ring: slots in memory of weftd's own, one for
//! each frame, from which the frame path copies them into a guest as it does from another guest.
//!
//! A slot has room for the longest frame and the virtio-net header before it. What was never written costs no memory, and
//! where nobody writes the header it stays zero, which says that the frame leaves nothing undone.

use std::io;
use std::sync::Arc;

use dataplane::limits::{BURST, FRAME_MAX};
use sys::MemoryMap;
use sys::mmsg::Slots;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use wire::VnetHeader;

/// Bytes from one slot to the next: whole pages.
const STRIDE: u64 = (VnetHeader::LEN + FRAME_MAX).next_multiple_of(4096) as u64;
/// Bytes of the virtio-net header.
const HEADER: u64 = VnetHeader::LEN as u64;

/// The slots, and the frames in them.
#[derive(Debug)]
pub(super) struct Pool {
    memory: Arc<MemoryMap>,
    /// Address and length with the header, in the order in which they came.
    frames: [(u64, u32); BURST],
    used: usize,
}

impl Pool {
    /// Slots for a burst.
    ///
    /// # Errors
    /// The system has no address space left.
    pub(super) fn new() -> io::Result<Self> {
        let all = STRIDE as usize * BURST;
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), all)]).map_err(io::Error::other)?;
        Ok(Self { memory: MemoryMap::new(&memory), frames: [(0, 0); BURST], used: 0 })
    }

    /// The memory that the slots lie in.
    pub(super) fn memory(&self) -> &Arc<MemoryMap> {
        &self.memory
    }

    /// How many frames there are.
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Whether there is a slot for another one.
    pub(super) fn has_room(&self) -> bool {
        self.used < BURST
    }

    /// Where frame `number` lies, its header first; nothing where there is none.
    pub(super) fn frame(&self, number: usize) -> (u64, u32) {
        self.frames.get(number).copied().unwrap_or_default()
    }

    /// Lets go of all frames.
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// The slots for messages that have no header.
    pub(super) fn bare_slots() -> Slots {
        Slots { first: HEADER, stride: STRIDE, room: FRAME_MAX as u32 }
    }

    /// Where slot `number` begins, and how many bytes it has room for, the header counted.
    pub(super) fn slot(number: usize) -> (u64, usize) {
        (STRIDE * number as u64, VnetHeader::LEN + FRAME_MAX)
    }

    /// A frame of `len` bytes came into slot `slot`, its header not counted. False: it is none by its length.
    pub(super) fn take(&mut self, slot: usize, len: u32) -> bool {
        let fits = (wire::ether::MIN_LEN..=FRAME_MAX).contains(&(len as usize));
        match self.frames.get_mut(self.used).filter(|_| fits && slot < BURST) {
            Some(frame) => {
                *frame = (STRIDE * slot as u64, len + VnetHeader::LEN as u32);
                self.used += 1;
                true
            }
            None => false,
        }
    }

    /// Copies a frame that has no header into the next slot. False: it is none by its length, or no slot is left.
    pub(super) fn put(&mut self, frame: &[u8]) -> bool {
        let to = GuestAddress(STRIDE * self.used as u64 + HEADER);
        let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        // A slot has room for each frame that is none too long.
        frame.len() <= FRAME_MAX
            && self.has_room()
            && self.memory.mapping().write_slice(frame, to).is_ok()
            && self.take(self.used, len)
    }

    /// Copies a frame with its header before it into the next slot. False: as [`Pool::put`].
    pub(super) fn put_whole(&mut self, whole: &[u8]) -> bool {
        let to = GuestAddress(STRIDE * self.used as u64);
        let Some(len) = whole.len().checked_sub(VnetHeader::LEN).filter(|len| *len <= FRAME_MAX) else { return false };
        self.has_room() && self.memory.mapping().write_slice(whole, to).is_ok() && self.take(self.used, len as u32)
    }
}

/// Copies a frame that lies at `place`, its header first, to the front of `to`; returns how many bytes that were. `None`: there
/// is no room.
pub(super) fn read(memory: &MemoryMap, place: (u64, u32), to: &mut [u8]) -> Option<usize> {
    let len = place.1 as usize;
    memory.mapping().read_slice(to.get_mut(..len)?, GuestAddress(place.0)).ok()?;
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_lie_behind_a_header_of_zeroes_and_what_is_none_takes_no_slot() {
        let mut pool = Pool::new().unwrap();
        assert!(!pool.put(&[1; 13]) && !pool.put(&vec![1; FRAME_MAX + 1]));
        assert!(pool.put(&[7; 14]) && pool.put(&vec![8; FRAME_MAX]));
        assert!(!pool.take(5, 13) && pool.take(5, 60));
        assert_eq!((pool.len(), pool.frame(0).1, pool.frame(1).1), (3, 26, (FRAME_MAX + 12) as u32));
        let mut header = [1; 12];
        pool.memory().mapping().read_slice(&mut header, GuestAddress(pool.frame(1).0)).unwrap();
        assert_eq!(header, [0; 12]);
        let mut frame = [1; 30];
        let first = read(pool.memory(), pool.frame(0), &mut frame);
        assert_eq!((first, frame[11], frame[12], frame[25], frame[26]), (Some(26), 0, 7, 7, 1));
        assert!(pool.memory().contains(pool.frame(2).0, pool.frame(2).1));
    }

    #[test]
    fn there_are_as_many_slots_as_a_burst_has_frames() {
        let mut pool = Pool::new().unwrap();
        (0..BURST).for_each(|_| assert!(pool.put(&[0; 60])));
        assert!(!pool.put(&[0; 60]) && !pool.take(0, 60));
        let (last, len) = pool.frame(BURST - 1);
        assert!(pool.memory().contains(last, len));
        pool.clear();
        assert!(pool.len() == 0 && pool.put(&[0; 60]));
    }
}
