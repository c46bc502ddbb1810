// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Benchmarks of the frame path, and what they share.
//!
//! # Theory of operation
//!
//! `cargo bench -p benches` measures the frame path alone: one `dataplane` worker, two ports, and for each the
//! synthetic guest's driver over real memfds, in one thread. [`Pair`] prepares bursts of frames in one guest's transmit
//! ring; only the worker's poll is timed, not the driver's work before and after it. What the figures leave out is
//! what a second core adds: the cache lines that travel between a guest's core and the worker's.
//!
//! Absolute figures are of one machine at one time. Compare runs of one sitting (criterion does, with the last run),
//! and quote ratios. Against other switches weft is measured from outside, with a real load on a second core.

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use tests::driver::{Shape, VnetHeader};
use tests::rig::{PortOptions, Rig, mac};

/// Frames of one burst.
pub const BURST: usize = 64;

/// Two ports of one namespace: the first sends, the second receives.
pub struct Pair {
    rig: Rig,
    frame: Vec<u8>,
}

impl Pair {
    /// A pair whose first port sends frames of `len` bytes (14 and more) to the second.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let options = PortOptions::default();
        let mut frame = [&mac(1).0[..], &mac(0).0, &[0x88, 0xb5]].concat();
        frame.resize(len, 0x5a);
        Self { rig: Rig::with_ports(2, &options), frame }
    }

    /// Sends one burst and returns how long the worker took to switch it.
    ///
    /// # Panics
    /// When a frame does not arrive: a benchmark of drops measures nothing.
    pub fn burst(&mut self) -> Duration {
        let queue = &mut self.rig.port(0).tx[0];
        for _ in 0..BURST {
            queue.enqueue(&Shape::whole(), VnetHeader::default(), &self.frame).expect("room for a burst");
        }
        queue.flush();
        let begin = Instant::now();
        let taken = self.rig.poll_once();
        let spent = begin.elapsed();
        assert_eq!(taken, BURST, "chains taken");
        assert_eq!(self.rig.received(1).len(), BURST, "frames delivered");
        self.rig.port(0).tx[0].reclaim();
        spent
    }
}
