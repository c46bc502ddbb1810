// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A receive ring whose buffers are looked up before there is a frame for them.
//!
//! A guest makes buffers available long before they are used. So while frames are copied into some of them, the
//! descriptors of later ones are read, checked and translated, once, and their first lines asked for: the misses overlap
//! with the copying, and who has a frame finds a place for it at hand.

use std::ptr::NonNull;

use crate::access::Access;
use crate::chain::single;
use crate::place::Place;
use crate::prefetch::ask_all;
use crate::ring::Ring;

/// Buffers that are looked up ahead.
const AHEAD: usize = 32;

/// So few are left when more are looked up: not one after the other, and the misses of those few frames' time overlap.
const FEW: usize = AHEAD - 8;

/// How much further ahead the descriptors are asked for.
const DESCRIPTORS: u16 = 16;

/// Bytes that are asked for of each buffer: a header and a small frame, or the start of a large one.
const SMALL: usize = 76;

/// A buffer that was looked up. Without a byte: not a single buffer in one region, so its chain must be walked.
#[derive(Clone, Copy)]
struct Spot {
    host: NonNull<u8>,
    len: u32,
    head: u16,
}

/// See the module. What is written into a buffer and who learns of it is up to the caller.
pub struct Buffers {
    ring: Ring,
    /// By number, modulo their number.
    spots: [Spot; AHEAD],
    /// Number of the next one, and how many there are. Wide, as a ring's indices are, and for their reason.
    next: usize,
    count: usize,
}

// SAFETY: the spots lie in the mapping that the ring keeps alive; access is by `&mut self`.
unsafe impl Send for Buffers {}

impl Buffers {
    /// The buffers of a receive ring.
    #[must_use]
    pub fn new(ring: Ring) -> Self {
        let nowhere = Spot { host: NonNull::dangling(), len: 0, head: 0 };
        Self { ring, spots: [nowhere; AHEAD], next: 0, count: 0 }
    }

    /// The ring. What was looked up ahead is as available as before.
    #[must_use]
    pub fn into_ring(self) -> Ring {
        self.ring
    }

    /// The ring, for all that has nothing to do with looking ahead.
    #[inline]
    #[must_use]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The same, to change it. Chains are taken off by [`Buffers::consume`].
    #[inline]
    pub fn ring_mut(&mut self) -> &mut Ring {
        &mut self.ring
    }

    /// Prepares for `frames` frames: looks at the guest's index when it must, and looks buffers up.
    pub fn prepare(&mut self, frames: u16) {
        // A broken index is met again by who takes a chain, once what was known is used up.
        let _ = self.ring.waiting(frames);
        if self.count < usize::from(frames).min(AHEAD) {
            self.ring.ask_descriptors(self.count as u16..frames.min(AHEAD as u16));
            self.look_up();
        }
    }

    /// The next buffer, if it is a single one with room for `bytes` bytes that was looked up. Otherwise its chain must be
    /// walked, if there is one.
    #[inline(always)]
    #[must_use]
    pub fn next(&self, bytes: usize) -> Option<Place<'_>> {
        let Spot { host, len, .. } = self.spots[self.next % AHEAD];
        (self.count > 0 && len as usize >= bytes).then(|| Place::new(host, len as usize, self.ring.memory()))
    }

    /// Gives back the buffer that [`Buffers::next`] has found, with `len` bytes written.
    #[inline(always)]
    pub fn complete(&mut self, len: u32) {
        let head = self.spots[self.next % AHEAD].head;
        self.consume(1);
        self.ring.complete(head, len);
    }

    /// Marks the first `len` bytes of that buffer, which were written to, as [`Ring::mark_written`] does. Call before
    /// [`Buffers::complete`].
    #[inline]
    pub fn mark(&mut self, len: usize) {
        let Spot { host, .. } = self.spots[self.next % AHEAD];
        self.ring.mark_at(host, len);
    }

    /// Takes `chains` chains off the ring. Now and then more buffers are looked up.
    #[inline(always)]
    pub fn consume(&mut self, chains: u16) {
        self.ring.consume(chains);
        self.next = self.next.wrapping_add(chains.into());
        self.count = self.count.saturating_sub(chains.into());
        if self.count <= FEW && self.count < usize::from(self.ring.known()) {
            self.look_up();
        }
    }

    /// Looks up as many buffers as there may be.
    #[inline(never)]
    fn look_up(&mut self) {
        let known = usize::from(self.ring.known()).min(AHEAD);
        while self.count < known {
            let ahead = self.count as u16;
            let Ok(head) = self.ring.head(ahead) else { return };
            self.ring.ask_descriptor(ahead + DESCRIPTORS);
            let found = single(self.ring.memory(), self.ring.table(), head, Access::Write);
            let (host, len) = found.unwrap_or((NonNull::dangling(), 0));
            if len > 0 {
                ask_all(host.as_ptr(), SMALL, Access::Write);
            }
            self.ring.ask_used_at(ahead);
            self.spots[self.next.wrapping_add(self.count) % AHEAD] = Spot { host, len, head };
            self.count += 1;
        }
    }
}
