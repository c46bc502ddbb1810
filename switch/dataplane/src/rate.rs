// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an operator limits at a port or in a namespace, as plain data.

use crate::limits;

/// What can be limited at a port; of a namespace, what all its ports send and flood together. Directions are the guest's: `tx` is what it sends, `rx` what it is to receive, and
/// `flood` what it sends to more than one other: broadcast, multicast, and unicast to an address that nobody is known
/// to have. Frames and bytes are those of the counters: a frame that is still to be segmented is one frame, with all
/// of its bytes; the virtio-net header is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Limit {
    /// Frames that the guest sends.
    TxFrames,
    /// Bytes that the guest sends.
    TxBytes,
    /// Frames that are delivered to the guest.
    RxFrames,
    /// Bytes that are delivered to the guest.
    RxBytes,
    /// Frames that the guest floods; each counts once, however many receive it.
    FloodFrames,
    /// Bytes that the guest floods.
    FloodBytes,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::TxFrames, Self::TxBytes, Self::RxFrames, Self::RxBytes, Self::FloodFrames, Self::FloodBytes];

    /// The name in a configuration and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TxFrames => "tx-frames",
            Self::TxBytes => "tx-bytes",
            Self::RxFrames => "rx-frames",
            Self::RxBytes => "rx-bytes",
            Self::FloodFrames => "flood-frames",
            Self::FloodBytes => "flood-bytes",
        }
    }

    /// The limit of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.name() == name)
    }

    /// The smallest burst that makes sense: one frame of any size must fit, or it could never pass.
    #[must_use]
    pub const fn burst_min(self) -> u64 {
        match self {
            Self::TxFrames | Self::RxFrames | Self::FloodFrames => 1,
            Self::TxBytes | Self::RxBytes | Self::FloodBytes => limits::FRAME_MAX as u64,
        }
    }

    /// The burst of a limit that names none: a tenth of a second of its rate, at least 64 frames, or at least the
    /// bytes of the largest frame.
    #[must_use]
    pub fn burst_default(self, per_second: u64) -> u64 {
        let least = match self {
            Self::TxFrames | Self::RxFrames | Self::FloodFrames => limits::BURST as u64,
            Self::TxBytes | Self::RxBytes | Self::FloodBytes => self.burst_min(),
        };
        (per_second / 10).max(least)
    }
}

/// How much is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Frames or bytes a second, over any long time. At most [`limits::RATE_MAX`].
    pub per_second: u64,
    /// Frames or bytes that may pass at once after a pause. At most [`limits::RATE_MAX`].
    pub burst: u64,
}

/// The limits of one port or namespace. The default is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits([Option<Rate>; Limit::ALL.len()]);

impl Limits {
    /// One of them; `None`: not limited.
    #[must_use]
    pub const fn get(&self, limit: Limit) -> Option<Rate> {
        self.0[limit as usize]
    }

    /// Sets one of them, or takes it away.
    pub fn set(&mut self, limit: Limit, rate: Option<Rate>) {
        self.0[limit as usize] = rate;
    }

    /// Those that are set.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, Rate)> + '_ {
        Limit::ALL.into_iter().filter_map(|limit| Some((limit, self.get(limit)?)))
    }

    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}
