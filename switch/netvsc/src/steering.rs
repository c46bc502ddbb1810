// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which lanes get a frame for the guest: a table of guest models against phases.

use crate::model::GuestModel;

/// A set of the two lanes; empty only in [`Steering::WAIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// The virtio rings.
    pub synthetic: bool,
    /// The VF lane.
    pub vf: bool,
}

impl Lanes {
    /// The synthetic lane alone.
    pub const SYNTHETIC: Lanes = Lanes { synthetic: true, vf: false };
    /// The VF lane alone.
    pub const VF: Lanes = Lanes { synthetic: false, vf: true };
    /// Each frame on both lanes.
    pub const BOTH: Lanes = Lanes { synthetic: true, vf: true };
    const NEITHER: Lanes = Lanes { synthetic: false, vf: false };
}

/// Where frames for the guest go, by kind, and where the guest's own go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steering {
    /// Frames with a unicast destination, to the guest.
    pub unicast: Lanes,
    /// Frames with a group destination, to the guest: Router Advertisements are among them.
    pub multicast: Lanes,
    /// Whether the guest's own unicast frames leave by the VF lane ([`GuestModel::HostLane`] only) instead of being
    /// switched. Its multicast is always switched.
    pub outward: bool,
    /// Whether the guest is asked what it has taken, because it may change over from the synthetic lane to the VF at any moment: while
    /// it answers, frames go by the synthetic lane alone, and none is lost or comes twice. The lanes above are for one that does not.
    pub asks: bool,
}

impl Steering {
    /// Everything by the synthetic lane: how a port begins.
    pub const SYNTHETIC: Steering = Steering::of(Lanes::SYNTHETIC, Lanes::SYNTHETIC);
    /// Frames for the guest wait, in order, and go by the lanes of the steering that comes next; others go behind them.
    pub const WAIT: Steering = Steering::of(Lanes::NEITHER, Lanes::NEITHER);
    const VF: Steering = Steering::of(Lanes::VF, Lanes::VF);
    const BOTH: Steering = Steering::of(Lanes::BOTH, Lanes::BOTH);
    /// Each frame once to a guest that answers, and on both lanes to one that does not.
    pub const ASKING: Steering = Steering { asks: true, ..Steering::BOTH };

    const fn of(unicast: Lanes, multicast: Lanes) -> Steering {
        Steering { unicast, multicast, outward: false, asks: false }
    }

    /// Whether any frame goes to the VF lane.
    #[must_use]
    pub fn uses_vf(self) -> bool {
        self.unicast.vf || self.multicast.vf || self.outward
    }

    /// The rule for a guest of `model` in `phase`.
    pub(crate) fn rule(model: GuestModel, phase: Phase) -> Steering {
        match (model, phase) {
            (_, Phase::Synthetic) => Steering::SYNTHETIC,
            (GuestModel::Standby, Phase::Vf) => Steering::VF,
            // It lets go of the one before it hears the other.
            (GuestModel::Standby, Phase::Deaf) => Steering::WAIT,
            (GuestModel::Standby, Phase::Crossing) => Steering::ASKING,
            // It takes exactly one of the two, and nobody but itself knows which.
            (GuestModel::Standby, Phase::Transition | Phase::Held) => Steering::BOTH,
            (GuestModel::Netvsc, Phase::Vf) => Steering::of(Lanes::VF, Lanes::SYNTHETIC),
            (GuestModel::Bond, Phase::Vf) => Steering::VF,
            // What is held has gone over to the VF and cannot be told to come back: twice is better than never.
            (GuestModel::Bond, Phase::Held) => Steering::BOTH,
            (GuestModel::HostLane, Phase::Vf) => Steering { outward: true, ..Steering::SYNTHETIC },
            (
                GuestModel::Netvsc | GuestModel::Bond | GuestModel::HostLane,
                Phase::Crossing | Phase::Transition | Phase::Held | Phase::Deaf,
            ) => Steering::SYNTHETIC,
        }
    }
}

/// What of a device's state decides about frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is no VF lane that the guest could hear.
    Synthetic,
    /// The guest hears the synthetic lane, and is about to change over to the VF.
    Crossing,
    /// The guest may hear either lane.
    Transition,
    /// The VF that it used is being taken from the guest, and the VMM is going to say when it is out.
    Deaf,
    /// The guest uses the VF, and the data path is held off it.
    Held,
    /// The guest uses the VF.
    Vf,
}
