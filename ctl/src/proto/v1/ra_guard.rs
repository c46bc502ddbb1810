// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a port may say as a router.

use serde::{Deserialize, Serialize};

/// The rules of a port that may send Router Advertisements (RFC 6105). In a request what is absent stays as it is, or is
/// the default for a new port; in an answer nothing is. An empty list allows anything, and so do all defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaGuard {
    /// Link-local addresses of its routers, at most 16 as of all lists: the sources of its advertisements and Redirects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routers: Option<Vec<String>>,
    /// MACs of its routers: the sources of the frames, and what advertisements say that the router's MAC is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macs: Option<Vec<String>>,
    /// Prefixes, `2001:db8::/32`, within one of which each prefix and each route lies that an advertisement tells of. The
    /// default route may be told in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefixes: Option<Vec<String>>,
    /// PvDs that it may name, in any case of letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvds: Option<Vec<String>>,
    /// Whether each advertisement has to name a PvD. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvd_required: Option<bool>,
    /// Whether it may send hosts to fetch more about its PvD over HTTPS (H flag). Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<bool>,
    /// How many octets of options a PvD Option may have inside. Default: 2040, which is all there can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvd_size: Option<u64>,
    /// The highest preference that it and its routes may have. Default: high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<Preference>,
    /// Whether IPv6 packets pass, from a host too, whose headers lead to one that nobody knows (RFC 7113). Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrecognised: Option<bool>,
    /// For how many seconds the guard learns which routers are behind the port, none being heard meanwhile, to hear those
    /// alone from then on (RFC 6105 section 4); 1 to 3600, or 0, which is the default: it does not. Not at a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learn: Option<u64>,
    /// Whether it learns anew, whatever was decided. In requests only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relearn: Option<bool>,
}

/// How far the guard of a port is with learning (RFC 6105 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaLearning {
    /// Whether routers are heard.
    pub state: RaLearningState,
    /// For how many seconds it still learns; only the time counts in which a guest runs its NIC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_s: Option<u64>,
    /// Link-local addresses of the routers that it heard.
    pub routers: Vec<String>,
    /// Their MACs.
    pub macs: Vec<String>,
    /// The prefixes that they told of.
    pub prefixes: Vec<String>,
}

/// Whether routers are heard from a port whose guard learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RaLearningState {
    /// Not yet.
    #[default]
    Learning,
    /// No: none was there.
    Blocking,
    /// Those that were there.
    Forwarding,
}

/// How a router, or a route through it, compares with others (RFC 4191).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Preference {
    /// Below the default.
    Low,
    /// The default of routers.
    Medium,
    /// Above the default.
    #[default]
    High,
}
