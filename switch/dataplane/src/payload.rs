// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The bytes of a frame on their way into a receiver: those that we hold, and those still in the sender's memory.

use sys::Segment;

/// The bytes of a frame: two parts that we hold and one in the sender's memory, in this order.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    /// Bytes of all three.
    pub(crate) len: usize,
    pub(crate) head: &'a [u8],
    pub(crate) more: &'a [u8],
    pub(crate) body: &'a [Segment],
}

impl<'a> Payload<'a> {
    /// A frame that we hold the whole of.
    #[must_use]
    pub fn held(head: &'a [u8], more: &'a [u8]) -> Self {
        Self { len: head.len() + more.len(), head, more, body: &[] }
    }

    /// Bytes of the frame, from its Ethernet header on.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none; no frame is so short.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies the frame to the front of `out`; returns how many bytes that were. `None`: `out` is too short.
    pub fn copy_to(&self, out: &mut [u8]) -> Option<usize> {
        let (head, rest) = out.split_at_mut_checked(self.head.len())?;
        head.copy_from_slice(self.head);
        let (more, rest) = rest.split_at_mut_checked(self.more.len())?;
        more.copy_from_slice(self.more);
        Some(self.head.len() + self.more.len() + sys::gather(self.body, rest)?)
    }
}
