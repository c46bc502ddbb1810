// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Benchmarks of the frame path, and what they share.
//!
//! # Theory of operation
//!
//! All measure the frame path alone: one `dataplane` worker, some ports, and for each the synthetic guest's driver over
//! real memfds, in one thread. A [`Scene`] fills a burst of frames into one guest's transmit ring; only the worker's turn
//! ([`Scene::switch`]) counts, not the driver's work before and after it. What the figures leave out is what a second
//! core adds: the cache lines that travel between a guest's core and the worker's.
//!
//! * `cargo bench -p benches` times it with criterion: the whole path and each of its stages by kind of frame, and the whole
//!   path with limits that are set and never reached.
//! * `cargo xtask bench stages` prints the cycles that a frame spends in each stage, with the program `stages`.
//! * `cargo run --profile bench-count -p benches --bin lines` prints what those cache lines cost on this machine today.
//! * `cargo run --profile bench-count -p benches --bin snooping` prints what ordinary frames pay for the RA guard and for the
//!   copies that control gets.
//! * `cargo xtask bench instructions` counts its instructions under callgrind, with the program `count`. Counts are the same
//!   on every run, so `./check` can refuse a growth of a few hundredths, which no timing would show.
//!
//! Absolute figures are of one machine at one time. Compare runs of one sitting (criterion does, with the last run),
//! and quote ratios. Against other switches weft is measured from outside, with a real load on a second core.

#![forbid(unsafe_code)]

mod cpus;
mod scene;

pub use cpus::{cpus, pin};
pub use scene::{Scene, Work, stage_name};
