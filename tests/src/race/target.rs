// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the second virtual CPU rewrites, one small step at a time.

use super::SIZE;
use super::offer::{BUFFER, HEADS, TABLE, descriptors, offers};
use crate::driver::{DESCRIPTOR_INDIRECT, DESCRIPTOR_NEXT, DESCRIPTOR_WRITE, Descriptor};
use crate::rig::{RawQueue, readable, writable};
use crate::seed::Rng;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Addresses, lengths, flags and links of the transmit ring's descriptors.
    Descriptors,
    /// The same of an indirect table.
    Table,
    /// Lengths alone, and by little, so that most chains stay sound.
    Lengths,
    /// The available ring and its index.
    Available,
    /// The used ring, its index and flags: what only the switch writes.
    Used,
    /// The virtio-net headers.
    Offloads,
    /// The frames' own headers, from the addresses to the transport's.
    Headers,
    /// Everything of the receive ring.
    Receive,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 8] = [
        Target::Descriptors,
        Target::Table,
        Target::Lengths,
        Target::Available,
        Target::Used,
        Target::Offloads,
        Target::Headers,
        Target::Receive,
    ];

    /// One step.
    pub(super) fn rewrite(self, rng: &mut Rng, tx: &RawQueue, rx: &RawQueue) {
        match self {
            Target::Descriptors => tx.ring().set_descriptor(rng.between(0, 7) as u16, any_descriptor(rng, tx, 0)),
            Target::Table => rewrite_table(rng, tx),
            Target::Lengths => rewrite_length(rng, tx),
            Target::Available => rewrite_available(rng, tx),
            Target::Used => tx.ring().used().write(4 * rng.between(0, 15), &rng.bytes(4)),
            Target::Offloads => flip(rng, tx, 0..12),
            Target::Headers => flip(rng, tx, 12..12 + 260),
            Target::Receive => rewrite_receive(rng, rx),
        }
    }
}

/// A descriptor that is sound, or nonsense, or something between.
fn any_descriptor(rng: &mut Rng, queue: &RawQueue, write: u16) -> Descriptor {
    let at = queue.buffers().gpa() + (rng.between(0, HEADS.len() - 1) * BUFFER) as u64;
    let random = rng.next_u64();
    let (flags, next) = (random as u16 & 7, random as u16 % SIZE);
    match rng.between(0, 4) {
        0 => Descriptor { addr: at, len: 112, flags: write, next: 0 },
        1 => Descriptor { addr: random, len: random as u32, flags, next },
        2 => Descriptor { addr: at, len: random as u32 & 0xfff, flags: write | DESCRIPTOR_NEXT, next },
        3 => Descriptor { addr: queue.ring().desc().gpa(), len: 32, flags: DESCRIPTOR_INDIRECT, next: 0 },
        _ => Descriptor { addr: at, len: random as u32 & 0xfff, flags: write, next },
    }
}

fn rewrite_table(rng: &mut Rng, tx: &RawQueue) {
    let entry = rng.between(0, 1);
    let last = HEADS.len() - 1;
    let sound = descriptors(tx, last, offers_len(last))[entry];
    let sound = if entry == 0 { Descriptor { flags: DESCRIPTOR_NEXT, next: 1, ..sound } } else { sound };
    let descriptor = if rng.one_in(2) { sound } else { any_descriptor(rng, tx, 0) };
    tx.fill(TABLE + 16 * entry, &descriptor.to_bytes());
}

/// Bytes of an offer; they are made once, for this is asked in the hottest loop.
fn offers_len(number: usize) -> usize {
    static LENS: std::sync::OnceLock<[usize; HEADS.len()]> = std::sync::OnceLock::new();
    LENS.get_or_init(|| offers().map(|offer| offer.len()))[number]
}

fn rewrite_length(rng: &mut Rng, tx: &RawQueue) {
    let number = rng.between(0, HEADS.len() - 2);
    let [first, second] = descriptors(tx, number, offers_len(number));
    let len = |rng: &mut Rng, honest: u32| match rng.between(0, 3) {
        0 => honest,
        1 => rng.between(0, 60) as u32,
        2 => rng.between(0, BUFFER) as u32,
        _ => honest + rng.between(0, 20) as u32 - 10,
    };
    let (head, flags) = (HEADS[number], DESCRIPTOR_NEXT);
    if rng.one_in(2) {
        tx.ring().set_descriptor(head, Descriptor { len: len(rng, first.len), flags, next: head + 1, ..first });
    } else {
        tx.ring().set_descriptor(head + 1, readable(second.addr, len(rng, second.len)));
    }
}

fn rewrite_available(rng: &mut Rng, tx: &RawQueue) {
    tx.ring().set_avail_entry(rng.next_u64() as u16, rng.between(0, usize::from(SIZE)) as u16);
    if rng.one_in(16) {
        tx.ring().set_avail_index(tx.ring().used_index().wrapping_add(rng.between(0, 20) as u16));
    }
}

/// Changes a byte of one offer, or a few, and puts them back.
fn flip(rng: &mut Rng, tx: &RawQueue, range: std::ops::Range<usize>) {
    static OFFERS: std::sync::OnceLock<[Vec<u8>; HEADS.len()]> = std::sync::OnceLock::new();
    let number = rng.between(0, HEADS.len() - 1);
    let honest = &OFFERS.get_or_init(offers)[number];
    let at = rng.between(range.start, range.end.min(honest.len()) - 1);
    let end = (at + rng.between(1, 2)).min(range.end).min(honest.len());
    tx.fill(number * BUFFER + at, &rng.bytes(end - at));
    if rng.one_in(2) {
        std::thread::yield_now();
    }
    tx.fill(number * BUFFER + at, &honest[at..end]);
}

fn rewrite_receive(rng: &mut Rng, rx: &RawQueue) {
    let at = rx.buffers().gpa();
    match rng.between(0, 5) {
        0 => rx.ring().set_descriptor(rng.between(0, 7) as u16, any_descriptor(rng, rx, DESCRIPTOR_WRITE)),
        1 | 2 => rx.ring().set_descriptor(HEADS[rng.between(0, 3)], writable(at, rng.between(0, 2000) as u32)),
        3 => rewrite_available(rng, rx),
        4 => rx.ring().used().write(4 * rng.between(0, 15), &rng.bytes(4)),
        _ => rx.ring().set_used_event(rng.next_u64() as u16),
    }
}
