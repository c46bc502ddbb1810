// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What may be wrong with a ring: before it starts, and while it runs.

use std::fmt;

/// Why a ring cannot be started. The frontend must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingError {
    /// The size is zero or not a power of two.
    Size(u16),
    /// A part is not aligned as the specification asks.
    Unaligned(&'static str),
    /// A part does not lie in one region of guest memory.
    Outside(&'static str),
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => write!(f, "ring size {size} is not a power of two"),
            Self::Unaligned(part) => write!(f, "the {part} is not aligned"),
            Self::Outside(part) => write!(f, "the {part} is not inside one region of guest memory"),
        }
    }
}

impl std::error::Error for RingError {}

/// What a guest did to break its ring. It stays broken until it is started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RingFault {
    /// The available index ran ahead by more than the ring has entries, or backwards.
    AvailIndex = 1,
    /// The available ring names a descriptor past the table.
    Head = 2,
    /// The memory behind the ring is gone (its file was truncated).
    Memory = 3,
    /// A doorbell was made to block.
    Doorbell = 4,
    /// The log of a migration is gone (its file was truncated).
    Log = 5,
}

impl RingFault {
    /// Whether it is the VMM's doing, and not the guest's: a reset of the guest's device does not mend it.
    #[must_use]
    pub fn ends_session(self) -> bool {
        matches!(self, Self::Memory | Self::Doorbell | Self::Log)
    }

    /// The fault with this number, as [`RingFault`] casts to it.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        let all = [Self::AvailIndex, Self::Head, Self::Memory, Self::Doorbell, Self::Log];
        all.into_iter().find(|fault| *fault as u8 == code)
    }
}

impl fmt::Display for RingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AvailIndex => "the guest moved a ring's available index by more than the ring holds",
            Self::Head => "the guest made a descriptor available that its ring does not have",
            Self::Memory => "the guest's memory was truncated",
            Self::Doorbell => "the VMM made a doorbell block",
            Self::Log => "the dirty log of the guest's migration was truncated",
        })
    }
}
