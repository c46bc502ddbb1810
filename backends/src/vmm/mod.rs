// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! weft's own channel to a guest's VMM, by which a port's VF is plugged into the guest and taken out again.
//!
//! # Theory of operation
//!
//! ```text
//!   control loop                                            the VMM
//!   plug, unplug ──▶ Channel ──▶ dialogue ──▶ octets ──▶ Unix socket
//!   Event        ◀── (socket,    (qmp or     ◀── octets ◀──
//!                     pauses)     cloud)
//! ```
//!
//! A [`Channel`] belongs to one port and has one socket of the VMM's. It connects by itself and for ever, and what it is told
//! to do it does on the control loop, without waiting: [`Channel::turn`] does what can be done now, [`Channel::due`] says
//! when something is due by time, and [`Channel::poll_event`] what has come of it. Its descriptor stays the same
//! whatever happens to the connection.
//!
//! What is said is decided by a *dialogue*, which is pure: octets and times go in, octets and [`Event`]s come out. There are two:
//!
//! * `qmp`: QEMU's monitor. A VF that is emulated gets a netdev and a device on it; the guest's leaving it is told by an event.
//! * `cloud`: cloud-hypervisor's API, HTTP over the socket. There are no events, so what became of a device is asked for.
//!
//! The device that is plugged has a name that only weft makes ([`DeviceId`]), the same for all VFs of a port: QEMU remembers which
//! primary belongs to a standby and takes none of another name, even when the first is gone. When a connection is made,
//! the VMM is asked whether that device is there ([`Event::Ready`]), so neither a restart of weftd nor a lost
//! connection makes us forget one.
//!
//! # Trust
//!
//! The VMM may be taken over by its guest. It can make us believe that the device is plugged or gone, which steers frames of its
//! own port only. What it sends is bounded (of QEMU a line, of cloud-hypervisor a response), and what is no answer to
//! our question ends the connection with a reason. Each question has a time ([`ANSWER_MAX`], [`ADD_MAX`]).

mod channel;
mod cloud;
mod dialogue;
mod event;
pub mod fuzz;
mod qmp;
mod spec;
mod trouble;

#[cfg(test)]
mod tests;

pub use channel::Channel;
pub use event::{Event, Machine};
pub use spec::{DeviceId, Dialect, Hardware, Identity, LaneSocket, Vf};
pub use switch::{BadPciAddress, PciAddress};
pub use trouble::Trouble;

use std::time::Duration;

/// How long a VMM may take for an answer. QEMU answers between two turns of its main loop; what takes longer hangs.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);

/// How long it may take to add a device: of one by VFIO all memory of the guest is pinned first, and meanwhile QEMU does
/// nothing else.
pub const ADD_MAX: Duration = Duration::from_secs(60);

/// How long a guest may take to let a device go: what QEMU gives it when a migration is cancelled (`migration.c`).
pub const UNPLUG_MAX: Duration = Duration::from_secs(30);
