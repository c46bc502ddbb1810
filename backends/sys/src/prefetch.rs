// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Telling the processor what will be touched next.
//!
//! A guest writes its ring and its buffers on another core, so the first access to each cache line is a miss that takes
//! as long as all the rest of the work for a small frame. Asked for ahead of time, the misses overlap. Only hints: what
//! is read here decides nothing and is read again, and checked, by who uses it.

use std::ptr;

use crate::chain::Access;
use crate::ring::Ring;

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

impl Ring {
    /// Asks for the descriptors of the next `chains` chains, and for the used elements that will complete them.
    #[inline]
    pub fn prefetch_chains(&self, chains: u16) {
        for ahead in 0..chains {
            if let Ok(head) = self.head(ahead) {
                ask(self.descriptor(head), Access::Read);
            }
        }
        for ahead in (0..chains).step_by(LINE / 8) {
            ask(self.used_element(ahead), Access::Write);
        }
    }

    /// Asks for the first `bytes` bytes of the first buffer of the chain that stands `ahead` places after the next one,
    /// to write them. Its descriptor should be at hand.
    #[inline]
    pub fn prefetch_buffer(&self, ahead: u16, bytes: usize) {
        let Ok(head) = self.head(ahead) else { return };
        // SAFETY: `head` is inside the descriptor table; the first eight bytes of a descriptor are its address.
        let address = u64::from_le(unsafe { ptr::read_volatile(self.descriptor(head).cast::<u64>()) });
        if let Some(buffer) = self.memory().host(address, 1) {
            ask_all(buffer.as_ptr(), bytes, Access::Write);
        }
    }
}

/// Asks for the line where `place` begins, to read it.
#[inline]
pub fn prefetch<T>(place: &T) {
    ask(ptr::from_ref(place).cast(), Access::Read);
}

/// Asks for all lines of `bytes` bytes.
#[inline]
pub(crate) fn ask_all(address: *const u8, bytes: usize, access: Access) {
    let first = address as usize % LINE;
    for line in 0..(first + bytes).div_ceil(LINE) {
        ask(address.wrapping_add(line * LINE), access);
    }
}

/// Asks for one line, to read or to write it. Any address will do: a prefetch never faults.
#[inline]
pub(crate) fn ask(address: *const u8, access: Access) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: prefetching has no effect that a program could observe, whatever the address. `prefetchw` does nothing on
    // processors without it; the compiler's intrinsic would not emit it for a build that must run on those, too.
    unsafe {
        match access {
            Access::Read => std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast()),
            Access::Write => {
                std::arch::asm!("prefetchw [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (address, access);
}
