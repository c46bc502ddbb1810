// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest buffers that are written from front to back: one, or a run of them.

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::copy::copy;
use crate::memory::MemoryMap;
use crate::segments::Segment;

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

    /// All of a segment, whose list keeps its memory mapped.
    #[inline]
    fn of(segment: &'a Segment) -> Self {
        Self { host: segment.start(), len: segment.len(), memory: PhantomData }
    }

    /// Writes bytes of ours, as many as there is room for.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        let len = bytes.len().min(self.len);
        // SAFETY: both sides have `len` bytes; `bytes` is ours and overlaps no foreign mapping.
        unsafe { self.put(bytes.as_ptr(), len) };
    }

    /// Writes the first `header_len` bytes of a header, the head of a frame and its body, as much as there is room for.
    #[inline(always)]
    pub fn write_frame(&mut self, header: &[u8; 12], header_len: usize, head: &[u8], body: &[Segment]) {
        if header_len <= header.len() && header_len + head.len() <= self.len && header.len() <= self.len {
            // SAFETY: there is room for all twelve bytes, what is written beyond `header_len` is written over or beyond what
            // is reported as written, and there is room for the head behind them.
            unsafe {
                self.host.as_ptr().cast::<[u8; 12]>().write_unaligned(*header);
                self.skip(header_len);
                self.put(head.as_ptr(), head.len());
            }
        } else {
            self.write(header.get(..header_len).unwrap_or(header));
            self.write(head);
        }
        for segment in body {
            self.copy(segment);
        }
    }

    /// Leaves out `len` bytes.
    ///
    /// # Safety
    /// There are so many.
    #[inline(always)]
    unsafe fn skip(&mut self, len: usize) {
        // SAFETY: at most one past the place's end, by the caller's promise.
        self.host = unsafe { self.host.add(len) };
        self.len -= len;
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
    #[inline(always)]
    unsafe fn put(&mut self, from: *const u8, len: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            copy(from, self.host.as_ptr(), len);
            self.skip(len);
        }
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
            self.place = Place::of(first);
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
