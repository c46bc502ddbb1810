// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The threads of the data plane: what runs a [`dataplane::Worker`], and how the rest of the daemon reaches it.
//!
//! A worker thread polls while there is work, and for a short while after. Then it asks the guests to kick, looks once
//! more, and sleeps in epoll until a kick or a command. Commands are applied between bursts; who sends one that takes
//! something away waits for the answer, so that nothing is touched after it was given back.
//!
//! `thread` is the loop, `patience` when it stops to poll, `sleeper` where it sleeps, `gauges` what it shows, `cpus`
//! where it runs, `pool` all of them; `attachment` is one port's way to them, `forgetting` when it begins with another
//! guest, `lanes` the way of its other lane, and [`Workers`] the face of it all. What they hand to control goes through [`Listener`].
//!
//! What a worker shows costs it one reading of the processor's clock a turn: the time of a turn that found
//! frames is busy, all other time is not.

mod attachment;
mod clock;
mod cpus;
mod forgetting;
mod gauges;
#[cfg(test)]
pub(crate) mod held;
mod lanes;
mod listener;
mod patience;
mod pool;
mod sleeper;
mod thread;
mod watchdog;
mod workers;

pub use clock::clock;
pub use cpus::{BadCpus, Cpus};
pub use gauges::Work;
pub use lanes::AttachedLane;
pub use listener::Listener;
pub use patience::PollMode;
pub use pool::{WorkerSpec, WorkerStats};
pub use workers::Workers;
