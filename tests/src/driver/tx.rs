// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Transmission: frames out, completions back.
use std::collections::BTreeMap;

use super::chain::{Full, Token};
use super::shape::Shape;
use super::virtqueue::{QueueOptions, Virtqueue};
use super::vnet::{VNET_HEADER_LEN, VnetHeader};
use crate::memory::GuestMemory;

/// A transmit queue.
#[derive(Debug)]
pub struct TxQueue {
    queue: Virtqueue,
    /// What each chain in flight holds: the switch must not change it.
    sent: BTreeMap<Token, Vec<u8>>,
}

impl TxQueue {
    /// Places a transmit queue in guest memory. As in Linux it asks for no interrupts until somebody waits.
    pub fn new(memory: &mut GuestMemory, options: &QueueOptions) -> TxQueue {
        let queue = Virtqueue::new(memory, options);
        queue.disarm();
        TxQueue { queue, sent: BTreeMap::new() }
    }

    /// The virtqueue below.
    pub fn queue(&self) -> &Virtqueue {
        &self.queue
    }

    /// The virtqueue below, for tests that go past the rules.
    pub fn queue_mut(&mut self) -> &mut Virtqueue {
        &mut self.queue
    }

    /// Sends one frame now.
    ///
    /// # Errors
    /// [`Full`] when there are no descriptors or no memory for it: reclaim first.
    pub fn send(&mut self, shape: &Shape, header: VnetHeader, frame: &[u8]) -> Result<Token, Full> {
        let token = self.enqueue(shape, header, frame)?;
        self.queue.publish();
        Ok(token)
    }

    /// Prepares one frame; it goes out with the next [`TxQueue::flush`], so that a burst costs one kick.
    ///
    /// # Errors
    /// As [`TxQueue::send`].
    pub fn enqueue(&mut self, shape: &Shape, header: VnetHeader, frame: &[u8]) -> Result<Token, Full> {
        let chain = self.queue.reserve(shape, VNET_HEADER_LEN + frame.len())?;
        let bytes = [&header.to_bytes(), frame].concat();
        chain.fill(&bytes);
        let token = self.queue.submit(chain, false);
        self.sent.insert(token, bytes);
        Ok(token)
    }

    /// Publishes what was enqueued. True when the device was rung.
    pub fn flush(&mut self) -> bool {
        self.queue.publish()
    }

    /// Takes back every frame that the switch is done with, in the order of its completions.
    ///
    /// # Panics
    /// When the switch broke a rule of [`Virtqueue::pop`], or changed a frame that it may only read.
    pub fn reclaim(&mut self) -> Vec<Token> {
        let mut done = Vec::new();
        while let Some(completed) = self.queue.pop() {
            let sent = self.sent.remove(&completed.token).expect("every chain of this queue was sent by it");
            assert!(
                completed.read(sent.len()) == sent,
                "{}: the switch wrote into a transmitted frame",
                self.queue.name()
            );
            done.push(completed.token);
            self.queue.release(completed);
        }
        done
    }

    /// Frames given to the switch and not yet completed.
    pub fn in_flight(&self) -> usize {
        self.sent.len()
    }
}
