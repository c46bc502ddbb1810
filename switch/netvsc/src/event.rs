// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What comes to a device, and what it wants done.

use crate::{Lane, Serial, Steering, Trouble};

/// On whose behalf something is offered or revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Somebody said so: never damped, and it ends a hold.
    Operator,
    /// The host's netdevs came and went: damped.
    Auto,
}

/// What may happen. All is accepted at any time; what makes no sense is refused, changes nothing and is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// There is a VF lane to be had: the device makes a serial and offers it to the guest.
    Offer(By),
    /// The VF lane must go.
    Revoke(By),
    /// The operator wants the data path on this lane. `Vf` holds until the guest or the lane say otherwise, `Synthetic` until
    /// the operator says otherwise or the guest starts anew. Never damped.
    SwitchAsked(Lane),

    /// The lane is open: [`Action::OpenLane`] is done, or its link is back. A lane that listens is open although nobody
    /// is connected: a VMM may be told to plug now.
    LaneUp,
    /// The lane's link is lost; the lane is still there.
    LaneDown,
    /// The lane is no more, or could not be opened: surprise removal.
    LaneGone,
    /// The lane's device repairs itself and carries nothing meanwhile.
    LaneRecovering,
    /// It is repaired.
    LaneRecovered,

    /// The guest's driver is there and has negotiated its features.
    GuestUp {
        /// Whether VIRTIO_NET_F_STANDBY (62) was among them.
        standby: bool,
    },
    /// The guest's driver or its session is gone. It is going to start anew and then knows of no VF.
    GuestDown,

    /// A channel to the VMM is configured and works. Without this event and [`Event::VmmLost`] the device takes it that
    /// there is none, and that somebody else plugs.
    VmmUp,
    /// The channel is configured and does not work.
    VmmLost,
    /// The device is in the guest's machine: the answer to [`Action::Plug`], or the VMM has put it back by itself.
    Plugged,
    /// The VMM refused [`Action::Plug`], and says why. A device that was there already is *not* a failure.
    PlugFailed(String),
    /// QEMU's FAILOVER_NEGOTIATED.
    Negotiated,
    /// QEMU's UNPLUG_PRIMARY: it has asked the guest by itself to let the device go, to migrate.
    UnplugAsked,
    /// QEMU's DEVICE_DELETED, or the VMM says that there is no such device.
    Unplugged,
    /// The VMM refused [`Action::Unplug`], or the guest did, and says why.
    UnplugFailed(String),

    /// A frame with the port's MAC as its source came in on this lane since that was looked at last. Said again at each
    /// look that finds one; when a look finds both lanes, the synthetic one is said first.
    Seen(Lane),

    /// The guest has answered on the VF lane what it was asked there: it hears that lane, and sends there ([`Steering::asks`]).
    Answered,

    /// More frames came than may wait ([`Steering::WAIT`]).
    Overflowed,

    /// NetVSC: the guest has found the VF and set it up.
    Found,
    /// NetVSC: the guest asks for the data path, and waits for [`Told::Completed`]. When this is refused, the guest
    /// must be told that it failed.
    GuestAsked(Lane),

    /// The frame path has applied the oldest [`Action::Steer`] that had no answer yet.
    Switched,
    /// The frame path could not apply it, and goes on as before.
    SwitchFailed,
}

/// What the device wants done, in this order, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the lane; answered by [`Event::LaneUp`] or [`Event::LaneGone`].
    OpenLane,
    /// Close the lane: nothing goes there any more. No answer.
    CloseLane,
    /// Have the VMM add the device; answered by [`Event::Plugged`] or [`Event::PlugFailed`]. May be repeated for one
    /// serial, after the channel was lost: a device that is there already is [`Event::Plugged`].
    Plug(Serial),
    /// Have the VMM take the device out; answered by [`Event::Unplugged`] or [`Event::UnplugFailed`]. May be repeated;
    /// a device that is not there is [`Event::Unplugged`].
    Unplug(Serial),
    /// Steer frames like this from now on. Answered once each, in order, by [`Event::Switched`] or
    /// [`Event::SwitchFailed`].
    Steer(Steering),
    /// The port is on the synthetic lane again: say so on uplinks by RARP, gratuitous ARP and unsolicited NA, so that a
    /// network that learnt its MAC behind the VF learns better.
    Announce,
    /// Something for the log, and for a guest with a NetVSC channel.
    Tell(Told),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The guest may look out for a VF with this serial. Said again to a driver that starts anew.
    Associated(Serial),
    /// The VF with this serial is withdrawn; the serial is the one that was advertised.
    Withdrawn(Serial),
    /// The switch that the guest asked for is over.
    Completed {
        /// What it asked for.
        lane: Lane,
        /// Whether it got it.
        done: bool,
    },
    /// The data path is on this lane now.
    Active(Lane),
    /// Something is not as it should be.
    Trouble(Trouble),
}
