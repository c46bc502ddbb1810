// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a session drives.

use wire::MacAddr;

/// The rings of one port, as the data plane runs them. `queue` is the vring index (even: receive, to the guest; odd:
/// transmit).
///
/// Every call returns only when the data plane has applied it, so that the frontend's acknowledgement means what it
/// says. Calls come one at a time, but for [`RingHost::announce`], which may come beside another. A later session of the
/// same port begins only after the last call of the one before.
pub trait RingHost: Send + Sync + 'static {
    /// The virtio feature bits in force from now on; 0 when the session ends. No ring runs during the call.
    fn negotiated(&self, features: u64);

    /// Serves this ring until [`RingHost::stop`]. `more`: receive rings are about to start that do not run yet.
    fn start(&self, queue: u16, ring: sys::Ring, more: bool);

    /// Stops serving the ring and gives it back; nothing touches guest memory through it any more. `None`: it was not
    /// running.
    fn stop(&self, queue: u16) -> Option<sys::Ring>;

    /// Marks what is written for a running ring in `log` from now on; `None`: nowhere. Nothing is marked in the log before
    /// when this returns, and no frame is lost or delayed by it.
    fn relog(&self, queue: u16, log: Option<sys::RingLog>);

    /// Has a running receive ring ring this bell from now on; `None`: none. No frame is lost or delayed by it.
    fn set_call(&self, queue: u16, call: Option<sys::Doorbell>);

    /// Announces that `mac` is behind this port (SEND_RARP, after a migration).
    fn announce(&self, mac: MacAddr);
}
