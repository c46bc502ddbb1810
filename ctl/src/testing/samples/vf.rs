// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Samples of VFs.

use crate::proto::v1::{GuestModel, Lane, LaneCounters, LaneLosses, Vf, VfLane, VfState, Vmm, VmmKind};

pub(super) fn asked() -> Vf {
    let text = |text: &str| Some(text.to_owned());
    let vmm = Vmm {
        kind: VmmKind::Qmp,
        socket: text("/run/vm1.qmp"),
        device: text("e1000e"),
        bus: text("port1"),
        pair: text("net0"),
    };
    Vf { lane: text("dgram:/run/vm1.vf,peer=/run/vm1.nic"), model: Some(GuestModel::Auto), vmm: Some(vmm) }
}

/// A lane that has lost something in each way.
pub(super) fn losses() -> LaneLosses {
    LaneLosses { lost: 12, missed: 3, malformed: 1 }
}

/// A VF in use, with something to say of everything.
pub(crate) fn state() -> VfState {
    VfState {
        name: "vm1".to_owned(),
        namespace: "red".to_owned(),
        spec: asked(),
        model: GuestModel::Standby,
        state: "on-vf".to_owned(),
        since_s: 61,
        active: Lane::Vf,
        serial: Some(3),
        lane: VfLane {
            kind: "dgram".to_owned(),
            up: true,
            reason: Some("its peer is there".to_owned()),
            found: Some("eth5 (0000:65:00.1)".to_owned()),
            bypasses: false,
        },
        switches: 7,
        damped: 2,
        vmm: Some("connected".to_owned()),
        trouble: Some("the guest did not let go of the VF before".to_owned()),
        vf: LaneCounters { rx_frames: 90, rx_bytes: 5760, tx_frames: 180, tx_bytes: 11_520, copies: 4, drops: 1 },
        synthetic: LaneCounters { rx_frames: 10, rx_bytes: 640, tx_frames: 20, tx_bytes: 1280, copies: 4, drops: 0 },
        losses: losses(),
    }
}
