// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Namespaces: the virtual networks of tenants.

use serde::{Deserialize, Serialize};

use crate::proto::nullable;

/// A namespace as it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// How many ports are in it.
    pub ports: u64,
    /// How many entries its MAC table holds.
    pub macs: u64,
    /// How many entries its MAC table may hold.
    pub macs_max: u64,
    /// Seconds after which a learned MAC that was not seen again is forgotten.
    pub age_s: u64,
}

/// Parameters of `NamespaceAdd`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceAdd {
    /// Its name.
    pub name: String,
    /// Size of its MAC table; absent: the daemon's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macs_max: Option<u64>,
    /// Age limit of learned MACs in seconds; absent: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
    /// Succeed, and change nothing, when an equal namespace exists; a different one is still `Exists`.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub may_exist: bool,
}

/// The namespace that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceAddReply {
    /// The namespace, with the defaults filled in.
    pub namespace: Namespace,
}

/// Parameters of `NamespaceDel`: the namespace must be without ports (`InUse` otherwise).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceDel {
    /// Its name.
    pub name: String,
    /// Succeed, and do nothing, when there is no such namespace.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub if_exists: bool,
}

/// Parameters of `NamespaceList`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceList {
    /// Only the namespace of this name; `NotFound` when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Namespaces, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceListReply {
    /// The namespaces.
    pub namespaces: Vec<Namespace>,
}
