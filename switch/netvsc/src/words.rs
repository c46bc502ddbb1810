// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The words of the contract: which VF, and which lane.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The number by which host and guest mean the same association of a VF. A [`Device`](crate::Device) begins at 1 and
/// uses none twice, restarts included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Serial(pub u32);

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A way for the guest's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Lane {
    /// The virtio rings, which are always there.
    Synthetic,
    /// The second lane, which comes and goes.
    Vf,
}

impl Lane {
    /// The word of the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Lane::Synthetic => "synthetic",
            Lane::Vf => "vf",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
