// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One chain of buffers, before and after the device had it.
use super::heap::Block;

/// Names one submitted chain for its whole life; never used twice on a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub(super) u64);

/// The queue has no room for the chain at the moment: descriptors or buffer memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full: reclaim completed chains first")]
pub struct Full;

/// Buffers for one chain, reserved and not yet given to the device.
#[derive(Debug)]
pub struct Chain {
    pub(super) blocks: Vec<Block>,
    pub(super) table: Option<Block>,
    /// Segments with a descriptor of their own; the rest are in the table.
    pub(super) direct: usize,
}

impl Chain {
    /// Fills the buffers with `bytes`, which must be as long as they are together.
    pub(super) fn fill(&self, mut bytes: &[u8]) {
        for block in &self.blocks {
            let (here, rest) = bytes.split_at(block.window().len());
            block.window().write(0, here);
            bytes = rest;
        }
    }
}

/// A chain that the device has used.
#[derive(Debug)]
pub struct Completed {
    /// The chain.
    pub token: Token,
    /// Bytes that the device says it wrote.
    pub written: u32,
    /// Its buffers, to be given back with [`Virtqueue::release`](super::Virtqueue::release).
    pub blocks: Vec<Block>,
}

impl Completed {
    /// Bytes of all buffers together.
    pub fn capacity(&self) -> usize {
        self.blocks.iter().map(|block| block.window().len()).sum()
    }

    /// The first `len` bytes of the buffers.
    pub fn read(&self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len);
        for block in &self.blocks {
            let here = block.window().len().min(len - bytes.len());
            bytes.extend(block.window().read(0, here));
        }
        bytes
    }
}
