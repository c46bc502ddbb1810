// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The difference of two looks at a port's counters.

use dataplane::{DropReason, PortStats, SnoopStats};

pub use dataplane::Traffic;

/// What the counters of a port did between two looks. Everything that is not named is zero, so that comparing with
/// `Moved { tx, ..Moved::default() }` says that nothing else moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moved {
    /// Delivered to the port's owner.
    pub rx: Traffic,
    /// Taken from the port's owner.
    pub tx: Traffic,
    /// Reasons that were counted, ascending, with how often.
    pub drops: Vec<(DropReason, u64)>,
    /// Checksums completed for this receiver.
    pub checksums: u64,
    /// Segments made for this receiver.
    pub segments: u64,
    /// What control was to hear of.
    pub snooped: SnoopStats,
}

impl Moved {
    /// A port took in `frames` frames of `bytes` bytes together.
    #[must_use]
    pub fn received(frames: u64, bytes: usize) -> Moved {
        Moved { rx: Traffic { frames, bytes: bytes as u64 }, ..Moved::default() }
    }

    /// A port sent `frames` frames of `bytes` bytes together.
    #[must_use]
    pub fn sent(frames: u64, bytes: usize) -> Moved {
        Moved { tx: Traffic { frames, bytes: bytes as u64 }, ..Moved::default() }
    }

    /// The same, and `count` frames were dropped for this reason.
    #[must_use]
    pub fn dropped(mut self, reason: DropReason, count: u64) -> Moved {
        self.drops.push((reason, count));
        self.drops.sort_unstable();
        self
    }
}

/// The difference of two looks, `before` the earlier one.
#[must_use]
pub fn moved(before: &PortStats, after: &PortStats) -> Moved {
    let traffic = |before: Traffic, after: Traffic| Traffic {
        frames: after.frames - before.frames,
        bytes: after.bytes - before.bytes,
    };
    let drops = DropReason::ALL.iter().map(|&reason| (reason, after.drops.get(reason) - before.drops.get(reason)));
    let snooped = |of: fn(&SnoopStats) -> u64| of(&after.snooped) - of(&before.snooped);
    Moved {
        rx: traffic(before.rx, after.rx),
        tx: traffic(before.tx, after.tx),
        drops: drops.filter(|&(_, count)| count > 0).collect(),
        checksums: after.software_checksums - before.software_checksums,
        segments: after.software_segments - before.software_segments,
        snooped: SnoopStats {
            advertisements: snooped(|stats| stats.advertisements),
            solicitations: snooped(|stats| stats.solicitations),
            lost: snooped(|stats| stats.lost),
        },
    }
}
