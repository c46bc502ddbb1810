// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The driver's side of one split virtqueue (virtio 1.2 section 2.7).
//!
//! A chain goes through `reserve` (buffers from the heap), `submit` (descriptors and an available entry), `publish`
//! (the available index) and `pop` (the used entry). Everything in flight is remembered by its head, so that a device
//! that completes something twice, or something that it was never given, is found out at once.
//!
//! All indices run free over 16 bits; only [`Ring`] reduces them to slots.
use std::collections::VecDeque;
use std::sync::atomic::{Ordering, fence};

use super::bells::Bells;
use super::chain::{Chain, Completed, Full, Token};
use super::heap::{Block, Heap};
use super::ring::{DESCRIPTOR_INDIRECT, DESCRIPTOR_LEN, DESCRIPTOR_NEXT, DESCRIPTOR_WRITE, Descriptor, Ring};
use super::shape::Shape;
use crate::memory::GuestMemory;

/// How a queue is made.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// Names the queue in failure texts.
    pub name: String,
    /// Entries, up to 32768.
    pub size: u16,
    /// VIRTIO_F_EVENT_IDX was negotiated.
    pub event_idx: bool,
    /// VIRTIO_F_IN_ORDER was negotiated: completions in another order panic.
    pub in_order: bool,
    /// Bytes of guest memory for buffers.
    pub heap_len: usize,
    /// Where both indices start. A device that takes its base from the used index cannot tell; wrap-around comes sooner.
    pub start_index: u16,
}

impl Default for QueueOptions {
    fn default() -> QueueOptions {
        let name = "queue".to_owned();
        QueueOptions { name, size: 256, event_idx: true, in_order: false, heap_len: 4 << 20, start_index: 0 }
    }
}

#[derive(Debug)]
struct InFlight {
    token: Token,
    descriptors: Vec<u16>,
    blocks: Vec<Block>,
    table: Option<Block>,
    writable: u32,
}

#[derive(Debug)]
struct Indices {
    /// Where the next submitted chain goes.
    avail: u16,
    /// What the device has been told.
    published: u16,
    /// The next used entry to look at.
    used: u16,
}

/// One virtqueue, driver side.
#[derive(Debug)]
pub struct Virtqueue {
    options: QueueOptions,
    ring: Ring,
    bells: Bells,
    heap: Heap,
    free: VecDeque<u16>,
    /// By head.
    in_flight: Vec<Option<InFlight>>,
    /// Heads in the order in which they were submitted; kept for IN_ORDER only.
    submitted: VecDeque<u16>,
    indices: Indices,
    issued: u64,
}

impl Virtqueue {
    /// Places a queue in guest memory.
    pub fn new(memory: &mut GuestMemory, options: &QueueOptions) -> Virtqueue {
        let ring = Ring::new(memory, options.size);
        let start = options.start_index;
        ring.set_avail_index(start);
        ring.set_used_index(start);
        let heap = Heap::new(memory.allocate(options.heap_len, 64));
        Virtqueue {
            ring,
            bells: Bells::new(),
            heap,
            free: (0..options.size).collect(),
            in_flight: (0..options.size).map(|_| None).collect(),
            submitted: VecDeque::new(),
            indices: Indices { avail: start, published: start, used: start },
            issued: 0,
            options: options.clone(),
        }
    }

    /// The queue's name in failure texts.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// The words in memory, also for hostile tests.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The doorbells.
    pub fn bells(&self) -> &Bells {
        &self.bells
    }

    /// Chains that were submitted and not yet popped.
    pub fn in_flight(&self) -> usize {
        self.in_flight.iter().flatten().count()
    }

    /// The used index up to which completions were popped; after a stop it must equal the device's.
    pub fn used_seen(&self) -> u16 {
        self.indices.used
    }

    /// Reserves buffers for `total` bytes in the given shape.
    ///
    /// # Errors
    /// [`Full`] when there are no descriptors or no memory for it.
    pub fn reserve(&mut self, shape: &Shape, total: usize) -> Result<Chain, Full> {
        let lengths = shape.segments(total);
        let first_indirect = shape.first_indirect(lengths.len());
        let direct = first_indirect.unwrap_or(lengths.len());
        if direct + usize::from(first_indirect.is_some()) > self.free.len() {
            return Err(Full);
        }
        let mut blocks: Vec<Block> = lengths.iter().map_while(|&len| self.heap.allocate(len)).collect();
        let table_len = DESCRIPTOR_LEN * (lengths.len() - direct);
        let table = first_indirect.and_then(|_| self.heap.allocate_aligned(table_len));
        if blocks.len() < lengths.len() || table.is_some() != first_indirect.is_some() {
            blocks.drain(..).chain(table).for_each(|block| self.heap.release(block));
            return Err(Full);
        }
        Ok(Chain { blocks, table, direct })
    }

    /// Makes a chain available; the device learns of it at the next [`Virtqueue::publish`]. `writable`: the device
    /// writes the buffers, otherwise it reads them.
    pub fn submit(&mut self, chain: Chain, writable: bool) -> Token {
        let used = chain.direct + usize::from(chain.table.is_some());
        let descriptors: Vec<u16> = self.free.drain(..used).collect();
        self.write_descriptors(&chain, &descriptors, writable);
        let head = descriptors[0];
        self.ring.set_avail_entry(self.indices.avail, head);
        self.indices.avail = self.indices.avail.wrapping_add(1);
        let token = Token(self.issued);
        self.issued += 1;
        let room: usize = chain.blocks.iter().map(|block| block.window().len()).sum();
        let writable = if writable { room as u32 } else { 0 };
        let Chain { blocks, table, .. } = chain;
        self.in_flight[usize::from(head)] = Some(InFlight { token, descriptors, blocks, table, writable });
        if self.options.in_order {
            self.submitted.push_back(head);
        }
        token
    }

    /// Publishes what was submitted, and rings the device if it asked for that. True when it was rung.
    pub fn publish(&mut self) -> bool {
        let (old, new) = (self.indices.published, self.indices.avail);
        self.ring.set_avail_index(new);
        self.indices.published = new;
        // The index must be visible before the device's wish is read, or both sides could fall asleep.
        fence(Ordering::SeqCst);
        let wanted = match self.options.event_idx {
            true => passes(self.ring.avail_event(), old, new),
            false => old != new && self.ring.used_flags() & 1 == 0,
        };
        if wanted {
            self.bells.kick();
        }
        wanted
    }

    /// The next chain that the device has used.
    ///
    /// # Panics
    /// When the device broke a rule: it used something that is not in flight, out of order with IN_ORDER, or says that
    /// it wrote more than the chain can hold.
    pub fn pop(&mut self) -> Option<Completed> {
        if !self.has_used() {
            return None;
        }
        let (id, written) = self.ring.used_entry(self.indices.used);
        let name = &self.options.name;
        let slot = self.in_flight.get_mut(id as usize);
        let slot =
            slot.unwrap_or_else(|| panic!("{name}: used head {id}, the queue has {} entries", self.options.size));
        let Some(done) = slot.take() else {
            panic!("{name}: used head {id}, which is not in flight: twice or foreign")
        };
        assert!(written <= done.writable, "{name}: wrote {written} bytes into {} writable ones", done.writable);
        if self.options.in_order {
            let expected = self.submitted.pop_front().map(u32::from);
            assert_eq!(Some(id), expected, "{name}: used out of order, and IN_ORDER was negotiated");
        }
        self.indices.used = self.indices.used.wrapping_add(1);
        self.free.extend(&done.descriptors);
        if let Some(table) = done.table {
            self.heap.release(table);
        }
        Some(Completed { token: done.token, written, blocks: done.blocks })
    }

    /// Gives the buffers of a completed chain back.
    ///
    /// # Panics
    /// When the device wrote outside of them.
    pub fn release(&mut self, completed: Completed) {
        completed.blocks.into_iter().for_each(|block| self.heap.release(block));
    }

    /// True when the device has used something that was not popped yet.
    ///
    /// # Panics
    /// When the used index is further ahead than chains are available.
    pub fn has_used(&self) -> bool {
        let index = self.ring.used_index();
        let ahead = index.wrapping_sub(self.indices.used);
        let possible = self.indices.published.wrapping_sub(self.indices.used);
        assert!(ahead <= possible, "{}: used index {index} is ahead of everything available", self.options.name);
        ahead > 0
    }

    /// Asks for an interrupt at the next used entry. True when there is one already.
    pub fn arm(&self) -> bool {
        match self.options.event_idx {
            true => self.ring.set_used_event(self.indices.used),
            false => self.ring.set_avail_flags(0),
        }
        fence(Ordering::SeqCst);
        self.has_used()
    }

    /// Asks for no interrupts.
    pub fn disarm(&self) {
        match self.options.event_idx {
            true => self.ring.set_used_event(self.indices.used.wrapping_sub(1)),
            false => self.ring.set_avail_flags(1),
        }
    }

    fn write_descriptors(&self, chain: &Chain, descriptors: &[u16], writable: bool) {
        let write = if writable { DESCRIPTOR_WRITE } else { 0 };
        let to_block = |block: &Block, flags: u16, next: u16| {
            let (addr, len) = (block.window().gpa(), block.window().len() as u32);
            Descriptor { addr, len, flags: flags | write, next }
        };
        let (direct, indirect) = chain.blocks.split_at(chain.direct);
        for (at, block) in direct.iter().enumerate() {
            let (flags, next) = descriptors.get(at + 1).map_or((0, 0), |&next| (DESCRIPTOR_NEXT, next));
            self.ring.set_descriptor(descriptors[at], to_block(block, flags, next));
        }
        let Some(table) = &chain.table else { return };
        for (at, block) in indirect.iter().enumerate() {
            let (flags, next) = if at + 1 < indirect.len() { (DESCRIPTOR_NEXT, at as u16 + 1) } else { (0, 0) };
            table.window().write(DESCRIPTOR_LEN * at, &to_block(block, flags, next).to_bytes());
        }
        // WRITE means nothing on a descriptor that refers to a table (virtio 1.2 section 2.7.5.3.2).
        let refer = Descriptor { flags: DESCRIPTOR_INDIRECT, ..to_block(table, 0, 0) };
        self.ring.set_descriptor(descriptors[chain.direct], refer);
    }
}

/// `vring_need_event` of virtio 1.2 section 2.7.10.1: did the index pass `event` on its way from `old` to `new`?
fn passes(event: u16, old: u16, new: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}
