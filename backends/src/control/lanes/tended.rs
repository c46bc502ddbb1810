// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The netdev of a VF while weft uses it for a guest: it is set up, and the host does not speak IPv6 over it, for who is at its
//! other end is the guest's company and not the host's. Both are put back when weft lets go of it.
//!
//! Nothing of this is needed for frames to go through, so what fails is a warning: somebody else may have seen to it.

use rustix::net::netdevice::index_to_name;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};

/// What switches IPv6 off, in the file of each netdev.
const OFF: &str = "1";

/// A netdev that weft looks after, until this is dropped.
pub(super) struct Tended {
    index: u32,
    /// It was down.
    raised: bool,
    /// The kernel has told since that it is up.
    seen_up: bool,
    /// What stood where IPv6 is switched off, if it was changed.
    ipv6: Option<String>,
}

impl Tended {
    /// Looks after the netdev with this number, in the network namespace of the calling thread.
    pub(super) fn new(index: u32) -> Tended {
        let mut tended = Tended { index, raised: false, seen_up: false, ipv6: None };
        if let Err(why) = tended.take() {
            tracing::warn!(netdev = index, %why, "the netdev of a VF is left as it is: set it up, and IPv6 off on it");
        }
        tended
    }

    fn take(&mut self) -> io::Result<()> {
        let (socket, name) = self.find()?;
        // First of all: as soon as it is up the host would make itself an address.
        let ipv6 = self.switch_ipv6_off(&name);
        self.raised = !sys::netdev::set_up(socket.as_fd(), &name, true)?;
        ipv6
    }

    fn switch_ipv6_off(&mut self, name: &str) -> io::Result<()> {
        let before = match fs::read_to_string(switch_of(name)) {
            // The kernel speaks no IPv6 at all.
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(()),
            before => before?,
        };
        if before.trim() != OFF {
            fs::write(switch_of(name), OFF)?;
            self.ipv6 = Some(before);
        }
        Ok(())
    }

    /// Its name now: it may have been renamed.
    fn find(&self) -> io::Result<(OwnedFd, String)> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
        let name = index_to_name(&socket, self.index)?;
        Ok((socket, name))
    }

    /// Whether what is known of its carrier is of the time since it was set up.
    pub(super) fn has_come_up(&mut self, is_up: Option<bool>) -> bool {
        self.seen_up |= !self.raised || is_up != Some(false);
        self.seen_up
    }

    fn put_back(&self) -> io::Result<()> {
        // One that has gone needs nothing.
        let Ok((socket, name)) = self.find() else { return Ok(()) };
        if self.raised {
            sys::netdev::set_up(socket.as_fd(), &name, false)?;
        }
        self.ipv6.as_ref().map_or(Ok(()), |before| fs::write(switch_of(&name), before))
    }
}

impl Drop for Tended {
    fn drop(&mut self) {
        if let Err(why) = self.put_back() {
            tracing::warn!(netdev = self.index, %why, "the netdev of a VF was not put back as it was");
        }
    }
}

fn switch_of(netdev: &str) -> String {
    format!("/proc/sys/net/ipv6/conf/{netdev}/disable_ipv6")
}
