// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The policers of a port, and where a burst meets them: what the guest sends before anything looks at it, what it
//! floods once the table was asked, what it is to receive when it is delivered.
//!
//! A port without limits costs one look at a flag where a policer would be.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use crate::burst::{Burst, Frame, Verdict};
use crate::drops::DropReason;
use crate::policer::{Bucket, Meter, Policer};
use crate::rate::{Limit, Limits, Rate};
use crate::time::Instant;

/// The policers of one port at one moment. Replaced as a whole, never changed.
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

    /// Decides on what a guest sends beyond its port's limits. Nothing has looked at the frames yet.
    pub(crate) fn transmit(&self, burst: &mut Burst, now: Instant) {
        police(burst.frames_mut(), &self.tx, now, (Verdict::Undecided, DropReason::TxPoliced));
    }

    /// Decides on what a guest floods beyond its port's limits. The table has been asked.
    pub(crate) fn flood(&self, burst: &mut Burst, now: Instant) {
        police(burst.frames_mut(), &self.flood, now, (Verdict::Flood, DropReason::FloodPoliced));
    }

    /// What of frames of these lengths may be delivered to this port; `None`: all of them.
    pub(crate) fn receive(&self, lens: impl Iterator<Item = u32>, now: Instant) -> Option<Meter<'_>> {
        self.rx.open(lens, now)
    }
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

/// Where a port keeps its policers.
#[derive(Debug, Default)]
pub(crate) struct Policing {
    /// Whether anything is limited.
    on: AtomicBool,
    policers: ArcSwap<Policers>,
    /// Replaced policers that a worker may still hold; control drops them with the next change, so that a worker never
    /// frees memory.
    retired: Mutex<Vec<Arc<Policers>>>,
}

impl Policing {
    /// Sets the limits, from the next burst on. A limit that stays what it was goes on counting.
    pub(crate) fn set(&self, limits: &Limits) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.retain(|policers| Arc::strong_count(policers) > 1);
        let policers = Policers::new(limits, &self.policers.load());
        retired.push(self.policers.swap(Arc::new(policers)));
        self.on.store(!limits.is_empty(), Ordering::Relaxed);
    }

    /// The policers, if anything is limited.
    #[inline]
    pub(crate) fn policers(&self) -> Option<Guard<Arc<Policers>>> {
        self.on.load(Ordering::Relaxed).then(|| self.policers.load())
    }
}
