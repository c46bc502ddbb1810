// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Checked, volatile views of guest memory.
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vm_memory::{ByteValued, Bytes, MmapRegion, VolatileMemory, VolatileSlice};

/// A mapping, how much of it may still be touched, and what the guest has written into it lately.
#[derive(Debug)]
pub(super) struct Mapped {
    mapping: Arc<MmapRegion<()>>,
    present: AtomicU64,
    journaled: AtomicBool,
    /// Offset and length of each write while that is wanted.
    journal: Mutex<Vec<(usize, usize)>>,
}

impl Mapped {
    /// All of a mapping.
    pub(super) fn new(mapping: MmapRegion<()>) -> Mapped {
        let present = AtomicU64::new(mapping.size() as u64);
        Mapped { mapping: Arc::new(mapping), present, journaled: AtomicBool::new(false), journal: Mutex::default() }
    }

    /// From now on the guest's own writes are noted, or not.
    pub(super) fn set_journaled(&self, on: bool) {
        self.journaled.store(on, Ordering::Relaxed);
        self.journal().clear();
    }

    /// Offset and length of what the guest has written since the last call.
    pub(super) fn take_journal(&self) -> Vec<(usize, usize)> {
        std::mem::take(&mut *self.journal())
    }

    fn journal(&self) -> MutexGuard<'_, Vec<(usize, usize)>> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, offset: usize, len: usize) {
        if self.journaled.load(Ordering::Relaxed) {
            self.journal().push((offset, len));
        }
    }

    /// Address of the first byte in this process.
    pub(super) fn host_address(&self) -> u64 {
        self.mapping.as_ptr() as u64
    }

    /// The mapping itself.
    pub(super) fn mapping(&self) -> Arc<MmapRegion<()>> {
        Arc::clone(&self.mapping)
    }

    /// From now on only the first `size` bytes exist.
    pub(super) fn shrink(&self, size: u64) {
        self.present.fetch_min(size, Ordering::Relaxed);
    }
}

/// A checked view of a piece of one region. Clones view the same bytes.
///
/// Every access panics when it leaves the window or touches memory that was truncated away: both are faults of the
/// test. Numbers are little-endian, as virtio 1.x has them.
#[derive(Debug, Clone)]
pub struct Window {
    mapped: Arc<Mapped>,
    start: usize,
    len: usize,
    gpa: u64,
}

impl Window {
    pub(super) fn new(mapped: Arc<Mapped>, start: u64, len: usize, gpa: u64) -> Window {
        Window { mapped, start: start as usize, len, gpa }
    }

    /// Guest-physical address of the first byte.
    pub fn gpa(&self) -> u64 {
        self.gpa
    }

    /// Where this process has mapped the first byte: what SET_VRING_ADDR carries.
    pub fn host_address(&self) -> u64 {
        self.mapped.host_address() + self.start as u64
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True for a window of no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The part `offset..offset + len` of this window.
    pub fn part(&self, offset: usize, len: usize) -> Window {
        assert!(offset + len <= self.len, "a part must lie inside its window");
        Window { mapped: Arc::clone(&self.mapped), start: self.start + offset, len, gpa: self.gpa + offset as u64 }
    }

    /// Loads a 16-bit number with the given memory order.
    pub fn load_u16(&self, offset: usize, order: Ordering) -> u16 {
        u16::from_le(self.atomic_u16(offset).load(order))
    }

    /// Stores a 16-bit number with the given memory order.
    pub fn store_u16(&self, offset: usize, value: u16, order: Ordering) {
        self.atomic_u16(offset).store(value.to_le(), order);
        self.mapped.note(self.start + offset, 2);
    }

    /// Reads a value of any plain type.
    pub fn get<T: ByteValued>(&self, offset: usize) -> T {
        self.slice(offset, size_of::<T>()).read_obj(0).expect("the slice has the size of the value")
    }

    /// Writes a value of any plain type.
    pub fn put<T: ByteValued>(&self, offset: usize, value: T) {
        self.slice(offset, size_of::<T>()).write_obj(value, 0).expect("the slice has the size of the value");
        self.mapped.note(self.start + offset, size_of::<T>());
    }

    /// Copies `len` bytes out.
    pub fn read(&self, offset: usize, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.slice(offset, len).copy_to(&mut bytes);
        bytes
    }

    /// Copies `bytes` in.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        self.slice(offset, bytes.len()).copy_from(bytes);
        self.mapped.note(self.start + offset, bytes.len());
    }

    fn atomic_u16(&self, offset: usize) -> &AtomicU16 {
        self.check(offset, 2);
        self.mapped.mapping.get_atomic_ref(self.start + offset).expect("ring words are aligned and inside the window")
    }

    fn slice(&self, offset: usize, len: usize) -> VolatileSlice<'_> {
        self.check(offset, len);
        self.mapped.mapping.get_slice(self.start + offset, len).expect("the window lies inside the mapping")
    }

    fn check(&self, offset: usize, len: usize) {
        let present = self.mapped.present.load(Ordering::Relaxed) as usize;
        assert!(offset + len <= self.len, "access to {offset}+{len} leaves a window of {} bytes", self.len);
        assert!(self.start + offset + len <= present, "this guest memory was truncated away");
    }
}
