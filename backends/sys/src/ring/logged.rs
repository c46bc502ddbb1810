// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A ring whose guest is being migrated: what is written for it is marked in a log.
//!
//! A ring without a log pays for none of this but one look a burst.

use std::ptr::NonNull;

use super::Ring;
use crate::dirty_log::{Marks, RingLog};
use crate::memory::MemoryMap;
use crate::ring_fault::RingFault;
use crate::segments::Segment;

impl Ring {
    /// Marks what is written from now on in `log`, and nothing more in the one before. All of the used ring is marked at
    /// once: who served this ring before may have been killed between a write and its mark.
    pub fn set_log(&mut self, log: Option<RingLog>) {
        if let Some(marks) = &mut self.marks {
            marks.flush();
        }
        self.marks = log.map(|log| Box::new(Marks::new(log)));
        self.fault = self.fault.filter(|fault| *fault != RingFault::Log);
        if let Some(marks) = &mut self.marks {
            marks.mark_used(0, 6 + 8 * usize::from(self.size));
        }
        self.bring_marks();
    }

    /// Brings all marks to the log, and finds out whether it is still there.
    fn bring_marks(&mut self) {
        let Some(marks) = &mut self.marks else { return };
        marks.flush();
        if marks.poisoned() {
            self.fault.get_or_insert(RingFault::Log);
        }
    }

    /// Whether what is written is marked.
    #[must_use]
    pub fn is_logged(&self) -> bool {
        self.marks.is_some()
    }

    /// Marks the first `len` bytes of `segments`, which are of this ring's memory and were written to. The marks are in the
    /// log before the guest, and whoever migrates it, can know: before the next [`Ring::publish`] makes a chain visible.
    #[inline]
    pub fn mark_written(&mut self, segments: &[Segment], len: usize) {
        if let Some(marks) = &mut self.marks {
            mark_segments(marks, &self.memory, segments, len);
        }
    }

    /// Marks `len` bytes of one region of this ring's memory, which were written to.
    #[inline]
    pub(crate) fn mark_at(&mut self, host: NonNull<u8>, len: usize) {
        if let Some(marks) = &mut self.marks {
            mark_run(marks, &self.memory, host.as_ptr(), len);
        }
    }

    /// Publishes, and marks what was published, each part after it was written.
    #[cold]
    #[inline(never)]
    pub(super) fn mark_written_and_used(&mut self, index: u16) {
        let (before, size) = (self.published, usize::from(self.size));
        if let Some(marks) = &mut self.marks {
            marks.flush();
        }
        self.show(index);
        let Some(marks) = &mut self.marks else { return };
        marks.mark_used(2, 2);
        let (first, count) = (usize::from(before) % size, usize::from(index.wrapping_sub(before)).min(size));
        let behind = count.min(size - first);
        marks.mark_used(4 + 8 * first, 8 * behind);
        marks.mark_used(4, 8 * (count - behind));
        self.bring_marks();
    }
}

#[inline(never)]
fn mark_segments(marks: &mut Marks, memory: &MemoryMap, segments: &[Segment], mut len: usize) {
    for segment in segments {
        let written = len.min(segment.len());
        mark_run(marks, memory, segment.host(), written);
        len -= written;
    }
}

/// Marks `len` bytes of one region.
#[inline]
fn mark_run(marks: &mut Marks, memory: &MemoryMap, host: *const u8, len: usize) {
    // A run without a byte may be nowhere.
    if let Some(address) = memory.guest_address(host).filter(|_| len > 0) {
        marks.mark(address, len as u64);
    }
}
