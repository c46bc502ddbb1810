// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What happens to provisioning domains.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Operation;
use crate::proto::nullable;

/// Events in one message of `PvdWatch`; more come in the next.
pub const EVENT_PAGE: usize = 64;

/// What happened to a PvD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PvdEventKind {
    /// It is there from now on.
    New,
    /// What is said of it changed. That lifetimes go on is no event.
    Update,
    /// It is gone.
    Delete,
    /// A fetch of its Additional Information has ended.
    Fetched,
}

/// Something that happened to a PvD; all that one Router Advertisement changed is one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PvdEvent {
    /// Its number: one more than that of the event before in this namespace.
    pub seq: u64,
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: u64,
    /// What.
    pub kind: PvdEventKind,
    /// The name of the PvD, as in [`super::Pvd::name`].
    pub name: String,
    /// What names the PvD, or named it, as in [`super::Pvd::handle`].
    pub handle: String,
    /// What changed, one by one.
    pub changes: Vec<PvdChange>,
    /// How many more changes there were.
    pub more: u64,
    /// Of a fetch: why it brought nothing that may be used; absent: it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// One change of what somebody says of a PvD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PvdChange {
    /// Whether it is said from now on, is no longer said, or is said otherwise.
    pub op: Operation,
    /// What: source (who says something at all), default-router, prefix, route, rdnss, dnssl, pref64; of the PvD Option
    /// http, legacy, header, sequence, delay; of what has no lifetime hop-limit, flags, preference, reachable-ms,
    /// retrans-ms, mtu, portal.
    pub what: String,
    /// Which: a prefix, an address or a domain name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What it was, where it is another now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Why it is no longer said: withdrawn, expired, moved (to another PvD), port-gone, forgotten (by an operator).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The port that the router is or was behind; absent: an operator says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The router's link-local address; absent: an operator says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<String>,
}

/// Parameters of `PvdWatch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PvdWatch {
    /// The namespace.
    pub namespace: String,
    /// The number of the last event that is known already, or 0; absent: only what happens from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Of all namespaces below it, too. Then `since` is 0 or absent, for each namespace has numbers of its own.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub recursive: bool,
    /// With `recursive`: the numbers of the last events that are known already, by namespace. Of namespaces that are not
    /// among them everything is told.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub known: BTreeMap<String, u64>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PvdWatchReply {
    /// The namespace, when those below are watched, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The events, in order.
    pub events: Vec<PvdEvent>,
    /// Up to which number all is told now: what to say as `since` to go on from here.
    pub seq: u64,
    /// Events before were not told and never will be: they are forgotten, or weftd was started anew. `PvdList` tells what
    /// there is.
    pub missed: bool,
    /// When those below are watched, too, and begin with what is to come: the last numbers in all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub known: BTreeMap<String, u64>,
}
