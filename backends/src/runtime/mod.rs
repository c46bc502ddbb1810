// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The threads of the data plane: what runs a [`dataplane::Worker`], and how the rest of the daemon reaches it.
//!
//! A worker thread polls while there is work, and for a short while after. Then it asks the guests to kick, looks once
//! more, and sleeps in epoll until a kick or a command. Commands are applied between bursts; who sends one that takes
//! something away waits for the answer, so that nothing is touched after it was given back.

mod attachment;
mod clock;
mod sleeper;
mod thread;
mod workers;

#[cfg(test)]
mod tests;

pub use clock::clock;
pub use workers::{PollMode, WorkerStats, Workers};
