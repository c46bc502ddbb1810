// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! VFs: the second lane of a port, which comes and goes under the guest's one NIC.

use serde::{Deserialize, Serialize};

/// The VF of a port. In a request what is absent stays as it is, and at a port that has no VF is what is written here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vf {
    /// What the lane is: `packet:eth1`, `auto`; `weft port set --help` lists them all. `none` in a request: no VF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// How the guest makes one NIC of both lanes; absent: `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<GuestModel>,
    /// Who plugs it into the guest; absent: nobody that weftd knows of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vmm: Option<Vmm>,
}

/// How a guest makes one NIC of both lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum GuestModel {
    /// What its VMM and it offer tells.
    #[default]
    Auto,
    /// Its virtio-net device is the standby of a failover (net_failover of Linux).
    Standby,
    /// As NetVSC: unicast by the VF, everything else by the synthetic lane.
    Netvsc,
    /// It bonds two NICs, of which one is active.
    Bond,
    /// It has one NIC, and weftd passes its frames on to the VF.
    HostLane,
}

/// The VMM of a guest, which weftd has plug and unplug the VF.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vmm {
    /// What it speaks.
    pub kind: VmmKind,
    /// Path of its socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// The device that is plugged, by the name of its driver there; absent in a request: `e1000e`, or `vfio-pci` for a
    /// lane that bypasses weftd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The bus that it is plugged into, by its id there; absent: one that the VMM chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bus: Option<String>,
    /// The id of the standby device there (`failover_pair_id` of QEMU); absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
}

/// What a VMM speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VmmKind {
    /// Nothing: in a request, there is no VMM.
    #[default]
    None,
    /// QMP.
    Qmp,
    /// The API of cloud-hypervisor.
    CloudHypervisor,
}

/// One of the two lanes of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Virtio rings, which are always there.
    #[default]
    Synthetic,
    /// The VF.
    Vf,
}

/// The VF of a port as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VfState {
    /// Name of the port.
    pub name: String,
    /// The port's namespace.
    pub namespace: String,
    /// What was asked for.
    pub spec: Vf,
    /// The guest model that holds; `auto`: it is not known yet.
    pub model: GuestModel,
    /// Where guest and host stand, in one word.
    pub state: String,
    /// For how long, in seconds.
    pub since_s: u64,
    /// The lane that carries the guest's frames.
    pub active: Lane,
    /// The number by which the guest knows the VF; absent: it knows of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<u32>,
    /// The VF lane itself.
    pub lane: VfLane,
    /// Changes of the active lane.
    pub switches: u64,
    /// Changes of the lane's link that were not followed, because there were too many.
    pub damped: u64,
    /// How the guest's VMM is spoken with; absent: with nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vmm: Option<String>,
    /// What went wrong last, or what is waited for, in one sentence; absent when there is nothing to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// What went over the VF lane through weftd.
    pub vf: LaneCounters,
    /// What went over the synthetic lane.
    pub synthetic: LaneCounters,
    /// What was lost at the far end of the VF lane.
    #[serde(default)]
    pub losses: LaneLosses,
}

/// What the lanes of a port beside its rings have lost at their far ends since the port is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneLosses {
    /// Frames to the lane that its far end did not take, at once or later.
    pub lost: u64,
    /// Frames from it for which the kernel had no room.
    pub missed: u64,
    /// Messages from it that are no frames.
    pub malformed: u64,
}

/// The VF lane of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VfLane {
    /// Its kind: `dgram`, `packet`, …
    pub kind: String,
    /// Whether frames can go through it.
    pub up: bool,
    /// Why not, or what else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was found on the host, for a lane that is to be found: `eth5 (0000:65:00.1)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// Whether its data bypasses weftd, which then neither judges nor counts it.
    pub bypasses: bool,
}

/// What went over one lane of a port; directions as the guest sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneCounters {
    /// Frames to the guest.
    pub rx_frames: u64,
    /// Bytes of them.
    pub rx_bytes: u64,
    /// Frames from the guest.
    pub tx_frames: u64,
    /// Bytes of them.
    pub tx_bytes: u64,
    /// Those of rx_frames that went over the other lane too, while the guest changed lanes.
    pub copies: u64,
    /// Frames to the guest that were lost here.
    pub drops: u64,
}

/// Parameters of `VfOffer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VfOffer {
    /// Name of the port: `vm1`, or `red:vm1` where there is another of that name.
    pub name: String,
}

/// Parameters of `VfRevoke`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VfRevoke {
    /// Name of the port, as for `VfOffer`.
    pub name: String,
}

/// Parameters of `VfSwitch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VfSwitch {
    /// Name of the port, as for `VfOffer`.
    pub name: String,
    /// The lane that the guest's frames shall take.
    pub lane: Lane,
}

/// The VF of one port: the answer of `VfOffer`, `VfRevoke` and `VfSwitch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VfReply {
    /// The VF as it is now; what was asked for may still be on its way.
    pub vf: VfState,
}

/// Parameters of `VfStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VfStatus {
    /// Only the port of this name; `NotFound` when there is none, or it has no VF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// VFs, sorted by the names of their ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VfStatusReply {
    /// Of all ports that have one.
    pub vfs: Vec<VfState>,
}
