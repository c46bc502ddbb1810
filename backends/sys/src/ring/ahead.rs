// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Telling the processor what of a ring will be touched next.
//!
//! What is in a ring is found in four steps, each through what the one before it has brought: index, entries of the
//! available ring, descriptors, buffers. Who asks for a step does something else before he takes the next.

use std::ops::Range;
use std::ptr;

use super::Ring;
use crate::access::Access;
use crate::prefetch::{LINE, ask, ask_all};

impl Ring {
    /// Asks for the guest's available index.
    #[inline]
    pub fn ask_index(&self) {
        ask(self.avail_index(), Access::Read);
    }

    /// Asks for the descriptors of the chains that stand in `range` behind the next one, as far as they are known.
    #[inline]
    pub fn ask_descriptors(&self, range: Range<u16>) {
        range.for_each(|ahead| self.ask_descriptor(ahead));
    }

    /// Asks for the descriptor of the chain that stands `ahead` places after the next one, if that is known.
    #[inline(always)]
    pub(crate) fn ask_descriptor(&self, ahead: u16) {
        if ahead < self.known()
            && let Ok(head) = self.head(ahead)
        {
            ask(self.descriptor(head), Access::Read);
        }
    }

    /// Asks for the first `bytes` bytes of the first buffer of the chain that stands `ahead` places behind the next one, if
    /// that is known, to write them. Its descriptor should be at hand.
    #[inline]
    pub fn ask_buffer(&self, ahead: u16, bytes: usize) {
        if ahead < self.known()
            && let Ok(head) = self.head(ahead)
        {
            // SAFETY: `head` is inside the descriptor table; the first eight bytes of a descriptor are its address.
            let address = u64::from_le(unsafe { ptr::read_volatile(self.descriptor(head).cast::<u64>()) });
            if let Some(buffer) = self.memory().host(address, 1) {
                ask_all(buffer.as_ptr(), bytes, Access::Write);
            }
        }
    }

    /// Asks for the used elements of the completions that stand in `range` behind the next one.
    #[inline]
    pub fn ask_used(&self, range: Range<u16>) {
        for ahead in range.step_by(LINE / 8) {
            ask(self.used_element(ahead), Access::Write);
        }
    }

    /// Asks for the line of used elements that begins with the one `ahead` completions from now, if one does.
    #[inline]
    pub(crate) fn ask_used_at(&self, ahead: u16) {
        let element = self.used_element(ahead);
        if element as usize % LINE < 8 {
            ask(element, Access::Write);
        }
    }

    /// Asks for the used index, to write it: the guest has looked at it since.
    #[inline]
    pub fn ask_used_index(&self) {
        ask(self.used_index(), Access::Write);
    }
}
