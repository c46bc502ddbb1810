// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an operator sees of a device.

use crate::{GuestModel, Lane, Misfit, Origin, Serial, Trouble};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Where the agreement between host and guest stands. The crate's documentation has the diagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// There is no VF.
    #[default]
    Absent,
    /// A VF is there for the guest, and not yet in its machine.
    Offered,
    /// The VMM was asked to put it there.
    Plugging,
    /// It is there, or may be there any moment, and the guest was not seen to use it.
    Plugged,
    /// The guest can use it, and the synthetic lane is active.
    Ready,
    /// The data path is on its way to the VF; the synthetic lane is active.
    ToVf,
    /// The VF is active.
    OnVf,
    /// The data path is on its way to the synthetic lane; the VF is active.
    ToSynthetic,
    /// The VF is being taken from the guest.
    Leaving,
}

impl State {
    /// All states.
    pub const ALL: [State; 9] = [
        State::Absent,
        State::Offered,
        State::Plugging,
        State::Plugged,
        State::Ready,
        State::ToVf,
        State::OnVf,
        State::ToSynthetic,
        State::Leaving,
    ];

    /// The word of a status line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            State::Absent => "absent",
            State::Offered => "offered",
            State::Plugging => "plugging",
            State::Plugged => "plugged",
            State::Ready => "ready",
            State::ToVf => "to-vf",
            State::OnVf => "on-vf",
            State::ToSynthetic => "to-synthetic",
            State::Leaving => "leaving",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A device at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Where the agreement stands …
    pub state: State,
    /// … since when.
    pub since: Duration,
    /// The lane that carries the port's frames, as far as the frame path has confirmed it.
    pub active: Lane,
    /// The VF that is offered.
    pub serial: Option<Serial>,
    /// The guest's model, and how it is known.
    pub model: (GuestModel, Origin),
    /// The operator's model against what the guest does.
    pub misfit: Option<Misfit>,
    /// What is waited for; `None` when everything is as it was asked for.
    pub waits: Option<Waits>,
    /// What went wrong last, until it is made good.
    pub trouble: Option<Trouble>,
    /// How often what happened.
    pub counts: Counts,
}

/// How often things happened since the device was made, restarts included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Changes of the active lane, both ways.
    pub switches: u64,
    /// Losses of the VF that were neither the operator's wish nor the VMM's.
    pub flaps: u64,
    /// Flaps after which the data path was held off the VF for a while.
    pub damped: u64,
    /// Switches that the frame path could not do.
    pub failed: u64,
    /// Events that made no sense.
    pub strays: u64,
}

/// What a device waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// The lane to open.
    LaneOpen,
    /// The lane's link.
    Link,
    /// The lane's device to repair itself.
    Recovery,
    /// A driver in the guest.
    Guest,
    /// The guest and the operator's model to agree.
    Agreement(Misfit),
    /// The channel to the VMM.
    Vmm,
    /// The VMM's answer.
    VmmAnswer,
    /// The operator, after the VMM refused as often as it is asked.
    Operator,
    /// The VMM, which took the VF out by itself, to put it back; or the guest to start anew.
    Migration,
    /// The end of a time: the offer's delay, the takeover, a link's hold, or the next attempt.
    Time(Duration),
    /// The end of a hold: the data path was lost too often.
    Hold(Duration),
    /// The guest to use the VF.
    Use,
    /// The operator, who wants the synthetic lane.
    Pinned,
    /// The frame path to confirm.
    FramePath,
    /// The guest and the VMM to let the device go; until then at most.
    Unplug(Option<Duration>),
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Waits::LaneOpen => "the VF lane is not open yet",
            Waits::Link => "the VF lane's link is down",
            Waits::Recovery => "the VF lane's device repairs itself",
            Waits::Guest => "the guest has no driver running",
            Waits::Agreement(misfit) => return misfit.fmt(f),
            Waits::Vmm => "the VMM's channel does not answer",
            Waits::VmmAnswer => "the VMM was asked to plug the device",
            Waits::Operator => "the VMM refused every time; mend what it says and offer the VF again",
            Waits::Migration => "the VMM took the device out by itself",
            Waits::Time(_) => "a short while, so that the guest can follow",
            Waits::Hold(_) => "the VF was lost too often and is left alone for a while; switching by hand ends that",
            Waits::Use => "the guest does not use the VF yet",
            Waits::Pinned => "the operator wants the synthetic lane",
            Waits::FramePath => "the workers have not confirmed the switch yet",
            Waits::Unplug(_) => "the guest has not let the device go yet",
        })
    }
}
