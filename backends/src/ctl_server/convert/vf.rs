// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! VFs, and lanes of the host.

use super::refusal;
use ctl::proto::v1;
use netvsc::Lane;
use switch::{
    Confined, GuestModel, LaneCounts, LaneLosses, LaneSpec, PortView, Refusal, VfEdit, VfSpec, VfView, VmmKind, VmmSpec,
};

/// The word for no VF.
const NONE: &str = "none";

/// A lane of the host that came over the wire.
///
/// # Errors
/// [`v1::Error::Invalid`] with `field`.
pub(super) fn lane_spec(field: &str, text: &str) -> Result<LaneSpec, v1::Error> {
    LaneSpec::parse(field, text).map_err(refusal)
}

/// What is to change of the VF `before`. What a delegate says is `confined`.
///
/// # Errors
/// [`v1::Error::Invalid`].
pub fn vf_edit(
    asked: Option<&v1::Vf>,
    before: Option<&VfSpec>,
    confined: Option<Confined>,
) -> Result<VfEdit, v1::Error> {
    let Some(v1::Vf { lane, model, vmm }) = asked else { return Ok(VfEdit { confined, ..VfEdit::default() }) };
    let lane = match lane.as_deref() {
        None => None,
        Some(NONE) => Some(None),
        Some(text) => Some(Some(lane_spec("vf", text)?)),
    };
    let meant = lane.clone().flatten();
    let meant = meant.as_ref().or(before.map(|vf| &vf.lane));
    let device = meant.map_or("", VmmSpec::device_default);
    let vmm = vmm.as_ref().map(|vmm| vmm_spec(vmm, device)).transpose()?;
    Ok(VfEdit { lane, model: model.map(self::model), vmm, confined })
}

/// `None`: there is none.
fn vmm_spec(asked: &v1::Vmm, device_default: &str) -> Result<Option<VmmSpec>, v1::Error> {
    let kind = match asked.kind {
        v1::VmmKind::None => return Ok(None),
        v1::VmmKind::Qmp => VmmKind::Qmp,
        v1::VmmKind::CloudHypervisor => VmmKind::CloudHypervisor,
    };
    let missing = || refusal(Refusal::invalid("vf-vmm", "", "the absolute path of a Unix socket"));
    Ok(Some(VmmSpec {
        kind,
        socket: asked.socket.clone().ok_or_else(missing)?,
        device: asked.device.clone().unwrap_or_else(|| device_default.to_owned()),
        bus: asked.bus.clone(),
        pair: asked.pair.clone(),
    }))
}

fn model(asked: v1::GuestModel) -> Option<GuestModel> {
    match asked {
        v1::GuestModel::Auto => None,
        v1::GuestModel::Standby => Some(GuestModel::Standby),
        v1::GuestModel::Netvsc => Some(GuestModel::Netvsc),
        v1::GuestModel::Bond => Some(GuestModel::Bond),
        v1::GuestModel::HostLane => Some(GuestModel::HostLane),
    }
}

fn model_said(model: Option<GuestModel>) -> v1::GuestModel {
    match model {
        None => v1::GuestModel::Auto,
        Some(GuestModel::Standby) => v1::GuestModel::Standby,
        Some(GuestModel::Netvsc) => v1::GuestModel::Netvsc,
        Some(GuestModel::Bond) => v1::GuestModel::Bond,
        Some(GuestModel::HostLane) => v1::GuestModel::HostLane,
    }
}

/// One of the two lanes of a port that came over the wire.
pub fn lane(asked: v1::Lane) -> Lane {
    match asked {
        v1::Lane::Synthetic => Lane::Synthetic,
        v1::Lane::Vf => Lane::Vf,
    }
}

fn lane_said(lane: Lane) -> v1::Lane {
    match lane {
        Lane::Synthetic => v1::Lane::Synthetic,
        Lane::Vf => v1::Lane::Vf,
    }
}

/// A VF as an operator said it, for the wire.
pub(super) fn vf_said(vf: &VfSpec) -> v1::Vf {
    let vmm = |vmm: &VmmSpec| v1::Vmm {
        kind: match vmm.kind {
            VmmKind::Qmp => v1::VmmKind::Qmp,
            VmmKind::CloudHypervisor => v1::VmmKind::CloudHypervisor,
        },
        socket: Some(vmm.socket.clone()),
        device: Some(vmm.device.clone()),
        bus: vmm.bus.clone(),
        pair: vmm.pair.clone(),
    };
    v1::Vf { lane: Some(vf.lane.to_string()), model: Some(model_said(vf.model)), vmm: vf.vmm.as_ref().map(vmm) }
}

/// The lane that is active, of a port that has two.
pub(super) fn active(view: Option<&VfView>) -> Option<v1::Lane> {
    view.map(|vf| lane_said(vf.active))
}

/// The VF of a port for the wire; `None`: it has none.
pub fn vf_state(port: &PortView) -> Option<v1::VfState> {
    let view = port.vf.as_ref()?;
    Some(v1::VfState {
        name: port.name.to_string(),
        namespace: port.spec.namespace.to_string(),
        spec: vf_said(&view.spec),
        model: model_said(view.model),
        state: view.state.to_owned(),
        since_s: view.since.as_secs(),
        active: lane_said(view.active),
        serial: view.serial.map(|serial| serial.0),
        lane: v1::VfLane {
            kind: view.spec.lane.kind().to_owned(),
            up: view.lane.up,
            reason: view.lane.why.clone(),
            found: view.lane.found.clone(),
            bypasses: view.spec.lane.bypasses(),
        },
        switches: view.counts.switches,
        damped: view.counts.damped,
        vmm: view.vmm.clone(),
        trouble: view.trouble.clone(),
        vf: counters(&view.counts.vf),
        synthetic: counters(&view.counts.synthetic),
        losses: port.lane_losses.map(losses).unwrap_or_default(),
    })
}

/// What a port's lane has lost, for the wire.
pub(super) fn losses(LaneLosses { lost, missed, malformed }: LaneLosses) -> v1::LaneLosses {
    v1::LaneLosses { lost, missed, malformed }
}

fn counters(counts: &LaneCounts) -> v1::LaneCounters {
    let LaneCounts { rx_frames, rx_bytes, tx_frames, tx_bytes, copies, drops } = *counts;
    v1::LaneCounters { rx_frames, rx_bytes, tx_frames, tx_bytes, copies, drops }
}
