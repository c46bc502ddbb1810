// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pieces of guest memory that were checked and translated once, and may then be copied from and to without asking again.

use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::chain::Access;
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

    fn host(&self) -> *mut u8 {
        self.host.as_ptr()
    }

    /// Takes `out.len()` bytes, which must not be more than there are, off the front.
    #[inline]
    fn take(&mut self, out: &mut [u8]) {
        let len = out.len().min(self.len());
        // SAFETY: the segment has at least `len` mapped bytes; `out` is ours and overlaps no foreign mapping.
        unsafe { copy(self.host(), out.as_mut_ptr(), len) };
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
    #[inline]
    pub(crate) fn append(&mut self, address: u64, len: u32) -> Result<(), OutsideMemory> {
        let memory = self.memory.as_deref().ok_or(OutsideMemory)?;
        if self.room() == 0 {
            return Err(OutsideMemory);
        }
        match memory.host(address, u64::from(len)) {
            Some(host) => self.list.push(Segment { host, len }),
            None => return self.append_straddling(address, len),
        }
        Ok(())
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

    /// Takes `out.len()` bytes off the front of the run that begins at segment `at`; returns the segment in which the
    /// next byte is. `None`: the list ends before.
    #[inline]
    pub fn pull(&mut self, at: usize, out: &mut [u8]) -> Option<usize> {
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

/// The buffers are full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

/// The rest of one guest buffer, to be written from front to back.
pub struct Place<'a> {
    host: NonNull<u8>,
    len: usize,
    memory: PhantomData<&'a MemoryMap>,
}

impl<'a> Place<'a> {
    /// `len` bytes at `host`, which are mapped for as long as `memory` lives.
    #[inline]
    pub(crate) fn new(host: NonNull<u8>, len: usize, _memory: &'a MemoryMap) -> Self {
        Self { host, len, memory: PhantomData }
    }

    /// Bytes that are left.
    #[inline]
    #[must_use]
    pub fn room(&self) -> usize {
        self.len
    }

    /// Writes bytes of ours, as many as there is room for.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        let len = bytes.len().min(self.len);
        // SAFETY: both sides have `len` bytes; `bytes` is ours and overlaps no foreign mapping.
        unsafe { self.put(bytes.as_ptr(), len) };
    }

    /// Copies a segment, of another guest's memory or of the same, as much as there is room for.
    #[inline]
    pub fn copy(&mut self, from: &Segment) {
        let len = from.len().min(self.len);
        // SAFETY: both sides have `len` mapped bytes.
        unsafe { self.put(from.host(), len) };
    }

    /// # Safety
    /// `from` is valid for reads of `len` bytes, and there is room for them.
    #[inline]
    unsafe fn put(&mut self, from: *const u8, len: usize) {
        // SAFETY: the caller's promise; the place moves on to at most one past its end.
        unsafe {
            copy(from, self.host.as_ptr(), len);
            self.host = self.host.add(len);
        }
        self.len -= len;
    }
}

/// Writes bytes one after the other into a run of guest buffers.
pub struct Writer<'a> {
    segments: &'a [Segment],
    place: Place<'a>,
}

impl<'a> Writer<'a> {
    /// A writer at the first byte of `segments`, which the caller knows to be writable by the guest's own word.
    #[must_use]
    pub fn new(segments: &'a [Segment]) -> Self {
        let place = Place { host: NonNull::dangling(), len: 0, memory: PhantomData };
        Self { segments, place }
    }

    /// Goes on to the next segment when this one is full.
    fn go_on(&mut self) -> Result<&mut Place<'a>, NoRoom> {
        while self.place.len == 0 {
            let (first, rest) = self.segments.split_first().ok_or(NoRoom)?;
            self.place = Place { host: first.host, len: first.len(), memory: PhantomData };
            self.segments = rest;
        }
        Ok(&mut self.place)
    }

    /// Writes bytes of ours.
    ///
    /// # Errors
    /// [`NoRoom`]: only a part was written.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), NoRoom> {
        while !bytes.is_empty() {
            let place = self.go_on()?;
            let (now, later) = bytes.split_at(bytes.len().min(place.len));
            place.write(now);
            bytes = later;
        }
        Ok(())
    }

    /// Copies a segment, of another guest's memory or of the same.
    ///
    /// # Errors
    /// [`NoRoom`]: only a part was written.
    pub fn copy(&mut self, from: &Segment) -> Result<(), NoRoom> {
        let mut done = 0;
        while done < from.len() {
            let place = self.go_on()?;
            let len = place.len.min(from.len() - done);
            // SAFETY: the source has `len` mapped bytes after `done`, and the place has room for them.
            unsafe { place.put(from.host().add(done), len) };
            done += len;
        }
        Ok(())
    }
}
