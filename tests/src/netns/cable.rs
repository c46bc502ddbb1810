// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A cable from a network namespace to a port.
//!
//! Its near end is one half of a veth pair, read and written as whole frames by a packet socket; its far end is a
//! [`SyntheticGuest`] on the port. Both halves of the pair are in the namespace; the kernel is told to leave the near one
//! alone. Offloads are off: a frame goes out with its checksum, and not longer than the MTU.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{LinkAddr, bind};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

use super::Netns;
use crate::guest::{GuestOptions, SyntheticGuest, feature};
use crate::programs::{Program, output};
use crate::weftd::mac_text;

/// The half of the veth pair that the socket is on.
const NEAR: &str = "cable";
/// All protocols (`ETH_P_ALL`), as the kernel wants it: in network byte order.
const EVERYTHING: u32 = 3u16.to_be() as u32;
/// The longest frame: one that is not cut by offloads is no longer than a jumbo frame.
const FRAME_MAX: usize = 9216 + 18;
/// What makes frames that are not whole.
const OFFLOADS: [&str; 10] = ["tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off"];

/// A cable; it is pulled when this is dropped.
#[derive(Debug)]
pub struct Cable {
    stop: Arc<OwnedFd>,
    pump: Option<JoinHandle<()>>,
}

impl Cable {
    /// Gives the namespace an `eth0` that is down, with the MAC of the guest with this number, and joins it to the port
    /// whose socket is at `path`.
    ///
    /// # Panics
    /// When it has one already, when there is no `ethtool`, or when the switch does not take the guest.
    pub fn plug(netns: &Netns, path: &Path, number: u8) -> Cable {
        let name = path.file_stem().map_or_else(|| "cable".into(), |name| name.to_string_lossy());
        let options = GuestOptions::new(&name, number);
        let options = GuestOptions { features: feature::LINUX & !feature::OFFLOADS, ..options };
        netns.ip(&format!("link add eth0 address {} type veth peer name {NEAR}", mac_text(options.mac)));
        netns.set(&format!("ipv6/conf/{NEAR}/disable_ipv6"), "1");
        let ethtool = Program::find("ethtool").expect("its absence was noted as a skip");
        for half in ["eth0", NEAR] {
            output(netns.command(&ethtool).args(["-K", half]).args(OFFLOADS));
        }
        netns.ip(&format!("link set {NEAR} up"));
        let guest = SyntheticGuest::attach(path, options);
        let guest = guest.unwrap_or_else(|why| panic!("a cable to {}: {why}", path.display()));
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).expect("a test has file descriptors to spare"));
        let pump = Pump { guest, socket: netns.inside(socket), stop: Arc::clone(&stop) };
        Cable { stop, pump: Some(thread::spawn(|| pump.run())) }
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // A counter of eight bytes that nobody else writes takes a one.
        let _ = rustix::io::write(&self.stop, &1u64.to_ne_bytes());
        let ended = self.pump.take().map(JoinHandle::join);
        assert!(thread::panicking() || !matches!(ended, Some(Err(_))), "the cable broke");
    }
}

/// A packet socket on the near half, from a thread in its namespace.
fn socket() -> OwnedFd {
    let everything = Protocol::from_raw(EVERYTHING.try_into().expect("not zero"));
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, Some(everything));
    let socket = socket.expect("root may have a packet socket");
    bind(socket.as_raw_fd(), &near()).expect("the near half is up");
    socket
}

/// The link-layer address of the near half, by which the kernel knows which half is meant.
fn near() -> LinkAddr {
    let mut all = getifaddrs().expect("the kernel lists interfaces");
    let found = all.find_map(|one| (one.interface_name == NEAR).then_some(*one.address?.as_link_addr()?));
    found.expect("the near half was made a moment ago")
}

/// What moves the frames.
struct Pump {
    guest: SyntheticGuest,
    socket: OwnedFd,
    stop: Arc<OwnedFd>,
}

impl Pump {
    fn run(mut self) {
        let mut frame = vec![0; FRAME_MAX];
        while self.wait() {
            while let Ok((_, len)) = recv(&self.socket, &mut frame[..], RecvFlags::empty()) {
                self.guest.send(&frame[..len]);
            }
            while let Some(received) = self.guest.recv() {
                // What does not go into a cable is lost, as with any other.
                let _ = send(&self.socket, &received.frame, SendFlags::empty());
            }
        }
    }

    /// Sleeps until there is something to move; false: the cable is pulled.
    fn wait(&mut self) -> bool {
        let receive: Vec<_> = self.guest.pairs().iter().map(|pair| pair.rx.queue()).collect();
        if receive.iter().filter(|queue| queue.arm()).count() > 0 {
            return true;
        }
        let calls = receive.iter().map(|queue| queue.bells().call_fd());
        let all = [self.stop.as_fd(), self.socket.as_fd()].into_iter().chain(calls);
        let mut all: Vec<PollFd<'_>> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let _ = poll(&mut all, None);
        for queue in receive {
            queue.bells().take_calls();
        }
        !all[0].revents().contains(PollFlags::IN)
    }
}
