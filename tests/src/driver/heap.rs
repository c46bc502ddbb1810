// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Buffers that come and go, each between two guard zones.
//!
//! The guards are filled with a pattern when a block is handed out and compared when it comes back: a switch that
//! writes one byte past a buffer, or before it, is found out. Blocks start at changing alignments, because a guest's
//! buffers do.
use std::collections::BTreeMap;

use crate::memory::Window;

/// Bytes of guard on either side of a block.
const GUARD: usize = 64;
/// The byte that fills a guard.
const CANARY: u8 = 0xc5;
/// What a block's outer size is rounded up to.
const GRAIN: usize = 64;
/// Alignments that [`Heap::allocate`] goes through.
const SKEWS: usize = 16;

/// One buffer in guest memory.
#[derive(Debug)]
pub struct Block {
    window: Window,
    outer_start: usize,
    outer_len: usize,
}

impl Block {
    /// The buffer's bytes.
    pub fn window(&self) -> &Window {
        &self.window
    }
}

/// A first-fit allocator over one window of guest memory.
#[derive(Debug)]
pub struct Heap {
    window: Window,
    /// Free ranges by start, never adjacent to each other.
    free: BTreeMap<usize, usize>,
    skew: usize,
}

impl Heap {
    /// A heap that hands out all of `window`.
    pub fn new(window: Window) -> Heap {
        let free = BTreeMap::from([(0, window.len())]);
        Heap { window, free, skew: 0 }
    }

    /// A buffer of `len` bytes, `None` when there is no room. Its alignment differs from call to call.
    pub fn allocate(&mut self, len: usize) -> Option<Block> {
        self.skew = (self.skew + 1) % SKEWS;
        self.place(len, self.skew)
    }

    /// A buffer of `len` bytes aligned to 16, as an indirect table wants it.
    pub fn allocate_aligned(&mut self, len: usize) -> Option<Block> {
        self.place(len, 0)
    }

    /// Takes a buffer back.
    ///
    /// # Panics
    /// When a byte of its guard zones was written.
    #[expect(clippy::needless_pass_by_value, reason = "the owner must not keep what it gave back")]
    pub fn release(&mut self, block: Block) {
        self.check(&block);
        let (mut start, mut len) = (block.outer_start, block.outer_len);
        if let Some((&before, &before_len)) = self.free.range(..start).next_back()
            && before + before_len == start
        {
            self.free.remove(&before);
            (start, len) = (before, before_len + len);
        }
        if let Some(after_len) = self.free.remove(&(start + len)) {
            len += after_len;
        }
        self.free.insert(start, len);
    }

    fn place(&mut self, len: usize, skew: usize) -> Option<Block> {
        // The same for every skew, so that what was given back has room for an equal block.
        let outer_len = (len + SKEWS + 2 * GUARD).next_multiple_of(GRAIN);
        let (outer_start, room) =
            self.free.iter().map(|(&start, &room)| (start, room)).find(|&(_, room)| room >= outer_len)?;
        self.free.remove(&outer_start);
        if room > outer_len {
            self.free.insert(outer_start + outer_len, room - outer_len);
        }
        let before = GUARD + skew;
        self.window.write(outer_start, &vec![CANARY; before]);
        let after = outer_start + before + len;
        self.window.write(after, &vec![CANARY; outer_start + outer_len - after]);
        let window = self.window.part(outer_start + before, len);
        Some(Block { window, outer_start, outer_len })
    }

    fn check(&self, block: &Block) {
        let outer = self.window.read(block.outer_start, block.outer_len);
        let start = (block.window.gpa() - self.window.gpa()) as usize - block.outer_start;
        let end = start + block.window.len();
        let intact = outer[..start].iter().chain(&outer[end..]).all(|&byte| byte == CANARY);
        let (gpa, len) = (block.window.gpa(), block.window.len());
        assert!(intact, "the switch wrote outside the posted buffer at {gpa:#x} of {len} bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::Heap;
    use crate::memory::{GuestMemory, Layout};
    use crate::seed::Rng;

    fn heap(len: usize) -> Heap {
        Heap::new(GuestMemory::new(&Layout::flat(1 << 20)).unwrap().allocate(len, 64))
    }

    #[test]
    fn everything_released_is_one_piece_again() {
        let mut rng = Rng::from_env(3);
        let mut heap = heap(1 << 16);
        let mut blocks: Vec<_> = std::iter::from_fn(|| heap.allocate(rng.between(0, 3000))).collect();
        while !blocks.is_empty() {
            heap.release(blocks.swap_remove(rng.between(0, blocks.len() - 1)));
        }
        assert_eq!(heap.free.into_iter().collect::<Vec<_>>(), [(0, 1 << 16)]);
    }

    #[test]
    fn tables_are_aligned_and_buffers_are_not_always() {
        let mut heap = heap(1 << 16);
        assert_eq!(heap.allocate_aligned(48).unwrap().window().gpa() % 16, 0);
        assert!((0..4).any(|_| !heap.allocate(48).unwrap().window().gpa().is_multiple_of(16)));
    }

    #[test]
    #[should_panic(expected = "outside the posted buffer")]
    fn one_byte_too_many_is_noticed() {
        let mut heap = heap(1 << 12);
        let block = heap.allocate(100).unwrap();
        let end = (block.window().gpa() - heap.window.gpa()) as usize + 100;
        heap.window.write(end, &[0]);
        heap.release(block);
    }
}
