// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A move as a document: what `weft port export` prints and `weft port import` reads.
//!
//! It is JSON, so that an operator can read what goes to another host. Its types are its own; what is said of a port and of a PvD
//! is written as in the store. Whoever writes it may lie, and whoever carries it may cut it off: everything in it is bounded, what
//! is unknown is refused, and a digest tells a document that is whole from one that is not. That is no signature. Who may import
//! may say anything, and what it says is judged by [`switch::Control::import_port`].

mod error;
mod format;
pub mod fuzz;
pub(crate) mod hex;
#[cfg(test)]
mod tests;

pub use error::BadMove;
pub(crate) use format::{AddressV1, RaV1, addresses_left, addresses_v1, ra_left, ra_v1};
pub use format::{Document, from_text, to_text};

/// The version that this daemon writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// The longest document, in bytes: with its escapes as a text it fits into one call.
pub const DOCUMENT_MAX: usize = 448 << 10;

/// Static entries that a port takes along.
pub const ENTRIES_MAX: usize = switch::limits::STATIC_MACS_MAX;
