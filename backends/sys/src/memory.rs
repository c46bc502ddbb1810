// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A flat, checked view of one guest's memory.

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion, GuestRegionMmap};

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

/// One mapped region: `len` bytes at guest-physical `base`, mapped at `host`.
struct Region {
    base: u64,
    len: u64,
    host: NonNull<u8>,
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
        let region = |r: &GuestRegionMmap<()>| {
            // A mapping is never at address zero.
            NonNull::new(r.as_ptr()).map(|host| Region { base: r.start_addr().0, len: r.len(), host })
        };
        let mut regions: Vec<Region> = memory.iter().filter_map(region).collect();
        regions.sort_by_key(|r| r.base);
        let slot = |r: &Region| FaultSlot::register(r.host.as_ptr() as usize, r.len as usize);
        let faults = regions.iter().map(slot).collect();
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
    pub fn contains(&self, address: u64, len: u32) -> bool {
        self.mapping.check_range(GuestAddress(address), len as usize)
    }

    /// Host address of `len` bytes that lie in one region.
    #[inline]
    pub(crate) fn host(&self, address: u64, len: u64) -> Option<NonNull<u8>> {
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
    pub(crate) fn host_prefix(&self, address: u64, len: u32) -> Option<(NonNull<u8>, u32)> {
        let host = self.host(address, 1)?;
        let region = self.regions.iter().find(|region| address.wrapping_sub(region.base) < region.len)?;
        let left = region.len - (address - region.base);
        Some((host, len.min(u32::try_from(left).unwrap_or(u32::MAX))))
    }

    /// The guest-physical address of a host address in one of the regions.
    pub(crate) fn guest_address(&self, host: *const u8) -> Option<u64> {
        let offset = |region: &Region| (host as u64).wrapping_sub(region.host.as_ptr() as u64);
        let region = self.regions.iter().find(|region| offset(region) < region.len)?;
        Some(region.base + offset(region))
    }
}
