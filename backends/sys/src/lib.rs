// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The one crate with unsafe code.
//!
//! # Theory of operation
//!
//! Everything that the switch does with raw pointers, signals and ancillary socket data is here, behind functions that
//! are safe to call with any argument. Nothing here decides anything about frames; it only moves bytes and indices.
//!
//! * [`MemoryMap`] is a flat view of one guest's memory. Callers name guest-physical addresses; each access is checked
//!   against the region table, so a stale or hostile address is an error and never a wild pointer. Two or three
//!   comparisons a copy are cheap beside the copy.
//! * [`Ring`] is the device's side of a split virtqueue (virtio 1.2 section 2.7). Its three addresses are translated
//!   once, when it is made, and its size is frozen then: what a guest or a frontend says later about size or place
//!   cannot move a pointer.
//! * [`Buffers`] looks the buffers of a receive ring up before there is a frame for them, and [`Place`] is where one goes.
//! * [`install_fault_guard`] catches SIGBUS. Guest memory is a file that its owner may truncate; the page fault of the
//!   next access would kill the daemon with all its tenants. The guard maps zero pages over the region and marks the
//!   [`MemoryMap`] poisoned, which ends that session alone.
//! * [`DirtyLog`] tells whoever migrates a guest which pages of its memory were written to: by a [`Ring`], which marks its own
//!   writes, and by those who deliver into its chains.
//! * [`interrupt`] gets a thread out of a doorbell that its sender has made to block.
//! * [`cycles`] reads the processor's own clock, for accounting.
//! * [`fd`] passes file descriptors over Unix sockets and tells what a descriptor is.
//! * [`packet`] and [`netdev`] are what packet sockets and taps have of their own; [`mmsg`] moves a burst of messages by one system call.
//!
//! # Shared memory and data races
//!
//! Guest memory is written by another process while we read it. No Rust reference to it ever exists: indices are read and
//! written by atomic accesses; descriptors and headers are read by volatile ones, and what was read once is what is gone
//! by; used elements and bodies are written and copied through raw pointers, and are only bytes. A racing guest can
//! therefore garble its own ring and its own frame and nothing else.

#![allow(unsafe_code)]

mod access;
mod buffers;
mod chain;
mod copy;
mod cycles;
mod dirty_log;
mod fault;
pub mod fd;
pub mod interrupt;
mod memory;
pub mod mmsg;
pub mod netdev;
pub mod packet;
mod place;
mod prefetch;
mod ring;
mod ring_fault;
mod segments;

#[cfg(test)]
mod tests;

pub use access::Access;
pub use buffers::Buffers;
pub use chain::{Chain, MAX_CHAIN};
pub use cycles::{CYCLE, cycles};
pub use dirty_log::{DirtyLog, LOG_PAGE, RingLog};
pub use fault::{GUARDED_REGIONS_MAX, install_fault_guard};
pub use memory::{MemoryMap, OutsideMemory};
pub use place::{NoRoom, Place, Writer};
pub use prefetch::prefetch;
pub use ring::{Doorbell, Doorbells, Ring, RingLayout};
pub use ring_fault::{RingError, RingFault};
pub use segments::{Segment, Segments, gather};
