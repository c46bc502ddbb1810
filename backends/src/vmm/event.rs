// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What has come of it.

use super::trouble::Trouble;

/// Something that happened at a VMM and concerns a port's VF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection is there, and the VMM was asked: this is how it is now, whatever was told before. A plug or unplug whose
    /// outcome was not told before [`Event::Lost`] has no other outcome than this.
    Ready {
        /// The VF is in the guest.
        plugged: bool,
    },
    /// The connection is lost or cannot be made, and why; until the next [`Event::Ready`] it is told again only when that is
    /// something else.
    Lost(Trouble),
    /// The VF is in the guest.
    Plugged,
    /// The VMM has the VF and keeps it back until the guest negotiates `VIRTIO_NET_F_STANDBY`. [`Event::Plugged`] or
    /// [`Event::PlugFailed`] follows when it does.
    Waiting,
    /// The VF is not in the guest, and nothing is left of the attempt.
    PlugFailed(Trouble),
    /// The guest has negotiated `VIRTIO_NET_F_STANDBY` (`FAILOVER_NEGOTIATED`).
    Negotiated,
    /// The VMM takes the VF out for a migration (`UNPLUG_PRIMARY`).
    UnplugAsked,
    /// The VF is out of the guest: because we asked, or by itself.
    Unplugged,
    /// The VF is still in the guest. It may leave later: [`Event::Unplugged`].
    UnplugFailed(Trouble),
    /// Something that concerns the whole guest.
    Machine(Machine),
}

/// What a whole guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// Its processors stand still: paused, or about to be on another host.
    Stopped,
    /// They run again.
    Resumed,
    /// It begins anew.
    Reset,
    /// It is off.
    ShutDown,
}
