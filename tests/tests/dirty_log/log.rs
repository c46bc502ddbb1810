// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A dirty log, on the VMM's side.
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use tests::memory::GuestMemory;
use vm_memory::{FileOffset, MmapRegion, VolatileMemory};

/// Bytes of a page of the log.
pub(crate) const PAGE: u64 = 4096;

pub(crate) struct Log {
    file: Arc<File>,
    mapping: MmapRegion<()>,
    size: u64,
}

impl Log {
    /// A log with a bit for each page below this guest-physical address, as QEMU makes it.
    pub(crate) fn below(end: u64) -> Log {
        let log = Log::unsealed(end);
        fcntl_add_seals(&log.file, SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL).expect("it may be sealed");
        log
    }

    /// One that can be cut short.
    pub(crate) fn unsealed(end: u64) -> Log {
        let size = end.div_ceil(PAGE * 64) * 8;
        let file = memfd_create("log", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("a memfd");
        let file = Arc::new(File::from(file));
        file.set_len(size).expect("it may grow");
        let mapping = MmapRegion::from_file(FileOffset::from_arc(Arc::clone(&file), 0), size as usize);
        Log { file, mapping: mapping.expect("a memfd can be mapped"), size }
    }

    /// A log for all memory of a guest.
    pub(crate) fn of(memory: &GuestMemory) -> Log {
        let ends = memory.regions().iter().map(|region| region.range().gpa + region.range().size);
        Log::below(ends.max().expect("a guest has memory"))
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The file and the size, for a guest whose rings are to start with this log.
    pub(crate) fn share(&self) -> (OwnedFd, u64) {
        (self.file().try_clone_to_owned().expect("a descriptor"), self.size)
    }

    /// Leaves nothing of the file.
    pub(crate) fn cut(&self) {
        self.file.set_len(0).expect("it is not sealed");
    }

    /// Guest-physical addresses of the pages that are marked; none is afterwards.
    pub(crate) fn take(&self) -> Vec<u64> {
        let mut pages = Vec::new();
        for word in 0..self.size / 8 {
            let place = self.mapping.get_atomic_ref::<AtomicU64>(8 * word as usize).expect("a whole word of the log");
            if place.load(Ordering::Relaxed) != 0 {
                let bits = u64::from_le(place.swap(0, Ordering::SeqCst));
                pages.extend((0..64).filter(|bit| bits >> bit & 1 == 1).map(|bit| PAGE * (64 * word + bit)));
            }
        }
        pages
    }
}
