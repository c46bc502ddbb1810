// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A policer: lets frames through at a rate and no faster, and tells which ones are too many. Nothing is held back.
//!
//! # How a bucket counts
//!
//! A bucket of rate *r* has been given ⌊*r·t*⌋ tokens by the time *t*, counted from the origin of time. That number is
//! computed anew from *t* at each look, never added up, so it is exact after any time and does not drift. One atomic
//! word counts the tokens that were taken, from the same origin; the difference is what is left. A bucket that nobody
//! used for a while would hold more than its burst: then the word is moved up, and the surplus is lost.
//!
//! The word wraps around after 2⁶⁴ tokens: 213 days at [`limits::RATE_MAX`], four and a half centuries at 10 Gbit/s. Only
//! differences count. What was taken is ahead of what was given only as far as one worker's clock is ahead of
//! another's; whatever is further away lies behind. A bucket that was idle for just as long as the word takes to wrap
//! is mistaken for one that is ahead, and is empty for [`SKEW`] seconds at most.
//!
//! # How workers share it
//!
//! A burst takes what it may need at once ([`Policer::open`]), hands it out to its frames, and puts back what is left
//! over (the end of the [`Meter`]). Each is one atomic operation a burst and queue pair, whatever the number of workers; no token is
//! made or lost by that. A worker may find the bucket emptier than it will be in a moment, never fuller.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits;
use crate::rate::Rate;
use crate::time::Instant;

const SECOND: u64 = 1_000_000_000;

/// Seconds that one worker's clock may be ahead of another's: each reads it at every turn.
const SKEW: u64 = 10;

/// See the module.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    /// Tokens taken since the origin of time, with those that were lost because the bucket was full.
    taken: AtomicU64,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(rate: Rate) -> Self {
        let per_second = rate.per_second.min(limits::RATE_MAX);
        let burst = rate.burst.min(limits::RATE_MAX);
        // Behind the origin by a burst, so full whatever the time is.
        Self { rate: Rate { per_second, burst }, taken: AtomicU64::new(0_u64.wrapping_sub(burst)) }
    }

    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes up to `wanted` tokens; returns how many it got.
    #[inline]
    fn take(&self, wanted: u64, now: Instant) -> u64 {
        let given = self.given(now);
        let mut before = self.taken.load(Ordering::Relaxed);
        loop {
            let left = self.left(given, before);
            let got = left.min(wanted);
            if got == 0 {
                return 0;
            }
            let after = given.wrapping_sub(left).wrapping_add(got);
            match self.taken.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return got,
                Err(other) => before = other,
            }
        }
    }

    /// Puts tokens back that [`Bucket::take`] returned.
    #[inline]
    fn put_back(&self, unused: u64) {
        if unused > 0 {
            self.taken.fetch_sub(unused, Ordering::Relaxed);
        }
    }

    /// Tokens given since the origin of time, modulo 2⁶⁴: ⌊rate · now⌋ in parts that do not overflow.
    fn given(&self, now: Instant) -> u64 {
        let (seconds, nanos) = (now.as_nanos() / SECOND, now.as_nanos() % SECOND);
        let (whole, rest) = (self.rate.per_second / SECOND, self.rate.per_second % SECOND);
        seconds.wrapping_mul(self.rate.per_second).wrapping_add(nanos * whole + nanos * rest / SECOND)
    }

    /// Tokens that are left of `given` when `taken` were taken.
    fn left(&self, given: u64, taken: u64) -> u64 {
        let ahead = taken.wrapping_sub(given);
        // More than any clock's skew explains is the distance of one that is far behind.
        if ahead <= self.rate.per_second * SKEW { 0 } else { given.wrapping_sub(taken).min(self.rate.burst) }
    }
}

/// Limits of frames, of bytes, of both or of neither.
#[derive(Debug, Default)]
pub(crate) struct Policer {
    pub(crate) frames: Option<Arc<Bucket>>,
    pub(crate) bytes: Option<Arc<Bucket>>,
}

impl Policer {
    /// Takes what frames of these lengths need, or as much of it as there is. `None`: all of them pass.
    #[inline]
    pub(crate) fn open(&self, lens: impl Iterator<Item = u32>, now: Instant) -> Option<Meter<'_>> {
        if self.frames.is_none() && self.bytes.is_none() {
            return None;
        }
        let (frames, bytes) = lens.fold((0, 0), |(frames, bytes), len| (frames + 1, bytes + u64::from(len)));
        let take =
            |bucket: &Option<Arc<Bucket>>, wanted| bucket.as_ref().map_or(wanted, |bucket| bucket.take(wanted, now));
        let got = (take(&self.frames, frames), take(&self.bytes, bytes));
        if got == (frames, bytes) {
            return None;
        }
        Some(Meter { policer: self, frames: got.0, bytes: got.1 })
    }
}

/// What a burst that is too much may let through. What is left at its end goes back.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    policer: &'a Policer,
    frames: u64,
    bytes: u64,
}

impl Meter<'_> {
    /// Whether a frame of `len` bytes passes. One that does not uses up nothing.
    #[inline]
    pub(crate) fn admit(&mut self, len: u32) -> bool {
        let len = u64::from(len);
        let passes = self.frames > 0 && self.bytes >= len;
        if passes {
            self.frames -= 1;
            self.bytes -= len;
        }
        passes
    }
}

impl Drop for Meter<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(bucket) = &self.policer.frames {
            bucket.put_back(self.frames);
        }
        if let Some(bucket) = &self.policer.bytes {
            bucket.put_back(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests;
