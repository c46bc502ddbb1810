// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reception: buffers out, frames back (virtio 1.2 section 5.1.6.4).
use super::chain::{Completed, Full, Token};
use super::shape::Shape;
use super::virtqueue::{QueueOptions, Virtqueue};
use super::vnet::{VNET_HEADER_LEN, VnetHeader};
use crate::memory::GuestMemory;

/// The shortest thing that can be a frame: an Ethernet header.
const FRAME_MIN: usize = 14;

/// One frame from the switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The virtio-net header before it.
    pub header: VnetHeader,
    /// The frame, from the destination MAC on.
    pub frame: Vec<u8>,
    /// The buffers it took, in order.
    pub buffers: Vec<Token>,
}

/// A receive queue.
#[derive(Debug)]
pub struct RxQueue {
    queue: Virtqueue,
    mergeable: bool,
    /// What is posted again for every buffer that came back.
    refill: Option<(Shape, usize)>,
    /// Buffers that came back and were not posted again yet.
    owed: usize,
    refused: u64,
}

impl RxQueue {
    /// Places a receive queue in guest memory; it asks for an interrupt. `mergeable`: VIRTIO_NET_F_MRG_RXBUF was
    /// negotiated.
    pub fn new(memory: &mut GuestMemory, options: &QueueOptions, mergeable: bool) -> RxQueue {
        let queue = Virtqueue::new(memory, options);
        queue.arm();
        RxQueue { queue, mergeable, refill: None, owed: 0, refused: 0 }
    }

    /// The virtqueue below.
    pub fn queue(&self) -> &Virtqueue {
        &self.queue
    }

    /// The virtqueue below, for tests that go past the rules.
    pub fn queue_mut(&mut self) -> &mut Virtqueue {
        &mut self.queue
    }

    /// Buffers that the switch gave back with nothing in them, because it could not use them.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Posts one buffer that consists of segments of these sizes.
    ///
    /// # Errors
    /// [`Full`] when there are no descriptors or no memory for it.
    pub fn post(&mut self, sizes: &[usize]) -> Result<Token, Full> {
        let token = self.prepare(&Shape::cut(sizes), sizes.iter().sum())?;
        self.queue.publish();
        Ok(token)
    }

    /// Posts buffers of `total` bytes in `shape` until the queue is full, and from now on one for each that came back.
    /// Returns how many were posted.
    pub fn keep_filled(&mut self, shape: &Shape, total: usize) -> usize {
        self.refill = Some((shape.clone(), total));
        let posted = std::iter::from_fn(|| self.prepare(shape, total).ok()).count();
        self.queue.publish();
        posted
    }

    /// The next frame, if one has come.
    ///
    /// # Panics
    /// When the switch broke a rule: of [`Virtqueue::pop`], a byte outside a buffer, a frame without a whole header, a
    /// `num_buffers` that does not fit, a merged frame that leaves room in a buffer before its last.
    pub fn recv(&mut self) -> Option<Received> {
        let first = loop {
            let completed = self.queue.pop()?;
            if completed.written > 0 {
                break completed;
            }
            self.refused += 1;
            self.give_back(completed);
        };
        let name = self.queue.name().to_owned();
        let mut bytes = first.read(first.written as usize);
        assert!(bytes.len() >= VNET_HEADER_LEN + FRAME_MIN, "{name}: a frame of {} bytes with its header", bytes.len());
        let header = VnetHeader::from_bytes(&bytes);
        let mut buffers = vec![first.token];
        self.merge(&header, first, &mut bytes, &mut buffers);
        self.queue.publish();
        bytes.drain(..VNET_HEADER_LEN);
        Some(Received { header, frame: bytes, buffers })
    }

    /// Collects the other buffers of a frame that `first` begins.
    fn merge(&mut self, header: &VnetHeader, first: Completed, bytes: &mut Vec<u8>, buffers: &mut Vec<Token>) {
        let (name, count) = (self.queue.name().to_owned(), header.num_buffers);
        assert!(count == 1 || self.mergeable && count > 1, "{name}: num_buffers {count}, mergeable {}", self.mergeable);
        let mut last = first;
        for number in 1..count {
            let next = self.queue.pop();
            let next = next.unwrap_or_else(|| panic!("{name}: num_buffers is {count}, and only {number} were used"));
            assert_eq!(last.written as usize, last.capacity(), "{name}: buffer {number} of {count} is not full");
            bytes.extend(next.read(next.written as usize));
            buffers.push(next.token);
            self.give_back(std::mem::replace(&mut last, next));
        }
        self.give_back(last);
    }

    fn prepare(&mut self, shape: &Shape, total: usize) -> Result<Token, Full> {
        let chain = self.queue.reserve(shape, total)?;
        Ok(self.queue.submit(chain, true))
    }

    fn give_back(&mut self, completed: Completed) {
        self.queue.release(completed);
        let Some((shape, total)) = self.refill.clone() else { return };
        self.owed += 1;
        while self.owed > 0 && self.prepare(&shape, total).is_ok() {
            self.owed -= 1;
        }
    }
}
