// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports: the virtual NICs of guests.

use serde::{Deserialize, Serialize};

use super::counters::Counters;
use super::limits::Limits;
use super::mediation::{InjectPvd, Mediated};
use super::ra_guard::{RaGuard, RaLearning};
use super::vf::{Lane, LaneLosses, Vf};
use crate::proto::nullable;

/// A port as it runs: what was asked for, what came of it, and what it has moved. One flat JSON object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// What was asked for.
    #[serde(flatten)]
    pub spec: PortSpec,
    /// Its number among all ports that the caller sees.
    pub number: u32,
    /// Its number in its namespace, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_at_home: Option<u32>,
    /// The number by which its namespace knows that of the other end; of an end of a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<u32>,
    /// Whether frames can flow.
    pub state: State,
    /// Why the state is what it is, in one sentence; absent when there is nothing to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The lane that carries its guest's frames; of a port that has a VF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Lane>,
    /// What its lane has lost; of a port that has a VF, or is on a lane of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane_losses: Option<LaneLosses>,
    /// What became of Router Advertisements of its router; absent as long as weftd has decided about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mediated: Option<Mediated>,
    /// How far RA guard is with learning; absent where it does not learn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_learning: Option<RaLearning>,
    /// Where its move from or to another weftd stands; absent: its guest is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<Handover>,
    /// IP addresses that its guest says are its own, as far as they are known, in order; absent: none is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// How often its guest has said an address and either that or another was not kept, for there were too many; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses_lost: Option<u64>,
    /// How often its namespace's uplinks were not told where its guest is, or not of its addresses, for they had been told too often; absent:
    /// never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unannounced: Option<u64>,
    /// Names of the virtio features that the guest negotiated; empty while no guest is connected.
    pub features: Vec<String>,
    /// What it has moved.
    #[serde(flatten)]
    pub counters: Counters,
}

/// What a port was configured to be, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSpec {
    /// Its name, unique in its namespace.
    pub name: String,
    /// The namespace that it belongs to for its whole life.
    pub namespace: String,
    /// Its MAC address, `02:00:00:00:00:01`.
    pub mac: String,
    /// What it may say to the others.
    pub role: Role,
    /// Which source MACs it may use.
    pub macs: MacPolicy,
    /// Largest frame in bytes, Ethernet header not counted.
    pub mtu: u16,
    /// Queue pairs.
    pub queues: u16,
    /// How much its guest may send and receive, bursts filled in.
    pub limits: Limits,
    /// The PvDs of which it gets Router Advertisements: names, and `implicit` for all without one; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvds: Option<Vec<String>>,
    /// The PvD Option that advertisements of its router get which have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inject_pvd: Option<InjectPvd>,
    /// What it may say as a router; absent: there are no rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_guard: Option<RaGuard>,
    /// How its guest attaches; an end of a link has none, nor a port on a lane of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vhost_user: Option<VhostUser>,
    /// The lane of the host that it is on, `packet:eth0`; of a port that has neither guest nor far end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// Its VF; absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vf: Option<Vf>,
    /// The other end, of an end of a link; absent when it is none of those that the caller sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far: Option<String>,
}

/// The vhost-user side of a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VhostUser {
    /// Path of the Unix socket.
    pub path: String,
    /// Who listens on it.
    pub mode: Mode,
}

/// Who listens on a vhost-user socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// weftd listens and the guest's VMM connects.
    #[default]
    Server,
    /// The guest's VMM listens and weftd connects, again and again.
    Client,
}

/// What a port may say to the others of its namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An ordinary guest.
    #[default]
    Host,
    /// A guest that may send Router Advertisements.
    Router,
    /// The way to the world outside: many MACs behind it.
    Uplink,
    /// A guest that watches what routers say to all nodes: none of it is hidden from it or held back, and it may send no more than a host.
    Monitor,
}

/// Which source MACs a port may send from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum MacPolicy {
    /// Only its own.
    #[default]
    Own,
    /// Any; they are learned.
    Any,
}

/// Whether frames can flow through a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No guest is connected.
    #[default]
    Down,
    /// A guest is being connected, or does not run its NIC: it is starting, is being reset, or has no driver for it.
    Connecting,
    /// Frames flow.
    Up,
    /// The guest corrupted a ring; a reset of its device clears it.
    Broken,
}

/// Where a port's move stands, as this weftd sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Handover {
    /// It came, and its guest has not been heard here yet. Frames for it leave by the namespace's uplink.
    #[default]
    Staged,
    /// Another weftd has taken it over, and its guest has not been heard there yet.
    Leaving,
    /// Its guest was heard elsewhere. Frames for it leave by the namespace's uplink.
    Moved,
}

/// Parameters of `PortAdd`. What is absent takes the default that is documented at [`PortSpec`]'s types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortAdd {
    /// Its name.
    pub name: String,
    /// The namespace to put it into; it must exist.
    pub namespace: String,
    /// The number that is wanted for it in its namespace; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Its MAC; absent: the daemon derives a locally administered one from the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// How its guest attaches; either this or `lane` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vhost_user: Option<VhostUser>,
    /// A lane of the host in place of a guest, `packet:eth0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// Absent: no VF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vf: Option<Vf>,
    /// Queue pairs; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queues: Option<u16>,
    /// Absent: `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Absent: 1500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    /// Absent: `own`, or `any` for an uplink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macs: Option<MacPolicy>,
    /// Absent: no limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// As of `PortSet`; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvds: Option<Vec<String>>,
    /// Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inject_pvd: Option<InjectPvd>,
    /// Absent: no rules for routers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_guard: Option<RaGuard>,
    /// Succeed, and change nothing, when an equal port exists; a different one is still `Exists`.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub may_exist: bool,
}

/// One port: the answer of `PortAdd` and `PortSet`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortReply {
    /// The port as it is now.
    pub port: Port,
}

/// Parameters of `PortDel`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortDel {
    /// Its name: `vm1`, or `red:vm1` where there is another of that name.
    pub name: String,
    /// Delete it although its guest is connected (`InUse` otherwise).
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Succeed, and do nothing, when there is no such port.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub if_exists: bool,
}

/// Parameters of `PortSet`: what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortSet {
    /// Name of the port: `vm1`, or `red:vm1` where there is another of that name.
    pub name: String,
    /// Which source MACs it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macs: Option<MacPolicy>,
    /// Its MTU in bytes; a connected guest learns of it at its next reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    /// Its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Limits to set, or to take away with a rate of 0; those that are absent stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// The PvDs of which it gets Router Advertisements: names, and `implicit` for all without one; `all` alone: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvds: Option<Vec<String>>,
    /// The PvD Option that advertisements of its router get which have none; one of the name `none` takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inject_pvd: Option<InjectPvd>,
    /// Rules for routers to set; those that are absent stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_guard: Option<RaGuard>,
    /// What changes of its VF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vf: Option<Vf>,
}

/// Parameters of `PortList`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortList {
    /// Only the port of this name, `vm1` or `red:vm1`; `NotFound` when there is none, `Ambiguous` when several could be meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only ports of this namespace; `NotFound` when there is no such namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// Ports, sorted by name, and those of one name by namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortListReply {
    /// The ports.
    pub ports: Vec<Port>,
}
