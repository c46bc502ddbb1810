// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Counters of a port. A worker adds once a burst, anyone reads at any time.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::drops::DropReason;
use crate::snoop::SnoopKind;

/// Frames and bytes without their virtio-net headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Frames; a frame that is still to be segmented counts once.
    pub frames: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Traffic {
    /// Counts one more frame of `bytes` bytes.
    #[inline]
    pub fn count(&mut self, bytes: u32) {
        self.frames += 1;
        self.bytes += u64::from(bytes);
    }
}

impl std::ops::Add for Traffic {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { frames: self.frames + other.frames, bytes: self.bytes + other.bytes }
    }
}

/// A count of traffic that one thread at a time writes, which a lock sees to, and anyone reads. So it costs no locked
/// addition, which would wait for all that was written to guests before.
#[derive(Debug, Default)]
pub(crate) struct Tally([AtomicU64; 2]);

impl Tally {
    /// Adds to it, as the only thread that does.
    #[inline]
    pub(crate) fn add(&self, traffic: Traffic) {
        for (counter, by) in self.0.iter().zip([traffic.frames, traffic.bytes]) {
            counter.store(load(counter) + by, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Traffic {
        Traffic { frames: load(&self.0[0]), bytes: load(&self.0[1]) }
    }
}

/// Number of drops by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drops([u64; DropReason::COUNT]);

impl Default for Drops {
    fn default() -> Self {
        Self([0; DropReason::COUNT])
    }
}

impl FromIterator<(DropReason, u64)> for Drops {
    fn from_iter<I: IntoIterator<Item = (DropReason, u64)>>(all: I) -> Self {
        let mut drops = Self::default();
        all.into_iter().for_each(|(reason, count)| drops.add_many(reason, count));
        drops
    }
}

impl Drops {
    /// Counts one more.
    #[inline]
    pub(crate) fn add(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    /// Counts `count` more.
    #[inline]
    pub(crate) fn add_many(&mut self, reason: DropReason, count: u64) {
        self.0[reason as usize] += count;
    }

    /// How many for this reason.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Reasons that occurred, with their numbers.
    pub fn nonzero(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().map(|&reason| (reason, self.get(reason))).filter(|&(_, count)| count > 0)
    }
}

/// What one burst adds to one port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) traffic: Traffic,
    pub(crate) drops: Drops,
    pub(crate) checksums: u64,
    pub(crate) segments: u64,
}

/// A port's counters as they are at one moment. Directions are the guest's: it transmits what the switch takes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PortStats {
    /// Delivered to the port's owner.
    pub rx: Traffic,
    /// Taken from the port's owner, dropped or not.
    pub tx: Traffic,
    /// Frames that this port sent and nobody got, and frames that it should have got.
    pub drops: Drops,
    /// Checksums that the switch completed because this receiver cannot.
    pub software_checksums: u64,
    /// Frames that the switch made by segmenting larger ones for this receiver.
    pub software_segments: u64,
    /// What control was to hear of.
    pub snooped: SnoopStats,
}

/// Frames of a port, delivered whatever becomes of their copies, that control was to hear of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SnoopStats {
    /// Router Advertisements of which it got a copy.
    pub advertisements: u64,
    /// Router Solicitations of which it got a copy.
    pub solicitations: u64,
    /// Of either kind, those of which it got none: too many copies waited already, or the frame was too long.
    pub lost: u64,
}

/// What went through the other lane of a port, over all that it was. It is part of the port's own counters, but for copies and
/// what left outward.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneStats {
    /// Delivered to the guest over this lane and no other.
    pub sole: Traffic,
    /// Delivered over this lane and over the rings; the guest takes one of them.
    pub copies: Traffic,
    /// Such copies that this lane lost; the port counts what the rings did.
    pub copies_lost: u64,
    /// What the guest sent over its rings and left by this lane, past the namespace.
    pub outward: Traffic,
    /// Taken from the lane.
    pub taken: Traffic,
}

/// A count for each reason.
#[derive(Debug)]
struct DropCounters([AtomicU64; DropReason::COUNT]);

impl Default for DropCounters {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; DropReason::COUNT])
    }
}

/// The shared counters of a port.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    rx: [AtomicU64; 2],
    tx: [AtomicU64; 2],
    drops: DropCounters,
    software: [AtomicU64; 2],
    snooped: [AtomicU64; 3],
}

impl Counters {
    pub(crate) fn add_tx(&self, delta: &Delta) {
        bump(&self.tx[0], delta.traffic.frames);
        bump(&self.tx[1], delta.traffic.bytes);
        self.add_drops(&delta.drops);
    }

    pub(crate) fn add_rx(&self, delta: &Delta) {
        bump(&self.rx[0], delta.traffic.frames);
        bump(&self.rx[1], delta.traffic.bytes);
        bump(&self.software[0], delta.checksums);
        bump(&self.software[1], delta.segments);
        self.add_drops(&delta.drops);
    }

    /// Counts one more frame of which control got a copy, or got none.
    pub(crate) fn add_snooped(&self, kind: Option<SnoopKind>) {
        let counter = match kind {
            Some(SnoopKind::Advertisement) => &self.snooped[0],
            Some(SnoopKind::Solicitation) => &self.snooped[1],
            None => &self.snooped[2],
        };
        bump(counter, 1);
    }

    /// Adds all that was counted elsewhere.
    pub(crate) fn add(&self, stats: &PortStats) {
        let delta = |traffic, drops| Delta { traffic, drops, ..Delta::default() };
        self.add_tx(&delta(stats.tx, Drops::default()));
        let (checksums, segments) = (stats.software_checksums, stats.software_segments);
        self.add_rx(&Delta { checksums, segments, ..delta(stats.rx, stats.drops) });
        let SnoopStats { advertisements, solicitations, lost } = stats.snooped;
        self.snooped.iter().zip([advertisements, solicitations, lost]).for_each(|(counter, by)| bump(counter, by));
    }

    fn add_drops(&self, drops: &Drops) {
        // In most bursts nothing is dropped, and one sum says so.
        if drops.total() == 0 {
            return;
        }
        for (counter, &count) in self.drops.0.iter().zip(&drops.0) {
            bump(counter, count);
        }
    }

    /// How many frames were dropped for this reason.
    pub(crate) fn drops(&self, reason: DropReason) -> u64 {
        load(&self.drops.0[reason as usize])
    }

    pub(crate) fn read(&self) -> PortStats {
        let [advertisements, solicitations, lost] = std::array::from_fn(|i| load(&self.snooped[i]));
        let pair = |pair: &[AtomicU64; 2]| Traffic { frames: load(&pair[0]), bytes: load(&pair[1]) };
        PortStats {
            rx: pair(&self.rx),
            tx: pair(&self.tx),
            drops: Drops(std::array::from_fn(|i| load(&self.drops.0[i]))),
            software_checksums: load(&self.software[0]),
            software_segments: load(&self.software[1]),
            snooped: SnoopStats { advertisements, solicitations, lost },
        }
    }
}

/// Most counters do not move in a burst: a locked add is spent only on those that do.
fn bump(counter: &AtomicU64, by: u64) {
    if by != 0 {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
