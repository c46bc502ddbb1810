// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Walking a descriptor chain (virtio 1.2 section 2.7.5), each descriptor read exactly once.

use std::ptr::{self, NonNull};

use crate::access::Access;
use crate::memory::MemoryMap;
use crate::segments::Segments;

/// Buffers that one chain may have, empty ones and those of an indirect table included: as many as vhost-net takes
/// (`UIO_MAXIOV`).
pub const MAX_CHAIN: usize = 1024;

const DESC_LEN: u64 = 16;
const F_NEXT: u16 = 1;
const F_WRITE: u16 = 2;
const F_INDIRECT: u16 = 4;

/// A chain that was walked to its end and found well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// Its head, to be given back in the used ring.
    pub head: u16,
    /// Bytes in all of them.
    pub bytes: u32,
}

/// The two halves of a descriptor as they lie in memory.
#[repr(C, packed)]
#[derive(Clone, Copy)]
struct Raw(u64, u64);

/// A descriptor as the guest wrote it, read once.
struct Descriptor {
    address: u64,
    len: u32,
    flags: u16,
    next: u16,
}

impl Descriptor {
    #[inline]
    fn allows(&self, access: Access) -> bool {
        (self.flags & F_WRITE != 0) == (access == Access::Write)
    }

    /// Whether it is a whole chain: one buffer, not empty, of the right direction.
    #[inline]
    fn is_whole(&self, access: Access) -> bool {
        self.flags & (F_NEXT | F_INDIRECT) == 0 && self.allows(access) && self.len > 0
    }
}

/// A descriptor table: the ring's own or an indirect one. `len` entries at `base`.
struct Table {
    base: *const u8,
    len: u16,
}

impl Table {
    /// Reads entry `index`; `None` when it is past the table's end.
    #[inline(always)]
    fn read(&self, index: u16) -> Option<Descriptor> {
        if index >= self.len {
            return None;
        }
        // SAFETY: the table has `len` entries of 16 bytes inside one mapped region; `Raw` needs no alignment (an
        // indirect table may have none), and volatile means once: no second look at what a guest may have changed.
        let Raw(address, rest) =
            unsafe { ptr::read_volatile(self.base.add(usize::from(index) * DESC_LEN as usize).cast::<Raw>()) };
        Some(Descriptor {
            address: u64::from_le(address),
            len: u64::from_le(rest) as u32,
            flags: (u64::from_le(rest) >> 32) as u16,
            next: (u64::from_le(rest) >> 48) as u16,
        })
    }

    /// The indirect table that `descriptor` names: a whole number of entries, at least one, no more than a chain may
    /// have, in one region, and the descriptor must end its own chain (section 2.7.5.3.1).
    fn indirect(memory: &MemoryMap, descriptor: &Descriptor) -> Option<Self> {
        let Descriptor { address, len, .. } = *descriptor;
        let entries = u64::from(len) / DESC_LEN;
        let sane = u64::from(len) % DESC_LEN == 0 && (1..=MAX_CHAIN as u64).contains(&entries);
        if !sane || descriptor.flags & F_NEXT != 0 {
            return None;
        }
        let base = memory.host(address, u64::from(len))?;
        Some(Self { base: base.as_ptr(), len: entries as u16 })
    }
}

/// Appends the segments of the chain at `head` to `out`. `None`: the chain is malformed (a loop, an index past the
/// table, a nested or ill-sized indirect table, a buffer of the wrong direction or outside memory, no byte at all) or
/// there is no room for it, and `out` is as it was.
#[inline(always)]
pub(crate) fn walk(
    memory: &MemoryMap,
    ring: (*const u8, u16),
    head: u16,
    access: Access,
    out: &mut Segments,
) -> Option<Chain> {
    let table = Table { base: ring.0, len: ring.1 };
    let first = table.read(head)?;
    if first.is_whole(access) && out.append_one(first.address, first.len) {
        return Some(Chain { head, bytes: first.len });
    }
    walk_on(memory, table, (head, first), access, out)
}

/// The buffer of the chain at `head`, if it is a single one of one region.
#[inline(always)]
pub(crate) fn single(
    memory: &MemoryMap,
    ring: (*const u8, u16),
    head: u16,
    access: Access,
) -> Option<(NonNull<u8>, u32)> {
    let first = Table { base: ring.0, len: ring.1 }.read(head)?;
    let host = if first.is_whole(access) { memory.host(first.address, first.len.into()) } else { None };
    host.map(|host| (host, first.len))
}

/// A chain of several descriptors, or of one that straddles regions, or a malformed one.
#[inline(never)]
fn walk_on(
    memory: &MemoryMap,
    table: Table,
    (head, first): (u16, Descriptor),
    access: Access,
    out: &mut Segments,
) -> Option<Chain> {
    let before = out.len();
    match walk_into(memory, table, first, access, out) {
        Some(bytes) if bytes > 0 && out.len() - before <= MAX_CHAIN => Some(Chain { head, bytes }),
        _ => {
            out.truncate(before);
            None
        }
    }
}

/// The walk itself; leaves what it has appended also when it fails.
fn walk_into(
    memory: &MemoryMap,
    mut table: Table,
    first: Descriptor,
    access: Access,
    out: &mut Segments,
) -> Option<u32> {
    let (mut descriptor, mut bytes, mut nested) = (first, 0_u32, false);
    // A chain longer than its table is a loop.
    let mut left = table.len;
    loop {
        left = left.checked_sub(1)?;
        if descriptor.flags & F_INDIRECT != 0 {
            if nested {
                return None;
            }
            table = Table::indirect(memory, &descriptor)?;
            descriptor = table.read(0)?;
            (left, nested) = (table.len, true);
            continue;
        }
        if !descriptor.allows(access) {
            return None;
        }
        out.append(descriptor.address, descriptor.len).ok()?;
        bytes = bytes.checked_add(descriptor.len)?;
        if descriptor.flags & F_NEXT == 0 {
            return Some(bytes);
        }
        descriptor = table.read(descriptor.next)?;
    }
}
