// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Additional Information of PvDs (RFC 8801 section 4).

use serde::{Deserialize, Serialize};

/// What is being done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InformationState {
    /// It is to be fetched.
    Waiting,
    /// It is being fetched.
    Fetching,
    /// It was fetched, and will be again.
    Fetched,
    /// It is not fetched, or what was fetched may not be used.
    Failed,
}

/// How it stands with the Additional Information of a PvD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Information {
    /// What is being done.
    pub state: InformationState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds until it is fetched, or fetched again, at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_s: Option<u64>,
    /// What is known and holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownInformation>,
}

/// What a web server says about a PvD. weft has judged it by RFC 8801 and acts on nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownInformation {
    /// Seconds since it was fetched.
    pub age_s: u64,
    /// Seconds until it expires.
    pub expires_s: u64,
    /// Prefixes of the PvD.
    pub prefixes: Vec<String>,
    /// DNS zones that are reached through it.
    pub dns_zones: Vec<String>,
    /// There is no Internet behind it.
    pub no_internet: bool,
    /// The object as it came, with all keys.
    pub object: String,
}
