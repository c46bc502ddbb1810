// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A lane that does not do as it should, on purpose: for tests of what is at both its ends.

use super::LaneSpec;
use crate::refusal::Refusal;
use std::fmt;

/// All frames, of which there are shares.
const ALL: u16 = 1000;

/// What goes wrong on a lane, both ways. Shares are of 1000 frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// What all of it follows from: the same happens again with the same.
    pub seed: u64,
    /// Frames that are lost.
    pub loss: u16,
    /// Frames that come twice.
    pub dup: u16,
    /// Frames that come behind the one that follows them.
    pub reorder: u16,
}

impl Faults {
    /// Refuses, in the name of `field`, shares that are more than all, and lanes that weftd does not open as they are said.
    pub(super) fn check(&self, field: &str, lane: &LaneSpec) -> Result<(), Refusal> {
        let sum = u32::from(self.loss) + u32::from(self.dup) + u32::from(self.reorder);
        if sum > u32::from(ALL) {
            let expected = format!("loss, dup and reorder of together at most {ALL}");
            return Err(Refusal::invalid(field, format!("fault{self}"), expected));
        }
        match lane {
            LaneSpec::Auto(_) | LaneSpec::Bypass { .. } | LaneSpec::Fault { .. } => {
                let expected = "faults of another lane than auto, bypass or fault";
                Err(Refusal::invalid(field, lane.to_string(), expected))
            }
            lane => lane.check(field),
        }
    }
}

/// What stands behind the kind; what is none is left out.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ":{}", self.seed)?;
        let shares = [("loss", self.loss), ("dup", self.dup), ("reorder", self.reorder)];
        shares.iter().filter(|(_, share)| *share > 0).try_for_each(|(word, share)| write!(f, ",{word}={share}"))
    }
}
