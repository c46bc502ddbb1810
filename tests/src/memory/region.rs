// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One region of guest memory: a part of a memfd, mapped here.
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use vm_memory::{FileOffset, GuestAddress, GuestRegionMmap, MmapRegion};

use super::Range;
use super::window::{Mapped, Window};

/// One region of guest memory: a mapped part of a memfd.
#[derive(Debug)]
pub struct Region {
    range: Range,
    file: Arc<File>,
    file_offset: u64,
    mapped: Arc<Mapped>,
    allocated: u64,
}

impl Region {
    /// Maps `range.size` bytes of `file` from `file_offset` on.
    pub(super) fn map(range: Range, file: Arc<File>, file_offset: u64) -> io::Result<Region> {
        let offset = FileOffset::from_arc(Arc::clone(&file), file_offset);
        let mapping = MmapRegion::from_file(offset, range.size as usize).map_err(io::Error::other)?;
        let mapped = Mapped::new(mapping);
        Ok(Region { range, file, file_offset, mapped: Arc::new(mapped), allocated: 0 })
    }

    /// Guest-physical range.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Where this process has mapped the region: the "userspace address" of the vhost-user messages.
    pub fn host_address(&self) -> u64 {
        self.mapped.host_address()
    }

    /// Offset of the region in its file, in bytes.
    pub fn file_offset(&self) -> u64 {
        self.file_offset
    }

    /// The file, to be passed to the switch.
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// A view of the region's bytes `offset..offset + len`.
    ///
    /// # Panics
    /// When they are not inside the region.
    pub fn window(&self, offset: u64, len: usize) -> Window {
        assert!(offset + len as u64 <= self.range.size, "a window must lie inside its region");
        Window::new(Arc::clone(&self.mapped), offset, len, self.range.gpa + offset)
    }

    /// Notes what the guest itself writes from now on, or stops it: for a test that plays the VMM, to which the
    /// hypervisor would tell that.
    pub fn set_journaled(&self, on: bool) {
        self.mapped.set_journaled(on);
    }

    /// Offset and length of every write of the guest's own since the last call.
    pub fn take_journal(&self) -> Vec<(usize, usize)> {
        self.mapped.take_journal()
    }

    /// True when `len` bytes at this alignment can still be handed out.
    pub(super) fn has_room(&self, len: usize, align: u64) -> bool {
        self.allocated.next_multiple_of(align) + len as u64 <= self.range.size
    }

    /// Hands out `len` bytes for good.
    ///
    /// # Panics
    /// When there is no room.
    pub(super) fn allocate(&mut self, len: usize, align: u64) -> Window {
        assert!(self.has_room(len, align), "this region of guest memory has no room for {len} bytes");
        let start = self.allocated.next_multiple_of(align);
        self.allocated = start + len as u64;
        self.window(start, len)
    }

    /// True when `gpa..gpa + len` lies inside.
    pub(super) fn holds(&self, gpa: u64, len: usize) -> bool {
        gpa >= self.range.gpa && gpa - self.range.gpa + len as u64 <= self.range.size
    }

    /// Cuts the file so that `size` bytes of the region are left.
    pub(super) fn truncate(&self, size: u64) -> io::Result<()> {
        self.file.set_len(self.file_offset + size)?;
        self.mapped.shrink(size);
        Ok(())
    }

    /// The same mapping as the type that the device-side crates take.
    pub(super) fn to_vm_memory(&self) -> Arc<GuestRegionMmap<()>> {
        let region = GuestRegionMmap::with_arc(self.mapped.mapping(), GuestAddress(self.range.gpa));
        Arc::new(region.expect("a test layout does not wrap around the address space"))
    }
}
