// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a file descriptor must be before we use it.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, OFlags, SealFlags, fcntl_get_seals, fcntl_getfl, fstat, fstatfs};

use super::refusal::{MemoryFault, Refusal};

/// `TMPFS_MAGIC` of statfs(2); a memfd without huge pages is on it too.
const TMPFS: u64 = 0x0102_1994;
/// `HUGETLBFS_MAGIC` of statfs(2).
const HUGETLBFS: u64 = 0x9584_58f6;
/// The page size of every architecture that we run on.
const PAGE: u64 = 4096;

/// What is demanded of memory files that their owner could shrink under us. The fault guard catches what gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SealPolicy {
    /// Nothing.
    Off,
    /// A warning in the port's state.
    #[default]
    Warn,
    /// The session is refused.
    Require,
}

/// A memory file that was examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemoryFile {
    /// Offsets and sizes must be multiples of it, else `mmap` or `munmap` fails.
    pub(super) page: u64,
    /// Length in bytes.
    pub(super) size: u64,
    /// Whether it can never shrink.
    pub(super) sealed: bool,
}

/// Examines a descriptor that should be guest memory.
pub(super) fn memory_file(fd: &OwnedFd) -> Result<MemoryFile, MemoryFault> {
    let flags = fcntl_getfl(fd).map_err(|error| MemoryFault::File(error.to_string()))?;
    // Only memory files have seals, and the kernel tells so without asking the file's file system. Any other question
    // could take as long as the daemon of a FUSE file system likes.
    let seals = fcntl_get_seals(fd).map_err(|_| MemoryFault::Kind)?;
    let stat = fstat(fd).map_err(|error| MemoryFault::File(error.to_string()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(MemoryFault::Kind);
    }
    let filesystem = fstatfs(fd).map_err(|error| MemoryFault::File(error.to_string()))?;
    let page = match filesystem.f_type as u64 & 0xffff_ffff {
        TMPFS => PAGE,
        HUGETLBFS => filesystem.f_bsize as u64,
        _ => return Err(MemoryFault::Kind),
    };
    let unwritable = SealFlags::WRITE | SealFlags::FUTURE_WRITE;
    if flags & OFlags::ACCMODE != OFlags::RDWR || flags.contains(OFlags::PATH) || seals.intersects(unwritable) {
        return Err(MemoryFault::ReadOnly);
    }
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    Ok(MemoryFile { page, size, sealed: seals.contains(SealFlags::SHRINK) })
}

/// Makes sure that a doorbell is an eventfd that cannot block us.
pub(super) fn doorbell(message: &'static str, fd: &OwnedFd) -> Result<(), Refusal> {
    if !sys::fd::is_eventfd(fd.as_fd()) || sys::fd::set_nonblocking(fd.as_fd()).is_err() {
        return Err(Refusal::NotEventfd { message });
    }
    Ok(())
}
