// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The socket over which the kernel tells what happens to its netdevs.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::PathBuf;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::route::RouteMessage;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::dumps::Part;
use super::follower::{Follower, Refused};
use super::table::{Event, Table};
use super::{SYSFS_NET, sysfs};

/// Groups of news (`linux/rtnetlink.h`): of netdevs, and of routes.
const GROUPS: [u32; 3] = [1, 7, 11];
/// Octets of what the kernel may tell before we read it, if it lets us. Twice a burst of 1000 netdevs.
const RECEIVE_BUFFER: usize = 4 << 20;
/// The largest datagram: lists come in pieces of at most 32 KiB (`netlink_recvmsg`), news are one message each.
const DATAGRAM_MAX: usize = 64 << 10;
/// Datagrams that are read in one turn.
const DATAGRAMS_AT_ONCE: usize = 32;

/// Why the netdevs of the host are not known.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// No socket.
    #[error("no rtnetlink socket, so no VF netdev is found by itself ({0}); sandboxes must allow AF_NETLINK")]
    Open(io::Error),
    /// The socket does not work any more.
    #[error("rtnetlink cannot be read, so VF netdevs that come and go are not noticed ({0}); restart weftd")]
    Receive(io::Error),
    /// The kernel was not asked. It is asked again at the next turn.
    #[error("the kernel cannot be asked for its netdevs and routes, which is tried again ({0})")]
    Ask(io::Error),
    /// The kernel does not answer.
    #[error(
        "the kernel refuses to list its {what} ({why}); VF netdevs may not be found: name the netdev, or plug by hand"
    )]
    Refused {
        /// What it was asked for.
        what: &'static str,
        /// What it says.
        why: io::Error,
    },
}

/// What is to be other than usual, for tests.
#[derive(Clone, Debug)]
pub struct MonitorOptions {
    /// Octets that the kernel may keep for us.
    pub receive_buffer: usize,
    /// Where the kernel shows what netdevs hang on.
    pub sysfs: PathBuf,
}

impl Default for MonitorOptions {
    fn default() -> MonitorOptions {
        MonitorOptions { receive_buffer: RECEIVE_BUFFER, sysfs: PathBuf::from(SYSFS_NET) }
    }
}

/// What a turn brought.
#[derive(Debug, Default)]
pub struct Turn {
    /// What has happened to netdevs, in order.
    pub events: Vec<Event>,
    /// There is more to read: the next turn is due at once, when others have had theirs.
    pub more: bool,
    /// What went wrong.
    pub trouble: Option<MonitorError>,
}

/// Knows the netdevs of the network namespace in which it was opened.
pub struct Monitor {
    socket: Socket,
    follower: Follower,
    sysfs: PathBuf,
    buffer: Vec<u8>,
    losses: u64,
}

impl Monitor {
    /// Begins to listen in the network namespace of the calling thread. The first [`Monitor::turn`] asks what is there.
    ///
    /// # Errors
    /// [`MonitorError::Open`].
    pub fn open() -> Result<Monitor, MonitorError> {
        Monitor::open_with(MonitorOptions::default())
    }

    /// As [`Monitor::open`].
    ///
    /// # Errors
    /// [`MonitorError::Open`].
    pub fn open_with(options: MonitorOptions) -> Result<Monitor, MonitorError> {
        let (socket, port) = socket(options.receive_buffer).map_err(MonitorError::Open)?;
        let (follower, buffer) = (Follower::new(port), vec![0; DATAGRAM_MAX]);
        Ok(Monitor { socket, follower, sysfs: options.sysfs, buffer, losses: 0 })
    }

    /// The netdevs that are known.
    pub fn table(&self) -> &Table {
        &self.follower.table
    }

    /// Times that the kernel had more to tell than it kept for us. Each time everything was asked for anew.
    pub fn losses(&self) -> u64 {
        self.losses
    }

    /// Reads what has come, up to a bound, and asks for what is wanted. Never blocks, but for the kernel's own lock of its
    /// netdevs. Due when the descriptor is readable, once at the beginning, and a while after a turn with trouble. After
    /// [`MonitorError::Receive`] there is nothing more to come, and the monitor is to be dropped.
    pub fn turn(&mut self) -> Turn {
        let mut turn = Turn::default();
        self.ask(&mut turn);
        turn.more = true;
        for _ in 0..DATAGRAMS_AT_ONCE {
            match self.receive() {
                Ok(Some(length)) => {
                    let bus_of = |name: &str| sysfs::bus_of(&self.sysfs, name);
                    let refused = self.follower.read(&self.buffer[..length], &bus_of);
                    turn.trouble = refused.and_then(refusal).or(turn.trouble);
                }
                Ok(None) => {}
                Err(why) => {
                    turn.more = false;
                    if why.kind() != io::ErrorKind::WouldBlock {
                        turn.trouble = Some(MonitorError::Receive(why));
                    }
                    break;
                }
            }
            self.ask(&mut turn);
        }
        turn.events.extend(std::iter::from_fn(|| self.follower.table.poll_event()));
        turn
    }

    /// Asks for the list that is due.
    fn ask(&mut self, turn: &mut Turn) {
        let Some((part, seq)) = self.follower.dumps.next() else { return };
        if let Err(why) = self.socket.send(&request(part, seq), 0) {
            self.follower.dumps.unsent();
            turn.trouble = Some(MonitorError::Ask(why));
        }
    }

    /// The length of a datagram of the kernel's that is in the buffer now; nothing when something else was read.
    fn receive(&mut self) -> io::Result<Option<usize>> {
        let mut place = &mut self.buffer[..];
        match self.socket.recv_from(&mut place, RecvFlags::TRUNC.bits() as i32) {
            Ok((length, from)) if from.port_number() == 0 => {
                if length > DATAGRAM_MAX {
                    self.lost();
                }
                Ok(Some(length.min(DATAGRAM_MAX)))
            }
            Ok(_) => Ok(None),
            Err(why) if why.raw_os_error() == Some(Errno::NOBUFS.raw_os_error()) => {
                self.lost();
                Ok(None)
            }
            Err(why) if why.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(why) => Err(why),
        }
    }

    fn lost(&mut self) {
        self.losses += 1;
        self.follower.dumps.lost();
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Monitor {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// A socket that hears the news and is connected to the kernel, and its number.
fn socket(receive_buffer: usize) -> io::Result<(Socket, u32)> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.set_non_blocking(true)?;
    // Without it the usual size holds, and there are losses sooner.
    let _ = socket.set_rx_buf_sz(i32::try_from(receive_buffer).unwrap_or(i32::MAX));
    let port = socket.bind_auto()?.port_number();
    socket.connect(&SocketAddr::new(0, 0))?;
    GROUPS.iter().try_for_each(|group| socket.add_membership(*group))?;
    Ok((socket, port))
}

/// The request for a list.
fn request(part: Part, seq: u32) -> Vec<u8> {
    let message = match part {
        Part::Links => RouteNetlinkMessage::GetLink(LinkMessage::default()),
        Part::Routes4 | Part::Routes6 => {
            let mut routes = RouteMessage::default();
            routes.header.address_family =
                if part == Part::Routes4 { AddressFamily::Inet } else { AddressFamily::Inet6 };
            RouteNetlinkMessage::GetRoute(routes)
        }
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    header.sequence_number = seq;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut octets = vec![0; message.buffer_len()];
    message.serialize(&mut octets);
    octets
}

/// What is to be said of a refusal, unless it does not matter: a kernel without IPv6 has no routes of IPv6.
fn refusal(refused: Refused) -> Option<MonitorError> {
    let what = match refused.part {
        Part::Links => "netdevs",
        Part::Routes4 => "IPv4 routes",
        Part::Routes6 => return None,
    };
    Some(MonitorError::Refused { what, why: io::Error::from_raw_os_error(refused.code) })
}
