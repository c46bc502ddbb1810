// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pieces of guest memory that were checked and translated once, and may then be copied from and to without asking again.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::access::Access;
use crate::copy::copy;
use crate::memory::{MemoryMap, OutsideMemory};
use crate::prefetch::ask_all;

/// A run of bytes in one mapped region of a guest's memory. Only a list that keeps the mapping alive hands them out, by
/// reference, so none outlives its memory.
pub struct Segment {
    host: NonNull<u8>,
    len: u32,
}

impl Segment {
    /// Its length in bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether it has no bytes at all.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.host
    }

    #[inline]
    pub(crate) fn host(&self) -> *mut u8 {
        self.host.as_ptr()
    }

    /// Takes `out.len()` bytes, which must not be more than there are, off the front.
    #[inline(always)]
    fn take(&mut self, out: &mut [u8]) {
        let len = out.len().min(self.len());
        // SAFETY: the segment has at least `len` mapped bytes; `out` is ours and overlaps no foreign mapping.
        unsafe { copy(self.host(), out.as_mut_ptr(), len) };
        self.skip(len);
    }

    /// Leaves out the first `len` bytes, or as many as there are.
    #[inline(always)]
    fn skip(&mut self, len: usize) {
        let len = len.min(self.len());
        // SAFETY: at most one past the segment's end.
        self.host = unsafe { self.host.add(len) };
        self.len -= len as u32;
    }

    /// Asks the processor for its first `bytes` bytes.
    #[inline]
    pub fn prefetch(&self, bytes: usize, access: Access) {
        ask_all(self.host(), bytes.min(self.len()), access);
    }
}

/// A header of twelve bytes as it lies in memory.
#[repr(C, packed)]
#[derive(Clone, Copy)]
struct Header(u64, u32);

/// A list of segments of one guest's memory, which stays mapped for as long as the list holds it. It never grows.
pub struct Segments {
    memory: Option<Arc<MemoryMap>>,
    list: Vec<Segment>,
}

// SAFETY: the pointers name a shared mapping that `memory` keeps alive; access through them is by raw copies, valid from
// any thread.
unsafe impl Send for Segments {}

impl Segments {
    /// A list with room for `capacity` segments.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { memory: None, list: Vec::with_capacity(capacity) }
    }

    /// Empties the list, which is of `memory` from now on.
    #[inline]
    pub fn hold(&mut self, memory: &Arc<MemoryMap>) {
        self.list.clear();
        self.memory = Some(Arc::clone(memory));
    }

    /// Empties the list and lets go of the memory.
    #[inline]
    pub fn release(&mut self) {
        self.list.clear();
        self.memory = None;
    }

    /// How many segments there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many more there is room for.
    #[inline]
    #[must_use]
    pub fn room(&self) -> usize {
        self.list.capacity() - self.list.len()
    }

    /// Appends `len` bytes at guest-physical `address`, one segment for each region that they lie in. An empty range
    /// has a place like any other, and its address does not matter.
    ///
    /// # Errors
    /// [`OutsideMemory`]: a byte is not guest memory, the list is full, or it holds no memory; what was appended before
    /// stays.
    pub fn append(&mut self, address: u64, len: u32) -> Result<(), OutsideMemory> {
        if self.room() == 0 {
            return Err(OutsideMemory);
        }
        if self.append_one(address, len) { Ok(()) } else { self.append_straddling(address, len) }
    }

    /// Appends `len` bytes at guest-physical `address`, if they lie in one region and there is room.
    #[inline(always)]
    pub(crate) fn append_one(&mut self, address: u64, len: u32) -> bool {
        let host = self.memory.as_deref().and_then(|memory| memory.host(address, u64::from(len)));
        let room = self.room() > 0;
        if let Some(host) = host.filter(|_| room) {
            self.list.push(Segment { host, len });
        }
        host.is_some() && room
    }

    #[cold]
    fn append_straddling(&mut self, address: u64, len: u32) -> Result<(), OutsideMemory> {
        if len == 0 {
            self.list.push(Segment { host: NonNull::dangling(), len });
            return Ok(());
        }
        let (mut address, mut left) = (address, len);
        while left > 0 {
            let memory = self.memory.as_deref().ok_or(OutsideMemory)?;
            let (host, len) = memory.host_prefix(address, left).ok_or(OutsideMemory)?;
            if self.room() == 0 {
                return Err(OutsideMemory);
            }
            self.list.push(Segment { host, len });
            left -= len;
            // Past the last address there is no memory, so a wrapped one is never used.
            address = address.wrapping_add(u64::from(len));
        }
        Ok(())
    }

    /// Keeps the first `len`.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
    }

    /// Those at `range`; none where the range does not exist.
    #[inline]
    #[must_use]
    pub fn get(&self, range: Range<usize>) -> &[Segment] {
        self.list.get(range).unwrap_or_default()
    }

    /// All of them.
    #[inline]
    #[must_use]
    pub fn all(&self) -> &[Segment] {
        &self.list
    }

    /// Asks the processor for the first `bytes` bytes of segment `at`, to read them.
    #[inline(always)]
    pub fn prefetch(&self, at: usize, bytes: usize) {
        if let Some(segment) = self.list.get(at) {
            segment.prefetch(bytes, Access::Read);
        }
    }

    /// Takes a header of twelve bytes, of which the first `header_len` exist, and then `out.len()` bytes off the front of the
    /// run that begins at segment `at`. Returns the header, as two little-endian words, and the segment in which the next
    /// byte is. `None`: the list ends before.
    #[inline(always)]
    pub fn pull_head(&mut self, at: usize, header_len: usize, out: &mut [u8]) -> Option<((u64, u32), usize)> {
        let segment = self.list.get_mut(at)?;
        // Both in one piece, as nearly always; what does not exist of a short header is the frame's, and taken again.
        if segment.len() >= 12.max(header_len + out.len()) && header_len <= 12 {
            // SAFETY: the segment has at least twelve mapped bytes; `Header` needs no alignment, and volatile means once.
            let Header(front, back) = unsafe { segment.host().cast::<Header>().read_volatile() };
            segment.skip(header_len);
            segment.take(out);
            return Some(((u64::from_le(front), u32::from_le(back)), at + usize::from(segment.is_empty())));
        }
        self.pull_parts(at, header_len, out)
    }

    #[inline(never)]
    fn pull_parts(&mut self, at: usize, header_len: usize, out: &mut [u8]) -> Option<((u64, u32), usize)> {
        let mut header = [0; 16];
        let at = self.pull(at, header.get_mut(..header_len.min(12))?)?;
        let header = u128::from_le_bytes(header);
        Some(((header as u64, (header >> 64) as u32), self.pull(at, out)?))
    }

    /// Takes `out.len()` bytes off the front of the run that begins at segment `at`; returns the segment in which the
    /// next byte is. `None`: the list ends before.
    pub(crate) fn pull(&mut self, at: usize, out: &mut [u8]) -> Option<usize> {
        let segment = self.list.get_mut(at)?;
        if out.len() <= segment.len() {
            segment.take(out);
            return Some(at + usize::from(segment.is_empty()));
        }
        self.pull_across(at, out)
    }

    fn pull_across(&mut self, mut at: usize, mut out: &mut [u8]) -> Option<usize> {
        while !out.is_empty() {
            let segment = self.list.get_mut(at)?;
            let (now, later) = out.split_at_mut(out.len().min(segment.len()));
            segment.take(now);
            at += usize::from(segment.is_empty());
            out = later;
        }
        Some(at)
    }

    /// The guest-physical addresses and lengths of all segments, for who wants to show or compare them.
    #[must_use]
    pub fn guest_ranges(&self) -> Vec<(u64, u32)> {
        let place = |host| self.memory.as_ref().and_then(|memory| memory.guest_address(host)).unwrap_or(0);
        self.list.iter().map(|segment| (place(segment.host()), segment.len)).collect()
    }
}

/// Copies all of `segments` to the front of `out`; returns how many bytes that were. `None`: `out` is too short.
#[must_use]
pub fn gather(segments: &[Segment], out: &mut [u8]) -> Option<usize> {
    let mut end = 0;
    for segment in segments {
        let place = out.get_mut(end..end + segment.len())?;
        // SAFETY: both have `segment.len()` bytes; `place` is ours and overlaps no foreign mapping.
        unsafe { copy(segment.host(), place.as_mut_ptr(), segment.len()) };
        end += segment.len();
    }
    Some(end)
}
