// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The threads of the data plane: what runs a [`dataplane::Worker`], and how the rest of the daemon reaches it.
//!
//! A worker thread polls while there is work, and for a short while after. Then it asks the guests to kick, looks once
//! more, and sleeps in epoll until a kick or a command. Commands are applied between bursts; who sends one that takes
//! something away waits for the answer, so that nothing is touched after it was given back.
//!
//! `thread` is the loop, `sleeper` where it sleeps, `pool` all of them; `attachment` is one port's way to them, and
//! [`Workers`] the face of it all.

mod attachment;
mod clock;
mod pool;
mod sleeper;
mod thread;
mod watchdog;
mod workers;

pub use clock::clock;
pub use pool::WorkerStats;
pub use thread::PollMode;
pub use workers::Workers;
