// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A split-virtqueue driver (virtio 1.2 section 2.7) and a virtio-net data path on top of it (section 5.1.6).
//!
//! ```text
//!  TxQueue, RxQueue   frames, headers, shapes, mergeable buffers; checks every byte the switch returns
//!      Virtqueue      free descriptors, chains, indirect tables, avail and used index, doorbells
//!         Ring        the words in guest memory, each readable and writable by name: also the hostile tests' hook
//!         Heap        buffers with guard zones on both sides
//! ```
//!
//! A well-behaved test uses the queues only. A hostile one takes [`Virtqueue::ring`] and writes what it likes.
mod bells;
mod chain;
mod heap;
mod ring;
mod rx;
mod shape;
mod tx;
mod virtqueue;
mod vnet;

#[cfg(test)]
mod tests;

pub use bells::{Bells, wait_any};
pub use chain::{Chain, Completed, Full, Token};
pub use heap::{Block, Heap};
pub use ring::{DESCRIPTOR_INDIRECT, DESCRIPTOR_NEXT, DESCRIPTOR_WRITE, Descriptor, Ring};
pub use rx::{Received, RxQueue};
pub use shape::Shape;
pub use tx::TxQueue;
pub use virtqueue::{QueueOptions, Virtqueue};
pub use vnet::{VNET_HEADER_LEN, VnetHeader};
