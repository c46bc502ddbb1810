// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Configuration as a whole: check, compare, apply. The text travels, so the daemon needs no access to the file.

use serde::{Deserialize, Serialize};

use crate::proto::nullable;

/// Parameters of `ConfigCheck`: `Config` names the first mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigCheck {
    /// The configuration, TOML.
    pub text: String,
    /// Name of the file it is from, for messages.
    pub file: String,
}

/// Parameters of `ConfigDiff`: what `ConfigApply` would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigDiff {
    /// The configuration, TOML.
    pub text: String,
    /// Name of the file it is from, for messages.
    pub file: String,
}

/// Parameters of `ConfigApply`: all of it or nothing; on any error what ran before still runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigApply {
    /// The configuration, TOML.
    pub text: String,
    /// Name of the file it is from, for messages.
    pub file: String,
    /// Only say what would be done.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Also what takes frames or the connection from a guest.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// Parameters of `ConfigShow`, of which there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigShow {}

/// The answer of `ConfigShow`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigShowReply {
    /// What runs as a configuration, TOML, every default filled in: `ConfigApply` would find nothing to change.
    pub text: String,
}

/// What is, or would be, changed; the answer of `ConfigDiff` and `ConfigApply`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesReply {
    /// The changes in the order in which they are made; empty: nothing differs.
    pub changes: Vec<Change>,
}

/// One step from the running state to the configured one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is done.
    pub op: Operation,
    /// To what kind of object: `namespace`, `port`, `fdb entry`, `setting`.
    pub kind: String,
    /// Name of the object.
    pub name: String,
    /// What differs, `mtu 1500 -> 9000`; empty when op and name say it all.
    pub detail: String,
    /// Whether a connected guest loses frames or its connection by it.
    /// `ConfigApply` refuses such a change unless it is forced.
    pub disrupts: bool,
}

/// What a [`Change`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// The object is created.
    Add,
    /// The object is deleted.
    Del,
    /// The object stays and some of it changes.
    Change,
}
