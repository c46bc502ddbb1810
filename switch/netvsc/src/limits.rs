// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The bounds of the device, by name.

/// Changes of the steering that may be without an answer at once. More wait in the device until the first is answered.
pub const UNANSWERED_MAX: usize = 8;

/// Requests to plug one association, until the operator offers anew.
pub const PLUG_TRIES: u8 = 5;

/// Bytes of a VMM's reason that are kept.
pub const REASON_BYTES: usize = 200;

/// Decisions that one event may cause in a row; three is what the longest chain takes.
pub(crate) const STEPS_MAX: usize = 4;
