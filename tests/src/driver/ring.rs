// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The words of a split virtqueue in guest memory, each by its name in virtio 1.2 sections 2.7.5 to 2.7.8.
//!
//! No rule is enforced here, on purpose: the driver above keeps the rules, and a hostile test breaks them.
use std::sync::atomic::Ordering;

use virtio_bindings::bindings::virtio_ring::{VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE};

use crate::memory::{GuestMemory, Window};

/// The chain goes on at `next`.
pub const DESCRIPTOR_NEXT: u16 = VRING_DESC_F_NEXT as u16;
/// The device may write the buffer, and may not read it.
pub const DESCRIPTOR_WRITE: u16 = VRING_DESC_F_WRITE as u16;
/// The buffer is a table of descriptors.
pub const DESCRIPTOR_INDIRECT: u16 = VRING_DESC_F_INDIRECT as u16;

/// Size of one descriptor in bytes.
pub(super) const DESCRIPTOR_LEN: usize = 16;
/// Bytes before the entries of the available and of the used ring: flags and index.
const HEAD_LEN: usize = 4;
/// Offset of the index in either ring.
const INDEX: usize = 2;
/// Size of one used entry in bytes.
const USED_LEN: usize = 8;

/// One descriptor (virtio 1.2 section 2.7.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Descriptor {
    /// Guest-physical address of the buffer.
    pub addr: u64,
    /// Length of the buffer in bytes.
    pub len: u32,
    /// `DESCRIPTOR_*`.
    pub flags: u16,
    /// The next descriptor of the chain, with [`DESCRIPTOR_NEXT`].
    pub next: u16,
}

impl Descriptor {
    /// The 16 bytes in memory.
    pub fn to_bytes(self) -> [u8; DESCRIPTOR_LEN] {
        let mut bytes = [0; DESCRIPTOR_LEN];
        bytes[..8].copy_from_slice(&self.addr.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.len.to_le_bytes());
        bytes[12..14].copy_from_slice(&self.flags.to_le_bytes());
        bytes[14..].copy_from_slice(&self.next.to_le_bytes());
        bytes
    }
}

/// The three parts of one virtqueue. Clones are the same queue.
#[derive(Debug, Clone)]
pub struct Ring {
    size: u16,
    desc: Window,
    avail: Window,
    used: Window,
}

impl Ring {
    /// Places a ring of `size` entries in fresh guest memory. Any size up to 32768; the specification wants a power of
    /// two, a hostile test may not.
    pub fn new(memory: &mut GuestMemory, size: u16) -> Ring {
        let entries = usize::from(size);
        Ring {
            size,
            desc: memory.allocate(DESCRIPTOR_LEN * entries, 16),
            avail: memory.allocate(HEAD_LEN + 2 * entries + 2, 2),
            used: memory.allocate(HEAD_LEN + USED_LEN * entries + 2, 4),
        }
    }

    /// A ring over parts that the caller chose, which a hostile driver may let overlap.
    pub fn over(size: u16, desc: Window, avail: Window, used: Window) -> Ring {
        Ring { size, desc, avail, used }
    }

    /// Number of entries.
    pub fn size(&self) -> u16 {
        self.size
    }

    /// The descriptor table.
    pub fn desc(&self) -> &Window {
        &self.desc
    }

    /// The available ring with its `used_event`.
    pub fn avail(&self) -> &Window {
        &self.avail
    }

    /// The used ring with its `avail_event`.
    pub fn used(&self) -> &Window {
        &self.used
    }

    /// Writes descriptor `index`.
    pub fn set_descriptor(&self, index: u16, descriptor: Descriptor) {
        self.desc.write(DESCRIPTOR_LEN * usize::from(index), &descriptor.to_bytes());
    }

    /// Writes the available entry that free-running index `index` falls on.
    pub fn set_avail_entry(&self, index: u16, head: u16) {
        self.avail.store_u16(HEAD_LEN + 2 * self.slot(index), head, Ordering::Relaxed);
    }

    /// The available index.
    pub fn avail_index(&self) -> u16 {
        self.avail.load_u16(INDEX, Ordering::Relaxed)
    }

    /// Publishes an available index: everything written before is visible to a device that reads it.
    pub fn set_avail_index(&self, index: u16) {
        self.avail.store_u16(INDEX, index, Ordering::Release);
    }

    /// Makes `head` available behind the driver's back, whatever it is: it remembers nothing of it.
    pub fn offer(&self, head: u16) {
        let index = self.avail_index();
        self.set_avail_entry(index, head);
        self.set_avail_index(index.wrapping_add(1));
    }

    /// The driver's flags; bit 0 asks for no interrupt.
    pub fn set_avail_flags(&self, flags: u16) {
        self.avail.store_u16(0, flags, Ordering::Relaxed);
    }

    /// EVENT_IDX: the used index after which the driver wants an interrupt.
    pub fn set_used_event(&self, index: u16) {
        self.avail.store_u16(HEAD_LEN + 2 * usize::from(self.size), index, Ordering::Relaxed);
    }

    /// The used index; everything that the device wrote before publishing it is visible.
    pub fn used_index(&self) -> u16 {
        self.used.load_u16(INDEX, Ordering::Acquire)
    }

    /// Overwrites the device's index. Only before the device starts, or as an attack.
    pub fn set_used_index(&self, index: u16) {
        self.used.store_u16(INDEX, index, Ordering::Release);
    }

    /// The used entry that free-running index `index` falls on: head and bytes written.
    pub fn used_entry(&self, index: u16) -> (u32, u32) {
        let offset = HEAD_LEN + USED_LEN * self.slot(index);
        (u32::from_le(self.used.get(offset)), u32::from_le(self.used.get(offset + 4)))
    }

    /// The device's flags; bit 0 asks for no kick.
    pub fn used_flags(&self) -> u16 {
        self.used.load_u16(0, Ordering::Relaxed)
    }

    /// EVENT_IDX: the available index after which the device wants a kick.
    pub fn avail_event(&self) -> u16 {
        self.used.load_u16(HEAD_LEN + USED_LEN * usize::from(self.size), Ordering::Relaxed)
    }

    fn slot(&self, index: u16) -> usize {
        usize::from(index % self.size)
    }
}
