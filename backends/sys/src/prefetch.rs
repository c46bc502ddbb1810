// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Telling the processor what will be touched next.
//!
//! A guest writes its ring and its buffers on another core, so the first access to each cache line is a miss that takes
//! as long as all the rest of the work for a small frame. Asked for ahead of time, the misses overlap. Only hints: what
//! is read here decides nothing and is read again, and checked, by who uses it.

use std::ptr;

use crate::access::Access;

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// Asks for the line where `place` begins, to read it.
#[inline]
pub fn prefetch<T>(place: &T) {
    ask(ptr::from_ref(place).cast(), Access::Read);
}

/// Asks for all lines of `bytes` bytes.
#[inline]
pub(crate) fn ask_all(address: *const u8, bytes: usize, access: Access) {
    let end = address.wrapping_add(bytes);
    let mut line = address.wrapping_sub(address as usize % LINE);
    while line < end {
        ask(line, access);
        line = line.wrapping_add(LINE);
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
