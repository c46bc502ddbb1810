// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The daemon as a whole: status, log filter, drop reasons.

use serde::{Deserialize, Serialize};

use super::worker::Worker;

/// Parameters of `Status`: none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {}

/// State of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReply {
    /// Version of weftd, `0.1.0`.
    pub version: String,
    /// Process id of weftd.
    pub pid: u32,
    /// Seconds since weftd started.
    pub uptime_s: u64,
    /// The data-plane threads.
    pub workers: Vec<Worker>,
    /// How many of what exist.
    pub counts: Counts,
    /// What the operator ought to know or repair, one sentence each; empty when all is well.
    pub warnings: Vec<String>,
}

/// How many objects the daemon holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Namespaces.
    pub namespaces: u64,
    /// Ports, whatever their state.
    pub ports: u64,
    /// Ports whose guest is connected and ready.
    pub ports_up: u64,
    /// MAC table entries of all namespaces.
    pub fdb_entries: u64,
    /// Namespaces that are deleted and still in use by a session or worker.
    pub zombies: u64,
}

/// Parameters of `LogSet`: changes the log filter of the running daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSet {
    /// The filter: a level (`info`) or `module=level` pairs, separated by commas.
    pub filter: String,
    /// Seconds after which the filter from before comes back; absent: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<u64>,
}

/// What the log filter was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSetReply {
    /// The filter that was replaced.
    pub previous: String,
}

/// Parameters of `DropReasons`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropReasons {
    /// Only the reason of this name; `NotFound` when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The reasons for which frames are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropReasonsReply {
    /// All reasons, or the one that was asked for.
    pub reasons: Vec<DropReason>,
}

/// Why a frame may be dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropReason {
    /// Its name, as in the `drops` of a port: `spoofed-mac`.
    pub name: String,
    /// What happened and what to do, in one sentence.
    pub explanation: String,
}

/// Parameters of `Upgrade`: the program that is at weftd's path now takes its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// Sessions of guests that cannot go on are ended, and frames that wait for a guest dropped, rather than that there is no upgrade.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// How another weftd has taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeReply {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Guests that were attached.
    pub guests: u64,
    /// For how many microseconds no ring ran.
    pub gap_us: u64,
}
