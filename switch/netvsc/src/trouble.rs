// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What goes wrong: requests that are refused, and troubles that are shown.

use crate::limits::REASON_BYTES;
use crate::{Lane, Misfit, Serial};
use std::fmt;

/// Why an event changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A VF is offered already.
    Offered(Serial),
    /// No VF is offered.
    NotOffered,
    /// The VF is not in the guest's machine yet.
    NotPlugged,
    /// The VF is on its way out.
    Leaving,
    /// The VF lane carries nothing now.
    LaneNotUp,
    /// The guest has no driver running.
    NoGuest,
    /// The operator's model and the guest contradict each other.
    Misfit(Misfit),
    /// All serials are used up.
    NoSerial,
    /// It makes no sense now; counted in [`crate::Counts::strays`].
    Unexpected,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Offered(serial) => {
                return write!(f, "a VF (serial {serial}) is offered already: revoke it before you offer another");
            }
            Refused::NotOffered => "no VF is offered: offer one first",
            Refused::NotPlugged => "the VF is not in the guest's machine yet: wait for the state plugged or ready",
            Refused::Leaving => "the VF is being taken from the guest: wait for the state absent",
            Refused::LaneNotUp => "the VF lane carries nothing now: see to its link first",
            Refused::NoGuest => "the guest has no driver running: start it first",
            Refused::Misfit(misfit) => return misfit.fmt(f),
            Refused::NoSerial => "all serials of this port are used up: delete the port and add it again",
            Refused::Unexpected => "this makes no sense in the present state, and was counted",
        })
    }
}

impl std::error::Error for Refused {}

/// What is not as it should be. The port works on the synthetic lane all the same, unless the text says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The VMM refused to plug the device.
    PlugFailed(String),
    /// The VMM did not answer to a request to plug the device. It is taken that the device may be there.
    PlugUnanswered,
    /// The guest does not take the device into use.
    NotUsed,
    /// The frame path could not move to this lane.
    SwitchFailed(Lane),
    /// The lane was lost by surprise.
    LaneGone,
    /// The lane's link stayed down, and the device was taken from the guest, which would hear nothing otherwise.
    LinkDown,
    /// The VMM or the guest refused to let the device go.
    UnplugFailed(String),
    /// The device may still be in the guest's machine, and its lane is closed.
    StillPlugged,
    /// The VMM's channel was lost.
    VmmLost,
    /// Somebody else took the device out of the guest's machine.
    Removed,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::PlugFailed(reason) => return write!(f, "the VMM refused to plug the device: {reason}"),
            Trouble::PlugUnanswered => {
                "the VMM did not answer to a request to plug the device: see whether its socket hangs"
            }
            Trouble::NotUsed => {
                "the guest does not use the VF: see whether it has a driver for it and both NICs have the port's MAC"
            }
            Trouble::SwitchFailed(lane) => return write!(f, "the workers could not switch to the {lane} lane"),
            Trouble::LaneGone => "the VF lane was lost by surprise: offer the VF again when it is back",
            Trouble::LinkDown => {
                "the VF lane's link stayed down, so the device was taken from the guest: offer it again when the link is back"
            }
            Trouble::UnplugFailed(reason) => return write!(f, "the device could not be unplugged: {reason}"),
            Trouble::StillPlugged => {
                "the guest may still have the device, whose lane is closed; one with net_failover hears nothing until \
                 the device is removed: remove it in the VMM"
            }
            Trouble::VmmLost => "the VMM's channel was lost: see whether the VMM runs and listens there",
            Trouble::Removed => "the VMM removed the device without being asked: offer the VF again",
        })
    }
}

/// As much of a VMM's text as is kept.
pub(crate) fn bounded(mut reason: String) -> String {
    let end = (0..=REASON_BYTES.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
    reason.truncate(end.unwrap_or(0));
    reason
}
