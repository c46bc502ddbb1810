// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device side of one queue, by the `virtio-queue` crate.
use std::sync::atomic::Ordering;

use virtio_queue::{Queue, QueueT};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use crate::driver::Ring;
use crate::memory::GuestMemory;

/// Address, length, and whether the device writes it.
pub(super) type Segment = (GuestAddress, usize, bool);

/// The device side of one queue.
pub(super) struct Device {
    pub(super) memory: GuestMemoryMmap<()>,
    pub(super) queue: Queue,
}

impl Device {
    pub(super) fn new(memory: &GuestMemory, ring: &Ring, event_idx: bool) -> Device {
        let mut queue = Queue::new(ring.size()).unwrap();
        queue.set_size(ring.size());
        let halves = |gpa: u64| (Some(gpa as u32), Some((gpa >> 32) as u32));
        let (low, high) = halves(ring.desc().gpa());
        queue.set_desc_table_address(low, high);
        let (low, high) = halves(ring.avail().gpa());
        queue.set_avail_ring_address(low, high);
        let (low, high) = halves(ring.used().gpa());
        queue.set_used_ring_address(low, high);
        queue.set_event_idx(event_idx);
        queue.set_ready(true);
        let memory = memory.to_vm_memory();
        assert!(queue.is_valid(&memory));
        let base = queue.used_idx(&memory, Ordering::Relaxed).unwrap().0;
        queue.set_next_avail(base);
        queue.set_next_used(base);
        Device { memory, queue }
    }

    /// The next chain: its head and its segments.
    pub(super) fn take(&mut self) -> Option<(u16, Vec<Segment>)> {
        let chain = self.queue.pop_descriptor_chain(&self.memory)?;
        let head = chain.head_index();
        let segments = chain.map(|one| (one.addr(), one.len() as usize, one.is_write_only())).collect();
        Some((head, segments))
    }

    /// The next chain of a transmit queue with the bytes in it.
    pub(super) fn take_bytes(&mut self) -> Option<(u16, Vec<u8>)> {
        let (head, segments) = self.take()?;
        let mut bytes = Vec::new();
        for (addr, len, writable) in segments {
            assert!(!writable);
            let start = bytes.len();
            bytes.resize(start + len, 0);
            self.memory.read_slice(&mut bytes[start..], addr).unwrap();
        }
        Some((head, bytes))
    }

    /// Writes as much of `bytes` as the next receive chain holds and returns its head and how much that was.
    pub(super) fn fill(&mut self, mut bytes: &[u8]) -> Option<(u16, usize)> {
        let (head, segments) = self.take()?;
        let whole = bytes.len();
        for (addr, len, writable) in segments {
            assert!(writable);
            let (here, rest) = bytes.split_at(len.min(bytes.len()));
            self.memory.write_slice(here, addr).unwrap();
            bytes = rest;
        }
        Some((head, whole - bytes.len()))
    }

    pub(super) fn complete(&mut self, head: u16, written: usize) {
        self.queue.add_used(&self.memory, head, written as u32).unwrap();
    }

    pub(super) fn wants_to_interrupt(&mut self) -> bool {
        self.queue.needs_notification(&self.memory).unwrap()
    }
}
