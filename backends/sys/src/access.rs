// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! In which direction a buffer of a guest is used.

/// What a chain's buffers must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The device reads them: a transmit queue.
    Read,
    /// The device writes them: a receive queue.
    Write,
}
