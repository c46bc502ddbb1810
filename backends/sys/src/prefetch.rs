// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Telling the processor what the next burst will touch.
//!
//! A guest writes its ring and its buffers on another core, so the first access to each cache line is a miss that takes
//! as long as all the rest of the work for a small frame. Asked for a burst ahead, the misses overlap. Only hints: what
//! is read here decides nothing and is read again, and checked, by who uses it.

use std::ptr;

use crate::chain::Access;
use crate::ring::Ring;

/// Bytes of a cache line.
const LINE: usize = 64;
/// Lines asked for at the start of a buffer: a virtio-net header and a small frame, or the head of a large one, at any
/// alignment.
const LINES: usize = 2;

impl Ring {
    /// Asks for the descriptors of the next `chains` chains and the start of their first buffers, and for the used
    /// elements that will complete them.
    pub fn prefetch(&self, chains: u16, access: Access) {
        let heads = || (0..chains).filter_map(|ahead| self.head(ahead).ok());
        heads().for_each(|head| ask(self.descriptor(head), Access::Read));
        for ahead in (0..chains).step_by(LINE / 8) {
            ask(self.used_element(ahead), Access::Write);
        }
        for head in heads() {
            // SAFETY: `head` is inside the descriptor table; the first eight bytes of a descriptor are its address.
            let address = u64::from_le(unsafe { ptr::read_volatile(self.descriptor(head).cast::<u64>()) });
            if let Some(buffer) = self.memory().host(address, 1) {
                (0..LINES).for_each(|line| ask(buffer.wrapping_add(line * LINE), access));
            }
        }
    }
}

/// Asks for one line, to read or to write it. Any address will do: a prefetch never faults.
#[inline]
fn ask(address: *const u8, access: Access) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: prefetching has no effect that a program could observe, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _MM_HINT_T0, _mm_prefetch};
        match access {
            Access::Read => _mm_prefetch::<_MM_HINT_T0>(address.cast()),
            Access::Write => _mm_prefetch::<_MM_HINT_ET0>(address.cast()),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (address, access);
}
