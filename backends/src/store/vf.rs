// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! VFs of ports in the file. A lane is written as an operator says it.

use super::delegation::{self, ConfinedV2};
use netvsc::Saved;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use switch::{PortPath, VfSpec, VmmKind, VmmSpec};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VfV2 {
    lane: String,
    /// Absent: to be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vmm: Option<VmmV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confined: Option<ConfinedV2>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VmmV2 {
    kind: String,
    socket: String,
    device: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bus: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pair: Option<String>,
}

pub(super) fn said(vf: &VfSpec) -> VfV2 {
    let vmm = |vmm: &VmmSpec| VmmV2 {
        kind: vmm.kind.as_str().to_owned(),
        socket: vmm.socket.clone(),
        device: vmm.device.clone(),
        bus: vmm.bus.clone(),
        pair: vmm.pair.clone(),
    };
    VfV2 {
        lane: vf.lane.to_string(),
        model: vf.model.map(|model| switch::model_word(model).to_owned()),
        vmm: vf.vmm.as_ref().map(vmm),
        confined: vf.confined.as_ref().map(delegation::confined_said),
    }
}

pub(super) fn meant(said: VfV2) -> Result<VfSpec, String> {
    let model = |word: String| switch::model_of(&word).ok_or_else(|| format!("{word:?} is not a guest model"));
    let vmm = |VmmV2 { kind, socket, device, bus, pair }| {
        let kind = VmmKind::of(&kind).ok_or_else(|| format!("{kind:?} is not a kind of VMM"))?;
        Ok::<VmmSpec, String>(VmmSpec { kind, socket, device, bus, pair })
    };
    Ok(VfSpec {
        lane: said.lane.parse().map_err(|why: switch::Refusal| why.to_string())?,
        model: said.model.map(model).transpose()?,
        vmm: said.vmm.map(vmm).transpose()?,
        confined: said.confined.map(delegation::confined_meant),
    })
}

/// Where VFs are. What is in one state is the state machine's own affair.
pub(super) fn states_v2(vfs: &BTreeMap<PortPath, Saved>) -> serde_json::Result<BTreeMap<String, Value>> {
    vfs.iter().map(|(port, saved)| Ok((port.to_string(), serde_json::to_value(saved)?))).collect()
}

/// Those that make sense. A VF of which nothing is known is offered anew, so nobody has to be told of the others.
pub(super) fn states(file: BTreeMap<String, Value>) -> BTreeMap<PortPath, Saved> {
    let known = |(port, state): (String, Value)| Some((port.parse().ok()?, serde_json::from_value(state).ok()?));
    file.into_iter().filter_map(known).collect()
}
