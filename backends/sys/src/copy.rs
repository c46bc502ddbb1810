// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Moving bytes: the one loop that every frame goes through.
//!
//! A call of the C library's `memcpy` costs as much as copying a small frame does, and it picks wide vector loops where
//! the processor's own string move is faster. Small copies are therefore open-coded as a few overlapping moves, and
//! large ones are one `rep movsb` (fast since the "enhanced" and "fast short" string moves of 2013 and 2019).

use std::ptr;

/// From this many bytes on a string move wins over a loop.
const STRING: usize = 256;

/// Copies `len` bytes. Overlapping ranges give some mixture of old and new bytes and nothing worse: both may lie in the
/// memory of a guest that plays games with its own buffers.
///
/// # Safety
/// `from` must be valid for reads and `to` for writes of `len` bytes.
#[inline(always)]
pub(crate) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise; each helper stays within `len`.
    unsafe {
        match len {
            STRING.. => string_move(from, to, len),
            65.. => {
                // Both halves before the loop between them: most of what comes here is no longer than they are.
                two::<[Block; 2]>(from, to, len);
                between(from, to, len);
            }
            33.. => two::<Block>(from, to, len),
            17.. => two::<[u64; 2]>(from, to, len),
            8.. => two::<u64>(from, to, len),
            4.. => two::<u32>(from, to, len),
            2.. => two::<u16>(from, to, len),
            1 => step::<u8>(from, to, 0),
            0 => (),
        }
    }
}

/// One block: two vector registers, or four words.
type Block = [u64; 4];

/// What the first and the last 64 of `len` bytes leave between them.
///
/// # Safety
/// As [`copy`], and `len` is at least 64.
#[inline(always)]
unsafe fn between(from: *const u8, to: *mut u8, len: usize) {
    const STEP: usize = size_of::<Block>();
    let mut at = 2 * STEP;
    while at + 2 * STEP < len {
        // SAFETY: `at + STEP < len` by the loop's bound.
        unsafe { step::<Block>(from, to, at) };
        at += STEP;
    }
}

/// The first and the last `T` of `len` bytes, which may overlap.
///
/// # Safety
/// As [`copy`], and `len` is at least the size of `T`.
#[inline(always)]
unsafe fn two<T: Copy>(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: both are within `len`, by the caller's promise.
    unsafe {
        step::<T>(from, to, 0);
        step::<T>(from, to, len - size_of::<T>());
    }
}

/// One `T` at `at`, of any alignment.
///
/// # Safety
/// `at + size_of::<T>()` bytes are valid on both sides.
#[inline(always)]
unsafe fn step<T: Copy>(from: *const u8, to: *mut u8, at: usize) {
    // SAFETY: the caller's promise; unaligned accesses need no alignment.
    unsafe {
        let value = ptr::read_unaligned(from.add(at).cast::<T>());
        ptr::write_unaligned(to.add(at).cast::<T>(), value);
    }
}

/// The processor's string move.
///
/// # Safety
/// As [`copy`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn string_move(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: reads and writes exactly `len` bytes that the caller vouches for, ascending: the direction flag is clear
    // by the calling convention.
    unsafe {
        std::arch::asm!(
            "rep movsb",
            inout("rcx") len => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags)
        );
    }
}

/// Elsewhere: the library's copy, which minds overlaps.
///
/// # Safety
/// As [`copy`].
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
unsafe fn string_move(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { ptr::copy(from, to, len) };
}
