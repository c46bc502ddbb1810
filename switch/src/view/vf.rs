// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The VFs of ports.

use crate::control::Control;
use crate::port::PortRecord;
use crate::vf::VfSpec;
use dataplane::Traffic;
use netvsc::{GuestModel, Lane, Origin, Serial};
use std::time::Duration;

/// The VF of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VfView {
    /// What was asked for.
    pub spec: VfSpec,
    /// The guest model that holds, said or found out; `None`: it is not known yet.
    pub model: Option<GuestModel>,
    /// How that is known.
    pub origin: Origin,
    /// Where the guest and the host stand, in one word.
    pub state: &'static str,
    /// The lane that carries the guest's frames.
    pub active: Lane,
    /// The number by which the VF is known to the guest; `None`: there is none now.
    pub serial: Option<Serial>,
    /// The lane itself.
    pub lane: VfLaneView,
    /// What has happened to it.
    pub counts: VfCounts,
    /// How the guest's VMM is spoken with, in words; `None`: with nobody.
    pub vmm: Option<String>,
    /// What went wrong last, or what is waited for, in words.
    pub trouble: Option<String>,
    /// For how long it is in this state.
    pub since: Duration,
}

/// The VF lane of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VfLaneView {
    /// Whether frames can go through it.
    pub up: bool,
    /// Why not, or what else there is to say.
    pub why: Option<String>,
    /// What was found on the host, for a lane that is to be found: `eth5 (0000:65:00.1)`.
    pub found: Option<String>,
}

/// What has happened to a VF since it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VfCounts {
    /// Changes of the active lane.
    pub switches: u64,
    /// Changes of the lane's link that were not followed, for there were too many.
    pub damped: u64,
    /// What went over the VF lane.
    pub vf: LaneCounts,
    /// What went over the synthetic lane.
    pub synthetic: LaneCounts,
}

/// What went over one lane of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneCounts {
    /// Frames to the guest.
    pub rx_frames: u64,
    /// Bytes of them.
    pub rx_bytes: u64,
    /// Frames from the guest.
    pub tx_frames: u64,
    /// Bytes of them.
    pub tx_bytes: u64,
    /// Frames among those to the guest that went over the other lane too, in a transition.
    pub copies: u64,
    /// Frames to the guest that the lane lost.
    pub drops: u64,
}

/// What the lanes of a port beside its rings have lost at their far ends since the port is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneLosses {
    /// Frames to the lane that its far end did not take, at once or later.
    pub lost: u64,
    /// Frames from it for which the kernel had no room.
    pub missed: u64,
    /// Messages from it that are no frames.
    pub malformed: u64,
}

impl LaneLosses {
    /// Adds what was lost since.
    pub(crate) fn add(&mut self, since: LaneLosses) {
        let LaneLosses { lost, missed, malformed } = since;
        for (sum, count) in [(&mut self.lost, lost), (&mut self.missed, missed), (&mut self.malformed, malformed)] {
            *sum = sum.saturating_add(count);
        }
    }
}

/// The VF of a port, if it has one.
pub(super) fn vf_view(control: &Control, record: &PortRecord) -> Option<VfView> {
    let vf = control.vfs.get(&record.path())?;
    let status = vf.device.status();
    let trouble = status.trouble.map(|trouble| trouble.to_string());
    let waits = status.waits.map(|waits| waits.to_string());
    let counts = lane_counts(record, vf.is_inward(), status.counts);
    Some(VfView {
        spec: vf.spec.clone(),
        model: Some(status.model.0),
        origin: status.model.1,
        state: status.state.word(),
        active: status.active,
        serial: status.serial,
        lane: vf.lane.clone(),
        counts,
        vmm: vf.vmm.clone(),
        trouble: status.misfit.map(|misfit| misfit.to_string()).or(trouble).or(waits),
        since: control.now.saturating_sub(status.since.max(vf.since)),
    })
}

/// What went over each lane. What the port counts and the VF lane does not went over the rings. A host lane has its far end
/// outside: what the guest sent leaves by it, and what comes out of it is delivered to the rings.
fn lane_counts(record: &PortRecord, is_inward: bool, counts: netvsc::Counts) -> VfCounts {
    let (port, lane) = (record.device.stats(), record.device.lane_stats());
    let copies = lane.copies.frames;
    let (to_guest, of_guest) = match is_inward {
        true => (lane.taken, lane.outward),
        false => (lane.sole + lane.copies, lane.taken),
    };
    let over = |rx: Traffic, tx: Traffic, drops| LaneCounts {
        rx_frames: rx.frames,
        rx_bytes: rx.bytes,
        tx_frames: tx.frames,
        tx_bytes: tx.bytes,
        copies,
        drops,
    };
    let alone = if is_inward { lane.taken } else { lane.sole };
    let synthetic = over(rest(port.rx, alone), rest(port.tx, of_guest), 0);
    VfCounts {
        switches: counts.switches,
        damped: counts.damped,
        vf: over(to_guest, of_guest, lane.copies_lost),
        synthetic,
    }
}

/// What is left of all without a part, which may have been read a moment later.
fn rest(all: Traffic, part: Traffic) -> Traffic {
    Traffic { frames: all.frames.saturating_sub(part.frames), bytes: all.bytes.saturating_sub(part.bytes) }
}
