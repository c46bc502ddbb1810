// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Workers: the threads that move frames.

use serde::{Deserialize, Serialize};

/// One data-plane thread: how it is to run, and what it did. One flat JSON object, but for `lately`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Its number, from 0.
    pub id: u32,
    /// When it polls.
    pub poll: Poll,
    /// CPUs that it is kept on, `2` or `2-3,8`; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// Source queues that it polls: transmit queues of guests.
    pub sources: u64,
    /// Share of the last second that it moved frames, in thousandths.
    pub busy_permille: u32,
    /// What a cycle is: of the time stamp counter (`tsc`), or a nanosecond (`ns`).
    pub cycle: String,
    /// All that it did since it started.
    #[serde(flatten)]
    pub work: Work,
    /// What it did in the last second.
    pub lately: Work,
}

/// When a worker polls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Poll {
    /// Under load; else it sleeps.
    #[default]
    Adaptive,
    /// All the time.
    Always,
    /// Never: every burst is announced by a kick.
    Never,
}

/// What a worker did in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The time, in cycles.
    pub cycles: u64,
    /// Cycles of it that were spent in turns that found frames.
    pub busy_cycles: u64,
    /// Frames it took from ports.
    pub frames: u64,
    /// Bursts that they came in.
    pub bursts: u64,
    /// Times it was woken from sleep.
    pub wakeups: u64,
}

/// Parameters of `WorkerList`: none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerList {}

/// Workers, by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerListReply {
    /// The workers.
    pub workers: Vec<Worker>,
}
