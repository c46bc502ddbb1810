// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A tiny guest: memory in two adjoining regions and one apart, and rings written by hand.

mod buffers;
mod chain;
mod dirty_log;
mod fault;
mod fd;
mod interrupt;
mod memory;
mod mmsg;
mod netdev;
mod ring;

use std::sync::Arc;

use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

use crate::{Doorbells, MemoryMap, Ring, RingLayout};

/// Regions: 0..64 KiB and 64..128 KiB adjoin; 1 MiB.. stands apart.
const REGIONS: [(u64, usize); 3] = [(0, 0x1_0000), (0x1_0000, 0x1_0000), (0x10_0000, 0x1_0000)];
const SIZE: u16 = 16;
const LAYOUT: RingLayout = RingLayout { size: SIZE, desc: 0x1000, avail: 0x2000, used: 0x3000 };

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

/// A descriptor: address, length, flags, next.
type Desc = (u64, u32, u16, u16);

struct Guest {
    memory: GuestMemoryMmap<()>,
}

impl Guest {
    fn new() -> Self {
        let ranges = REGIONS.map(|(base, len)| (GuestAddress(base), len));
        Self { memory: GuestMemoryMmap::from_ranges(&ranges).unwrap() }
    }

    fn map(&self) -> Arc<MemoryMap> {
        MemoryMap::new(&self.memory)
    }

    fn put(&self, address: u64, bytes: &[u8]) {
        self.memory.write_slice(bytes, GuestAddress(address)).unwrap();
    }

    fn get<const N: usize>(&self, address: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory.read_slice(&mut bytes, GuestAddress(address)).unwrap();
        bytes
    }

    fn word(&self, address: u64) -> u16 {
        u16::from_le_bytes(self.get(address))
    }

    fn set_word(&self, address: u64, value: u16) {
        self.put(address, &value.to_le_bytes());
    }

    /// Writes a descriptor table at `base`.
    fn table(&self, base: u64, entries: &[Desc]) {
        for (index, (address, len, flags, next)) in entries.iter().enumerate() {
            let entry = [&address.to_le_bytes()[..], &len.to_le_bytes(), &flags.to_le_bytes(), &next.to_le_bytes()];
            self.put(base + 16 * index as u64, &entry.concat());
        }
    }

    /// Makes heads available; the index counts on from what it is.
    fn offer(&self, heads: &[u16]) {
        for &head in heads {
            let index = self.word(LAYOUT.avail + 2);
            self.set_word(LAYOUT.avail + 4 + 2 * u64::from(index % SIZE), head);
            self.set_word(LAYOUT.avail + 2, index.wrapping_add(1));
        }
    }

    fn ring(&self, event_idx: bool) -> (Ring, EventFd) {
        let call = EventFd::new(EFD_NONBLOCK).unwrap();
        let bells = Doorbells { kick: None, call: Some(call.try_clone().unwrap()) };
        (Ring::new(self.map(), LAYOUT, event_idx, bells).unwrap(), call)
    }
}
