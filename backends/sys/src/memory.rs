// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A flat, checked view of one guest's memory.

use std::fmt;
use std::ptr;
use std::sync::Arc;

use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion};

use crate::fault::FaultSlot;

/// An address range that is not (wholly) guest memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutsideMemory;

impl fmt::Display for OutsideMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address range is not guest memory")
    }
}

impl std::error::Error for OutsideMemory {}

/// A range of guest-physical memory, as a descriptor names it. Not trusted: each use checks it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Segment {
    /// Guest-physical address of the first byte.
    pub address: u64,
    /// Length in bytes.
    pub len: u32,
}

/// One mapped region: `len` bytes at guest-physical `base`, mapped at `host`.
struct Region {
    base: u64,
    len: u64,
    host: *mut u8,
}

/// One guest's memory: regions sorted by address, the mapping that backs them, and their entry in the fault guard.
pub struct MemoryMap {
    regions: Vec<Region>,
    faults: Vec<FaultSlot>,
    mapping: GuestMemoryMmap<()>,
}

// SAFETY: the raw pointers name a shared mapping that `mapping` keeps alive; every access through them is a raw copy or
// an atomic, valid from any thread.
unsafe impl Send for MemoryMap {}
// SAFETY: as above; no method hands out a reference into the mapping.
unsafe impl Sync for MemoryMap {}

impl fmt::Debug for MemoryMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = self.regions.iter().map(|r| (r.base, r.len));
        f.debug_list().entries(ranges).finish()
    }
}

impl MemoryMap {
    /// Builds the region table, keeps the mapping alive and registers it with the fault guard.
    #[must_use]
    pub fn new(memory: &GuestMemoryMmap<()>) -> Arc<Self> {
        let mut regions: Vec<Region> =
            memory.iter().map(|r| Region { base: r.start_addr().0, len: r.len(), host: r.as_ptr() }).collect();
        regions.sort_by_key(|r| r.base);
        let faults = regions.iter().map(|r| FaultSlot::register(r.host as usize, r.len as usize)).collect();
        Arc::new(Self { regions, faults, mapping: memory.clone() })
    }

    /// True once a page of this memory could not be read or written: its file was truncated, or too short from the
    /// start. What was read since is zeroes; the session that owns it must end.
    #[must_use]
    pub fn poisoned(&self) -> bool {
        self.faults.iter().any(FaultSlot::poisoned)
    }

    /// The mapping itself, for the slow path and the crates that want it.
    #[must_use]
    pub fn mapping(&self) -> &GuestMemoryMmap<()> {
        &self.mapping
    }

    /// Whether the whole range is guest memory (it may straddle regions that adjoin).
    #[must_use]
    pub fn contains(&self, segment: Segment) -> bool {
        self.mapping.check_range(GuestAddress(segment.address), segment.len as usize)
    }

    /// Host address of `len` bytes that lie in one region.
    #[inline]
    pub(crate) fn host(&self, address: u64, len: u64) -> Option<*mut u8> {
        self.regions.iter().find_map(|region| {
            let offset = address.wrapping_sub(region.base);
            // `offset < region.len` first, so that the subtraction cannot wrap.
            (offset < region.len && len <= region.len - offset).then(|| {
                // SAFETY: offset is inside the region's mapping, which `self.mapping` keeps alive.
                unsafe { region.host.add(offset as usize) }
            })
        })
    }

    /// Host address of `address` and how many bytes follow it in the same region, at most `len`.
    fn host_prefix(&self, address: u64, len: u64) -> Option<(*mut u8, u64)> {
        self.regions.iter().find_map(|region| {
            let offset = address.wrapping_sub(region.base);
            (offset < region.len).then(|| {
                // SAFETY: offset is inside the region's mapping, which `self.mapping` keeps alive.
                (unsafe { region.host.add(offset as usize) }, len.min(region.len - offset))
            })
        })
    }

    /// Copies guest memory into `out`.
    ///
    /// # Errors
    /// [`OutsideMemory`] when a byte of the range is not guest memory; `out` is then unspecified.
    #[inline]
    pub fn read(&self, address: u64, out: &mut [u8]) -> Result<(), OutsideMemory> {
        if let Some(host) = self.host(address, out.len() as u64) {
            // SAFETY: `host` points at out.len() mapped bytes; `out` is ours and cannot overlap a foreign mapping.
            unsafe { ptr::copy_nonoverlapping(host, out.as_mut_ptr(), out.len()) };
            return Ok(());
        }
        self.read_straddling(address, out)
    }

    #[cold]
    fn read_straddling(&self, address: u64, out: &mut [u8]) -> Result<(), OutsideMemory> {
        let mut done = 0;
        while done < out.len() {
            let at = address.checked_add(done as u64).ok_or(OutsideMemory)?;
            let (host, len) = self.host_prefix(at, (out.len() - done) as u64).ok_or(OutsideMemory)?;
            // SAFETY: `host` points at `len` mapped bytes and `out[done..]` holds at least as many.
            unsafe { ptr::copy_nonoverlapping(host, out[done..].as_mut_ptr(), len as usize) };
            done += len as usize;
        }
        Ok(())
    }

    /// Copies `bytes` into guest memory.
    ///
    /// # Errors
    /// [`OutsideMemory`] when a byte of the range is not guest memory; a prefix may have been written.
    #[inline]
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), OutsideMemory> {
        if let Some(host) = self.host(address, bytes.len() as u64) {
            // SAFETY: `host` points at bytes.len() mapped bytes; `bytes` is ours and cannot overlap a foreign mapping.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), host, bytes.len()) };
            return Ok(());
        }
        self.write_straddling(address, bytes)
    }

    #[cold]
    fn write_straddling(&self, address: u64, bytes: &[u8]) -> Result<(), OutsideMemory> {
        let mut done = 0;
        while done < bytes.len() {
            let at = address.checked_add(done as u64).ok_or(OutsideMemory)?;
            let (host, len) = self.host_prefix(at, (bytes.len() - done) as u64).ok_or(OutsideMemory)?;
            // SAFETY: `host` points at `len` mapped bytes and `bytes[done..]` holds at least as many.
            unsafe { ptr::copy_nonoverlapping(bytes[done..].as_ptr(), host, len as usize) };
            done += len as usize;
        }
        Ok(())
    }
}

/// Copies `len` bytes from one guest's memory straight into another's.
///
/// # Errors
/// [`OutsideMemory`] when a byte of either range is not guest memory; a prefix may have been written.
#[inline]
pub fn copy(from: (&MemoryMap, u64), to: (&MemoryMap, u64), len: u32) -> Result<(), OutsideMemory> {
    let len = u64::from(len);
    if let (Some(source), Some(target)) = (from.0.host(from.1, len), to.0.host(to.1, len)) {
        // SAFETY: both point at `len` mapped bytes. `copy`, not `copy_nonoverlapping`: both may be the same guest's.
        unsafe { ptr::copy(source, target, len as usize) };
        return Ok(());
    }
    copy_straddling(from, to, len)
}

#[cold]
fn copy_straddling(from: (&MemoryMap, u64), to: (&MemoryMap, u64), len: u64) -> Result<(), OutsideMemory> {
    let mut done = 0;
    while done < len {
        let source = from.1.checked_add(done).ok_or(OutsideMemory)?;
        let target = to.1.checked_add(done).ok_or(OutsideMemory)?;
        let (source, readable) = from.0.host_prefix(source, len - done).ok_or(OutsideMemory)?;
        let (target, step) = to.0.host_prefix(target, readable).ok_or(OutsideMemory)?;
        // SAFETY: both point at `step` mapped bytes: `step <= readable` by construction.
        unsafe { ptr::copy(source, target, step as usize) };
        done += step;
    }
    Ok(())
}
