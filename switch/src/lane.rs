// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a lane is that is not virtio rings, as an operator says it: one text for each, the same in the configuration, on
//! the command line and on the wire.

mod fault;
mod text;

use crate::delegation::check_socket;
use crate::limits::{AUTO_IGNORE_MAX, FILE_PATH_MAX, NETDEV_NAME_MAX, QUEUE_PAIRS_MAX};
use crate::pci::PciAddress;
use crate::refusal::Refusal;
use crate::spec::{Mode, check_mac, in_range};
use std::collections::BTreeSet;
use wire::MacAddr;

pub use fault::Faults;

/// What a lane is. Its text is read by [`LaneSpec::parse`] and written by `Display`; one that was parsed is within all
/// bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneSpec {
    /// A frame a datagram, over Unix sockets: `-netdev dgram` of QEMU.
    Dgram {
        /// Where weftd receives.
        path: String,
        /// Where whoever is at the other end receives.
        peer: String,
    },
    /// Frames with their length before them, over a Unix socket: `-netdev stream` of QEMU.
    Stream {
        /// The socket.
        path: String,
        /// Who connects.
        mode: Mode,
    },
    /// A netdev of the host, such as a VF's or an uplink's: its frames are taken from it and sent on it.
    Packet {
        /// Its name.
        netdev: String,
    },
    /// A netdev of the host that weftd makes, and whose other side it is.
    Tap {
        /// Its name.
        name: String,
        /// Its queues.
        queues: u16,
    },
    /// Takes every frame and gives none.
    Null,
    /// Gives back every frame that it takes.
    Loopback,
    /// Files of frames.
    Pcap {
        /// Where what the lane takes is written to.
        path: String,
        /// Where what it gives is read from, if from anywhere.
        read: Option<String>,
    },
    /// Another lane, some frames of which are lost, come twice, or out of order.
    Fault {
        /// What goes wrong.
        faults: Faults,
        /// The lane.
        lane: Box<LaneSpec>,
    },
    /// A VF that the guest has to itself (VFIO): its data bypasses weftd.
    Bypass {
        /// The VF.
        pci: PciAddress,
    },
    /// A VF of the host that weftd finds, and uses for as long as it is there.
    Auto(AutoLane),
}

/// By what weftd finds the VF of a port among the netdevs of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutoLane {
    /// Only the netdev of this name.
    pub iface: Option<String>,
    /// One with this address, in place of the port's own.
    pub mac: Option<MacAddr>,
    /// Also one that the host itself speaks over: one with a route or an address.
    pub force: bool,
    /// Never one of these.
    pub ignore: BTreeSet<String>,
}

/// Something of the host that only one lane can have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claim {
    Socket(String),
    Netdev(String),
    File(String),
    Pci(PciAddress),
}

impl LaneSpec {
    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            LaneSpec::Dgram { .. } => "dgram",
            LaneSpec::Stream { .. } => "stream",
            LaneSpec::Packet { .. } => "packet",
            LaneSpec::Tap { .. } => "tap",
            LaneSpec::Null => "null",
            LaneSpec::Loopback => "loopback",
            LaneSpec::Pcap { .. } => "pcap",
            LaneSpec::Fault { .. } => "fault",
            LaneSpec::Bypass { .. } => "bypass",
            LaneSpec::Auto(_) => "auto",
        }
    }

    /// Whether frames go between the guest and a device without passing weftd.
    pub fn bypasses(&self) -> bool {
        matches!(self, LaneSpec::Bypass { .. })
    }

    /// Whether it reaches things of the host that only its operator may give away. The others are sockets, which can be
    /// confined, or reach nothing. Faults are for whoever tests the host.
    pub fn is_of_host(&self) -> bool {
        match self {
            LaneSpec::Dgram { .. } | LaneSpec::Stream { .. } | LaneSpec::Null | LaneSpec::Loopback => false,
            LaneSpec::Packet { .. }
            | LaneSpec::Tap { .. }
            | LaneSpec::Pcap { .. }
            | LaneSpec::Fault { .. }
            | LaneSpec::Bypass { .. }
            | LaneSpec::Auto(_) => true,
        }
    }

    /// The lane that carries its frames, whatever befalls them on it.
    pub fn carrier(&self) -> &LaneSpec {
        match self {
            LaneSpec::Fault { lane, .. } => lane.carrier(),
            lane => lane,
        }
    }

    /// The sockets that it is made of, its own first.
    pub fn sockets(&self) -> impl Iterator<Item = &str> {
        let (own, peer) = match self.carrier() {
            LaneSpec::Dgram { path, peer } => (Some(path), Some(peer)),
            LaneSpec::Stream { path, .. } => (Some(path), None),
            _ => (None, None),
        };
        own.into_iter().chain(peer).map(String::as_str)
    }

    pub(crate) fn claims(&self) -> impl Iterator<Item = Claim> {
        let (first, second) = match self.carrier() {
            LaneSpec::Packet { netdev } => (Some(Claim::Netdev(netdev.clone())), None),
            LaneSpec::Tap { name, .. } => (Some(Claim::Netdev(name.clone())), None),
            LaneSpec::Pcap { path, read } => (Some(Claim::File(path.clone())), read.clone().map(Claim::File)),
            LaneSpec::Bypass { pci } => (Some(Claim::Pci(*pci)), None),
            LaneSpec::Auto(auto) => (auto.iface.clone().map(Claim::Netdev), None),
            _ => (None, None),
        };
        let sockets = self.sockets().map(|socket| Claim::Socket(socket.to_owned()));
        sockets.chain(first).chain(second)
    }

    /// Refuses what cannot be, in the name of `field`.
    pub(crate) fn check(&self, field: &str) -> Result<(), Refusal> {
        self.sockets().try_for_each(|socket| check_socket(field, socket).and_then(|()| check_plain(field, socket)))?;
        match self {
            LaneSpec::Dgram { path, peer } if path == peer => {
                Err(Refusal::invalid(field, peer, "a peer with another path than the lane's own"))
            }
            LaneSpec::Packet { netdev } => check_netdev(field, netdev),
            LaneSpec::Tap { name, queues } => {
                check_netdev(field, name)?;
                in_range(&format!("{field} queues"), u64::from(*queues), 1, u64::from(QUEUE_PAIRS_MAX))
            }
            LaneSpec::Pcap { path, read } => {
                [path].into_iter().chain(read).try_for_each(|path| check_file(field, path))
            }
            LaneSpec::Fault { faults, lane } => faults.check(field, lane),
            LaneSpec::Auto(auto) => auto.check(field),
            _ => Ok(()),
        }
    }
}

impl AutoLane {
    fn check(&self, field: &str) -> Result<(), Refusal> {
        self.iface.iter().chain(&self.ignore).try_for_each(|netdev| check_netdev(field, netdev))?;
        self.mac.map_or(Ok(()), |mac| check_mac(&format!("{field} mac"), mac))?;
        if self.ignore.len() > AUTO_IGNORE_MAX {
            let (many, most) = (format!("{} of them", self.ignore.len()), format!("at most {AUTO_IGNORE_MAX}"));
            return Err(Refusal::invalid(format!("{field} ignore"), many, most));
        }
        match self.iface.as_ref().filter(|iface| self.ignore.contains(*iface)) {
            Some(iface) => Err(Refusal::invalid(format!("{field} iface"), iface, "one that is not ignored")),
            None => Ok(()),
        }
    }
}

/// Refuses what the kernel takes for no name of a netdev (`dev_valid_name`), and what would be read otherwise in the text
/// of a lane, or as a pattern by the kernel.
fn check_netdev(field: &str, name: &str) -> Result<(), Refusal> {
    let good = |byte: u8| byte.is_ascii_graphic() && !b"/:,+%".contains(&byte);
    let plain = !matches!(name, "" | "." | "..") && name.bytes().all(good);
    if plain && name.len() <= NETDEV_NAME_MAX {
        return Ok(());
    }
    Err(Refusal::invalid(
        field,
        name,
        format!("the name of a netdev: 1 to {NETDEV_NAME_MAX} letters, digits, -, _ or ."),
    ))
}

fn check_file(field: &str, path: &str) -> Result<(), Refusal> {
    if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') || path.len() > FILE_PATH_MAX {
        let expected = format!("the absolute path of a file, of at most {FILE_PATH_MAX} bytes");
        return Err(Refusal::invalid(field, path, expected));
    }
    check_plain(field, path)
}

/// A comma ends a path in the text of a lane.
fn check_plain(field: &str, path: &str) -> Result<(), Refusal> {
    if path.contains(',') {
        return Err(Refusal::invalid(field, path, "a path without a comma"));
    }
    Ok(())
}
