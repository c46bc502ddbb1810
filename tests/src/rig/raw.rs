// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A virtqueue that a test writes by hand: what a hostile driver does.

use crate::driver::{DESCRIPTOR_NEXT, DESCRIPTOR_WRITE, Descriptor, Ring};
use crate::memory::{GuestMemory, Window};

/// Bytes for buffers and indirect tables.
const BUFFERS_LEN: usize = 1 << 20;

/// See the module. No rule is kept here.
#[derive(Debug, Clone)]
pub struct RawQueue {
    ring: Ring,
    buffers: Window,
    avail: u16,
    used: u16,
}

/// A buffer that the device reads.
pub fn readable(addr: u64, len: u32) -> Descriptor {
    Descriptor { addr, len, flags: 0, next: 0 }
}

/// A buffer that the device writes.
pub fn writable(addr: u64, len: u32) -> Descriptor {
    Descriptor { addr, len, flags: DESCRIPTOR_WRITE, next: 0 }
}

impl RawQueue {
    /// A ring and space for buffers in fresh guest memory.
    pub fn new(memory: &mut GuestMemory, size: u16) -> RawQueue {
        let ring = Ring::new(memory, size);
        RawQueue { ring, buffers: memory.allocate(BUFFERS_LEN, 4096), avail: 0, used: 0 }
    }

    /// The same buffers with another ring, for rings in odd places.
    #[must_use]
    pub fn over(&self, ring: Ring) -> RawQueue {
        RawQueue { ring, buffers: self.buffers.clone(), avail: 0, used: 0 }
    }

    /// The words of the ring.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Space for buffers.
    pub fn buffers(&self) -> &Window {
        &self.buffers
    }

    /// The next available index.
    pub fn avail(&self) -> u16 {
        self.avail
    }

    /// Writes bytes into the buffers at `offset` and returns their guest-physical address.
    pub fn fill(&self, offset: usize, bytes: &[u8]) -> u64 {
        self.buffers.write(offset, bytes);
        self.buffers.gpa() + offset as u64
    }

    /// Writes descriptors as one chain from entry `first` on: all but the last get NEXT and the next entry.
    pub fn chain(&self, first: u16, descriptors: &[Descriptor]) {
        for (at, &descriptor) in descriptors.iter().enumerate() {
            let index = first + at as u16;
            let linked = Descriptor { flags: descriptor.flags | DESCRIPTOR_NEXT, next: index + 1, ..descriptor };
            let last = at + 1 == descriptors.len();
            self.ring.set_descriptor(index, if last { descriptor } else { linked });
        }
    }

    /// Makes heads available.
    pub fn offer(&mut self, heads: &[u16]) {
        for &head in heads {
            self.ring.set_avail_entry(self.avail, head);
            self.avail = self.avail.wrapping_add(1);
        }
        self.ring.set_avail_index(self.avail);
    }

    /// Begins anew where the used index stands, as a driver does whose ring was started again.
    pub fn resync(&mut self) {
        (self.avail, self.used) = (self.ring.used_index(), self.ring.used_index());
        self.ring.set_avail_index(self.avail);
    }

    /// Used entries since the last look: head and bytes written.
    pub fn take_used(&mut self) -> Vec<(u32, u32)> {
        let index = self.ring.used_index();
        let count = index.wrapping_sub(self.used);
        let entries = (0..count).map(|ahead| self.ring.used_entry(self.used.wrapping_add(ahead))).collect();
        self.used = index;
        entries
    }
}
