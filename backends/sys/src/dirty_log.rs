// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The log of a live migration: a bit for each page of a guest that was written to (vhost-user, "Migration").
//!
//! Whoever migrates the guest fetches and clears the bits, then copies the pages. So a mark comes *after* the write that it
//! is about: if its bit is fetched before, the next round finds the mark; if after, it finds what was written. Setting a
//! bit that is set already must not be spared for the same reason.
//!
//! The log is a file of whoever migrates, who can shorten it: it has its place in the fault guard as guest memory has.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vm_memory::{FileOffset, MmapRegion};

use crate::fault::FaultSlot;

/// Bytes of a page as the log counts them (`VHOST_LOG_PAGE`), whatever the machine's pages are.
pub const LOG_PAGE: u64 = 4096;

/// Pages whose bits are set by one access.
const WORD: u64 = u64::BITS as u64;

/// A mapped log. It is marked by several threads at a time.
pub struct DirtyLog {
    base: NonNull<AtomicU64>,
    /// Pages that it has bits for.
    pages: u64,
    fault: FaultSlot,
    _mapping: MmapRegion<()>,
}

// SAFETY: the pointer names a shared mapping that the log owns; access through it is by atomics, valid from any thread.
unsafe impl Send for DirtyLog {}
// SAFETY: as above.
unsafe impl Sync for DirtyLog {}

impl fmt::Debug for DirtyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DirtyLog({} pages)", self.pages)
    }
}

/// Two are the same when they are one mapping.
impl PartialEq for DirtyLog {
    fn eq(&self, other: &Self) -> bool {
        self.base == other.base
    }
}

impl Eq for DirtyLog {}

impl DirtyLog {
    /// Maps `len` bytes of `file` from `offset` on, a multiple of the file's page size.
    ///
    /// # Errors
    /// What `mmap` says.
    pub fn map(file: OwnedFd, offset: u64, len: usize) -> io::Result<Arc<Self>> {
        let mapping = MmapRegion::<()>::from_file(FileOffset::new(File::from(file), offset), len);
        let mapping = mapping.map_err(io::Error::other)?;
        // A mapping begins with a page, so its words are aligned.
        let base = NonNull::new(mapping.as_ptr().cast()).ok_or(io::ErrorKind::InvalidInput)?;
        let fault = FaultSlot::register(mapping.as_ptr() as usize, len);
        Ok(Arc::new(Self { base, pages: len as u64 * 8, fault, _mapping: mapping }))
    }

    /// Whether a page of the log could not be written: its file was truncated, or it could not be guarded.
    #[must_use]
    pub fn poisoned(&self) -> bool {
        self.fault.poisoned()
    }

    /// Sets bits of the pages that begin with page `WORD * word`. What the log has no room for is left out.
    fn set(&self, word: u64, bits: u64) {
        let left = self.pages.saturating_sub(word.saturating_mul(WORD));
        let bits = if left < WORD { bits & !(u64::MAX << left) } else { bits };
        if bits == 0 {
            return;
        }
        // SAFETY: a bit of this word is within `len` bytes, and the mapping is whole pages, so all of the word is; it is
        // aligned, and atomics may be shared with whoever migrates the guest.
        let place = unsafe { &*self.base.as_ptr().add(word as usize) };
        // Bits of a byte count from its lowest, and bytes from the front. Releases the writes that the marks are about.
        place.fetch_or(bits.to_le(), Ordering::Release);
    }
}

/// Where what is written for one ring is marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingLog {
    /// The log of the session.
    pub log: Arc<DirtyLog>,
    /// The address under which writes to the used ring are marked: the used ring's own, if whoever migrates does not say
    /// otherwise.
    pub used: u64,
}

/// Marks that are made one by one and reach the log a word at a time: neighbours cost one access.
pub(crate) struct Marks {
    to: RingLog,
    word: u64,
    /// Of that word, not in the log yet.
    bits: u64,
}

impl Marks {
    pub(crate) fn new(to: RingLog) -> Self {
        Self { to, word: 0, bits: 0 }
    }

    /// Marks `len` bytes at guest-physical `address`, which were written before. They are in the log after the next
    /// [`Marks::flush`].
    pub(crate) fn mark(&mut self, address: u64, len: u64) {
        let Some(last) = len.checked_sub(1) else { return };
        for page in address / LOG_PAGE..=address.saturating_add(last) / LOG_PAGE {
            if page / WORD != self.word {
                self.flush();
                self.word = page / WORD;
            }
            self.bits |= 1 << (page % WORD);
        }
    }

    /// Marks `len` bytes of the used ring, `offset` bytes behind its start.
    pub(crate) fn mark_used(&mut self, offset: usize, len: usize) {
        self.mark(self.to.used.saturating_add(offset as u64), len as u64);
    }

    /// Brings all marks to the log.
    pub(crate) fn flush(&mut self) {
        let bits = std::mem::take(&mut self.bits);
        self.to.log.set(self.word, bits);
    }

    pub(crate) fn poisoned(&self) -> bool {
        self.to.log.poisoned()
    }
}
