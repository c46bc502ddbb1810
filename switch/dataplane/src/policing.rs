// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The policers of a port and of its namespace, and where a burst meets them: what the guest sends before anything looks
//! at it, what it floods once the table was asked, what it is to receive when it is delivered.
//!
//! A port or namespace without limits costs one look at a flag where a policer would be.

mod namespace;

pub use namespace::NamespacePolicers;

use std::sync::Arc;

use arc_swap::Guard;

use crate::burst::{Burst, Frame, Verdict};
use crate::drops::DropReason;
use crate::namespace::Namespace;
use crate::policer::{Bucket, Meter, Policer};
use crate::port::Port;
use crate::rate::{Limit, Limits, Rate};
use crate::swapped::Swapped;
use crate::time::Instant;

/// The policers of one port or namespace at one moment. Replaced as a whole, never changed.
#[derive(Debug, Default)]
pub(crate) struct Policers {
    tx: Policer,
    rx: Policer,
    flood: Policer,
}

impl Policers {
    fn new(limits: &Limits, before: &Policers) -> Self {
        let bucket = |limit| limits.get(limit).map(|rate| before.bucket(limit, rate));
        Self {
            tx: Policer { frames: bucket(Limit::TxFrames), bytes: bucket(Limit::TxBytes) },
            rx: Policer { frames: bucket(Limit::RxFrames), bytes: bucket(Limit::RxBytes) },
            flood: Policer { frames: bucket(Limit::FloodFrames), bytes: bucket(Limit::FloodBytes) },
        }
    }

    /// The bucket that serves a limit of this rate: the one that does already, as full as it is, or a new one.
    fn bucket(&self, limit: Limit, rate: Rate) -> Arc<Bucket> {
        let mine = match limit {
            Limit::TxFrames => &self.tx.frames,
            Limit::TxBytes => &self.tx.bytes,
            Limit::RxFrames => &self.rx.frames,
            Limit::RxBytes => &self.rx.bytes,
            Limit::FloodFrames => &self.flood.frames,
            Limit::FloodBytes => &self.flood.bytes,
        };
        let same = mine.as_ref().filter(|bucket| bucket.rate() == rate);
        same.map_or_else(|| Arc::new(Bucket::new(rate)), Arc::clone)
    }

    fn transmit(&self, burst: &mut Burst, now: Instant, reason: DropReason) {
        police(burst.frames_mut(), &self.tx, now, (Verdict::Undecided, reason));
    }

    fn flood(&self, burst: &mut Burst, now: Instant, reason: DropReason) {
        police(burst.frames_mut(), &self.flood, now, (Verdict::Flood, reason));
    }

    fn transmits(&self, len: u32, now: Instant) -> bool {
        admits(&self.tx, len, now)
    }

    fn floods(&self, len: u32, now: Instant) -> bool {
        admits(&self.flood, len, now)
    }

    /// What of frames of these lengths may be delivered to this port; `None`: all of them.
    pub(crate) fn receive(&self, lens: impl Iterator<Item = u32>, now: Instant) -> Option<Meter<'_>> {
        self.rx.open(lens, now)
    }
}

/// Whether one frame passes.
fn admits(policer: &Policer, len: u32, now: Instant) -> bool {
    policer.open(std::iter::once(len), now).is_none_or(|mut meter| meter.admit(len))
}

/// Drops frames with this verdict that are too many, for this reason.
fn police(frames: &mut [Frame], policer: &Policer, now: Instant, (verdict, reason): (Verdict, DropReason)) {
    let lens = frames.iter().filter(|frame| frame.verdict == verdict).map(|frame| frame.len);
    let Some(mut meter) = policer.open(lens, now) else { return };
    for frame in frames.iter_mut().filter(|frame| frame.verdict == verdict) {
        if !meter.admit(frame.len) {
            frame.verdict = Verdict::Drop(reason);
        }
    }
}

/// The policers that what a port sends has to pass: the port's own, then those of its namespace.
pub(crate) struct SendPolicers {
    port: Option<Guard<Arc<Policers>>>,
    namespace: Option<namespace::Levels>,
}

impl SendPolicers {
    #[inline]
    pub(crate) fn of(port: &Port, namespace: &Namespace) -> Self {
        Self { port: port.policers(), namespace: namespace.policers().levels() }
    }

    /// Decides on what is sent beyond the limits. Nothing has looked at the frames yet.
    #[inline]
    pub(crate) fn transmit(&self, burst: &mut Burst, now: Instant) {
        if let Some(policers) = &self.port {
            policers.transmit(burst, now, DropReason::TxPoliced);
        }
        if let Some(levels) = &self.namespace {
            levels.transmit(burst, now);
        }
    }

    /// Decides on one frame that is sent, as [`SendPolicers::transmit`] does.
    pub(crate) fn transmit_one(&self, len: u32, now: Instant) -> Result<(), DropReason> {
        let own = self.port.as_ref().is_none_or(|policers| policers.transmits(len, now));
        require(own, DropReason::TxPoliced)?;
        let shared = self.namespace.as_ref().is_none_or(|levels| levels.all(|policers| policers.transmits(len, now)));
        require(shared, DropReason::NamespaceTxPoliced)
    }

    /// Decides on one frame that is flooded, as [`SendPolicers::flood`] does.
    pub(crate) fn flood_one(&self, len: u32, now: Instant) -> Result<(), DropReason> {
        let own = self.port.as_ref().is_none_or(|policers| policers.floods(len, now));
        require(own, DropReason::FloodPoliced)?;
        let shared = self.namespace.as_ref().is_none_or(|levels| levels.all(|policers| policers.floods(len, now)));
        require(shared, DropReason::NamespaceFloodPoliced)
    }

    /// Decides on what is flooded beyond the limits. The table has been asked.
    #[inline]
    pub(crate) fn flood(&self, burst: &mut Burst, now: Instant) {
        if let Some(policers) = &self.port {
            policers.flood(burst, now, DropReason::FloodPoliced);
        }
        if let Some(levels) = &self.namespace {
            levels.flood(burst, now);
        }
    }
}

fn require(good: bool, reason: DropReason) -> Result<(), DropReason> {
    if good { Ok(()) } else { Err(reason) }
}

impl Swapped<Policers> {
    /// Sets the limits, from the next burst on. A limit that stays what it was goes on counting.
    pub(crate) fn set(&self, limits: &Limits) {
        self.replace(|before| Policers::new(limits, before), !limits.is_empty());
    }
}
