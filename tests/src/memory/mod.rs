// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest memory over real memfds, mapped here and by the switch.
//!
//! A [`Layout`] says which guest-physical ranges exist and whether their files are sealed against shrinking. A
//! [`GuestMemory`] maps them. All access goes through [`Window`]s, checked views of a piece of one region, whose reads
//! and writes are volatile: the switch looks at the same bytes at the same time.
//!
//! Memory is handed out by a bump allocator per region and never taken back; queues bring their own
//! [`Heap`](crate::driver::Heap) for buffers that come and go.
//!
//! Truncating a file under a mapping makes every access beyond its end a SIGBUS, also ours. So a region remembers how
//! much of it still exists, and a window refuses, by panic, to touch what is gone.
mod region;
mod window;

use std::fs::File;
use std::io;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use vm_memory::GuestMemoryMmap;

pub use region::Region;
pub use window::Window;

/// Page size of the mappings; file offsets are multiples of it.
const PAGE: u64 = 4096;

/// One range of guest-physical addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First guest-physical address, a multiple of the page size.
    pub gpa: u64,
    /// Length in bytes, a multiple of the page size.
    pub size: u64,
}

/// How the files behind the ranges are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backing {
    /// One sealed memfd a region, as QEMU's `memory-backend-memfd` makes them.
    Sealed,
    /// One memfd a region without seals, as `memory-backend-file` or older VMMs: it can be truncated.
    Unsealed,
    /// One sealed memfd behind all regions, each at its own offset, as a VMM that splits RAM around a hole.
    SharedFile,
}

/// Which memory a guest has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The ranges, ascending and not overlapping.
    pub ranges: Vec<Range>,
    /// The files behind them.
    pub backing: Backing,
}

impl Layout {
    /// One region from address 0.
    pub fn flat(size: u64) -> Layout {
        Layout { ranges: vec![Range { gpa: 0, size }], backing: Backing::Sealed }
    }

    /// Two halves of `size`, in one file, the second from 4 GiB on: a PC with a hole below it.
    pub fn holed(size: u64) -> Layout {
        let half = size / 2;
        let ranges = vec![Range { gpa: 0, size: half }, Range { gpa: 1 << 32, size: half }];
        Layout { ranges, backing: Backing::SharedFile }
    }

    /// Two halves of `size` with adjacent addresses but separate files: a buffer may legally span the border.
    pub fn adjacent(size: u64) -> Layout {
        let half = size / 2;
        let ranges = vec![Range { gpa: 0, size: half }, Range { gpa: half, size: half }];
        Layout { ranges, backing: Backing::Sealed }
    }

    /// The same ranges over files made in another way.
    pub fn backed_by(mut self, backing: Backing) -> Layout {
        self.backing = backing;
        self
    }
}

/// All memory of one guest.
#[derive(Debug)]
pub struct GuestMemory {
    regions: Vec<Region>,
    backing: Backing,
}

impl GuestMemory {
    /// Makes the files and maps them.
    ///
    /// # Errors
    /// Whatever the kernel refuses: out of memory, or a range that is not a multiple of the page size.
    pub fn new(layout: &Layout) -> io::Result<GuestMemory> {
        let mut memory = GuestMemory { regions: Vec::new(), backing: layout.backing };
        if layout.backing != Backing::SharedFile {
            for range in &layout.ranges {
                memory.add_region(*range)?;
            }
            return Ok(memory);
        }
        let total = layout.ranges.iter().map(|range| range.size).sum();
        let file = Arc::new(new_file(total, true)?);
        let mut offset = 0;
        for range in &layout.ranges {
            memory.regions.push(Region::map(*range, Arc::clone(&file), offset)?);
            offset += range.size;
        }
        Ok(memory)
    }

    /// Plugs another region, as memory hot-add does, and returns its number.
    ///
    /// # Errors
    /// As [`GuestMemory::new`].
    pub fn add_region(&mut self, range: Range) -> io::Result<usize> {
        let file = new_file(range.size, self.backing != Backing::Unsealed)?;
        self.regions.push(Region::map(range, Arc::new(file), 0)?);
        Ok(self.regions.len() - 1)
    }

    /// The regions in the order in which they were plugged.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Hands out `len` bytes, aligned to `align` (a power of two), from the first region that has room.
    ///
    /// # Panics
    /// When no region has room: give the guest more memory.
    pub fn allocate(&mut self, len: usize, align: u64) -> Window {
        let region = (0..self.regions.len()).find(|&region| self.regions[region].has_room(len, align));
        let region =
            region.unwrap_or_else(|| panic!("guest memory is exhausted: no room for {len} bytes in any region"));
        self.allocate_in(region, len, align)
    }

    /// Hands out `len` bytes of a certain region.
    ///
    /// # Panics
    /// When that region has no room.
    pub fn allocate_in(&mut self, region: usize, len: usize, align: u64) -> Window {
        self.regions[region].allocate(len, align)
    }

    /// The view of `len` bytes at a guest-physical address.
    ///
    /// # Panics
    /// When they do not lie inside one region.
    pub fn window_at(&self, gpa: u64, len: usize) -> Window {
        let region = self.regions.iter().find(|region| region.holds(gpa, len));
        let region = region.unwrap_or_else(|| panic!("no region of guest memory holds {len} bytes at {gpa:#x}"));
        region.window(gpa - region.range().gpa, len)
    }

    /// Cuts the file of a region down to `size` bytes, as a malicious VMM does. Windows beyond it panic from now on.
    ///
    /// # Errors
    /// `EPERM` when the file is sealed.
    pub fn truncate(&mut self, region: usize, size: u64) -> io::Result<()> {
        self.regions[region].truncate(size)
    }

    /// The same mappings as the type that the device-side crates take, for tests that run a device in-process.
    ///
    /// # Panics
    /// When the ranges overlap, which no test layout does.
    pub fn to_vm_memory(&self) -> GuestMemoryMmap<()> {
        let mut regions: Vec<&Region> = self.regions.iter().collect();
        regions.sort_by_key(|region| region.range().gpa);
        let regions = regions.into_iter().map(Region::to_vm_memory).collect();
        GuestMemoryMmap::from_arc_regions(regions).expect("the ranges of a test layout do not overlap")
    }
}

fn new_file(size: u64, sealed: bool) -> io::Result<File> {
    let file = File::from(memfd_create("guest-memory", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    file.set_len(size.next_multiple_of(PAGE))?;
    if sealed {
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{Backing, GuestMemory, Layout, Range};
    use vm_memory::{Bytes, GuestAddress};

    #[test]
    fn the_switch_would_see_what_the_guest_writes() {
        let mut memory = GuestMemory::new(&Layout::holed(1 << 20)).unwrap();
        let window = memory.allocate_in(1, 16, 16);
        window.write(4, b"weft");
        let mut seen = [0; 4];
        memory.to_vm_memory().read_slice(&mut seen, GuestAddress(window.gpa() + 4)).unwrap();
        assert_eq!((&seen, window.gpa()), (b"weft", 1 << 32));
        assert_eq!(memory.regions()[1].file_offset(), 1 << 19);
    }

    #[test]
    fn sealed_memory_cannot_be_truncated_and_unsealed_can() {
        let mut sealed = GuestMemory::new(&Layout::flat(1 << 16)).unwrap();
        assert!(sealed.truncate(0, 4096).is_err());
        let mut open = GuestMemory::new(&Layout::flat(1 << 16).backed_by(Backing::Unsealed)).unwrap();
        open.truncate(0, 4096).unwrap();
        assert_eq!(open.window_at(0, 4096).read(4092, 4), [0; 4]);
    }

    #[test]
    #[should_panic(expected = "truncated away")]
    fn the_guest_never_touches_what_was_truncated() {
        let mut memory = GuestMemory::new(&Layout::flat(1 << 16).backed_by(Backing::Unsealed)).unwrap();
        memory.truncate(0, 4096).unwrap();
        memory.window_at(4096, 1).read(0, 1);
    }

    #[test]
    fn a_region_can_be_plugged_later() {
        let mut memory = GuestMemory::new(&Layout::flat(1 << 16)).unwrap();
        let region = memory.add_region(Range { gpa: 1 << 40, size: 1 << 16 }).unwrap();
        assert_eq!(memory.allocate_in(region, 1 << 16, 4096).gpa(), 1 << 40);
    }
}
