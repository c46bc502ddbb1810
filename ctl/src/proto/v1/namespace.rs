// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Namespaces: the virtual networks of tenants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counters::Counters;
use super::limits::Limits;
use crate::proto::nullable;

/// What a namespace and all below it have of something, and may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of what: `namespaces`, `ports`, `macs`, `pvds` or `ra-entries`.
    pub resource: String,
    /// How much they have.
    pub used: u64,
    /// How much they may have; absent: as much as those above allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

/// A quota that is to be set or lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Of what: `namespaces`, `ports`, `macs`, `pvds` or `ra-entries`.
    pub resource: String,
    /// How much a namespace and all below it may have; absent: the quota is lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

/// What a delegate may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Grant {
    /// To look.
    Reader,
    /// To make, change and remove ports, namespaces and MAC entries, and to delegate what is below.
    #[default]
    Admin,
}

/// When a namespace answers hosts that look for a router, from what routers have said before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Never.
    Off,
    /// When no router has answered.
    #[default]
    WhenSilent,
    /// Always, whether routers answer or not.
    Always,
}

/// What comes of a PvD that is heard from another port than the one that it is known from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SecondSource {
    /// It is heard as any.
    #[default]
    Accept,
    /// It is heard, counted and told in the log.
    Alert,
    /// Nobody hears it; that is counted and told in the log.
    Deny,
}

/// Who has a namespace in his hands, and over which control socket. One of `uid` and `gid` is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// Path of the control socket that is bound to the namespace.
    pub socket: String,
    /// The directory that the sockets of the delegate's ports are in.
    pub sockets: String,
    /// The user who may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The group whose members may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// For what.
    pub role: Grant,
    /// Limits of each port that the delegate adds; he cannot change them.
    pub limits: Limits,
}

/// A namespace that another one is linked with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The number by which that one knows it, for as long as both live.
    pub number: u32,
    /// Its path; absent: it is none of those that the caller sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A namespace as it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its path, `red/dev`; `/` is the namespace of whoever asks.
    pub name: String,
    /// Its number among all namespaces that the caller sees; 0 is the caller's own.
    pub number: u32,
    /// How many ports are in it.
    pub ports: u64,
    /// How many entries its MAC table holds.
    pub macs: u64,
    /// How many entries its MAC table may hold.
    pub macs_max: u64,
    /// Seconds after which a learned MAC that was not seen again is forgotten.
    pub age_s: u64,
    /// When it answers for its routers.
    pub answer: Answer,
    /// Milliseconds that a host waits for that at most.
    pub answer_within_ms: u64,
    /// Seconds for which Router Advertisements are held back that only repeat what all hosts know; absent: they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_throttle_s: Option<u64>,
    /// What comes of a PvD that is heard from a second port.
    #[serde(default)]
    pub second_source: SecondSource,
    /// What it and all below it have, and may have; nothing is said of what they have none of and may have any number of.
    pub usage: Vec<Usage>,
    /// How much all ports of it and below it may send and flood together, bursts filled in.
    pub limits: Limits,
    /// To whom it is delegated; absent: to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<Delegation>,
    /// The namespaces that it is linked with.
    pub peers: Vec<Peer>,
    /// What it has counted of its routers and of hosts that look for one; only what occurred. Advertisements: changed,
    /// refreshed, void, over-quota, second-source, refused-…, cache-evicted, cache-full, cache-too-long. Hosts: solicitations, asked, answered,
    /// silenced, nothing, refused-hosts, answer-too-long.
    pub learnt: BTreeMap<String, u64>,
    /// What its ports have moved since it was added, those too that are gone.
    #[serde(flatten)]
    pub counters: Counters,
}

/// Parameters of `NamespaceAdd`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceAdd {
    /// Its path; what it lies in must exist.
    pub name: String,
    /// The number that is wanted for it among the children of what it lies in; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Size of its MAC table; absent: the daemon's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macs_max: Option<u64>,
    /// Age limit of learned MACs in seconds; absent: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
    /// When it answers for its routers; absent: when they are silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Milliseconds that a host waits for that at most, up to 500; absent: 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_within_ms: Option<u64>,
    /// Seconds for which Router Advertisements are held back that only repeat what all hosts know, up to 1800; 0: they are
    /// not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_throttle_s: Option<u64>,
    /// What comes of a PvD that is heard from a second port; absent: it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_source: Option<SecondSource>,
    /// Its quotas; absent: none.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<Quota>,
    /// How much all ports of it and below it may send and flood together; absent: any amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Succeed, and change nothing, when an equal namespace exists; a different one is still `Exists`.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub may_exist: bool,
}

/// One namespace: the answer of the methods that make or change one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceReply {
    /// The namespace as it is now.
    pub namespace: Namespace,
}

/// Parameters of `NamespaceSet`: what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceSet {
    /// Its path.
    pub name: String,
    /// Age limit of learned MACs in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
    /// When it answers for its routers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Milliseconds that a host waits for that at most, up to 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_within_ms: Option<u64>,
    /// Seconds for which Router Advertisements are held back that only repeat what all hosts know, up to 1800; 0: they are
    /// not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_throttle_s: Option<u64>,
    /// What comes of a PvD that is heard from a second port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_source: Option<SecondSource>,
    /// Quotas to be set or lifted.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<Quota>,
    /// Limits to set, or to take away with a rate of 0; those that are absent stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// Parameters of `NamespaceDelegate`. One of `uid` and `gid` must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceDelegate {
    /// Path of the namespace.
    pub name: String,
    /// Path of the control socket that is to be opened.
    pub socket: String,
    /// The user who may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The group whose members may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// The directory that the sockets of the delegate's ports have to be in, made when it is not there; absent: `socket`
    /// with `.d` behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sockets: Option<String>,
    /// For what; absent: `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Grant>,
    /// Limits of each port that the delegate adds; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// Parameters of `NamespaceUndelegate`: the control socket is closed, and who is connected to it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceUndelegate {
    /// Path of the namespace.
    pub name: String,
}

/// Parameters of `NamespaceDel`: nothing may be in the namespace (`InUse` otherwise).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceDel {
    /// Its path.
    pub name: String,
    /// Delete the ports and namespaces in it, too.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub recursive: bool,
    /// Delete it although guests are connected to ports in it (`InUse` otherwise).
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Succeed, and do nothing, when there is no such namespace.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub if_exists: bool,
}

/// Parameters of `NamespaceList`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceList {
    /// Only the namespace of this path; `NotFound` when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Namespaces, each followed by what lies in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceListReply {
    /// The namespaces.
    pub namespaces: Vec<Namespace>,
}

/// Parameters of `NamespaceZombies`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceZombies {
    /// Only those that had this path, or lay in the one that had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Namespaces that are deleted and not gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceZombiesReply {
    /// The namespaces.
    pub zombies: Vec<Zombie>,
}

/// A namespace that is deleted, and that a session or worker still uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zombie {
    /// The path that it had.
    pub name: String,
    /// What it waits for, in words; nothing: it is gone in a moment.
    pub waits_for: Vec<String>,
}
