// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is known of one network device of the host.

use std::fmt;

use wire::MacAddr;

use switch::PciAddress;

/// A network device of the host, as the kernel told it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Netdev {
    /// The kernel's number for it, which stays when its name changes.
    pub index: u32,
    /// Its name at the moment.
    pub name: String,
    /// The address that it uses; zero when it has none of Ethernet's.
    pub mac: MacAddr,
    /// The address that it was made with, where its driver tells: a VF's own, also while a bond has given it another.
    pub perm_mac: Option<MacAddr>,
    /// Whether frames can pass.
    pub state: State,
    /// The largest network-layer packet, in bytes.
    pub mtu: u32,
    /// What it is made of.
    pub kind: Kind,
    /// The number of the device that it is part of: a bond, a bridge, a NetVSC.
    pub master: Option<u32>,
    /// What it hangs on.
    pub bus: Bus,
    /// The host itself speaks over it: it has a route, or an address, other than what IPv6 gives every netdev.
    pub routed: bool,
}

/// Whether frames can pass through a netdev.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Set down by whoever administers the host, or never set up.
    Down,
    /// Set up, but without a carrier: a cable is pulled, or the other side is down.
    NoCarrier,
    /// Up and running.
    Running,
}

/// What a netdev is made of, as its driver calls it (`IFLA_INFO_KIND`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A NIC or a VF: its driver gives no kind.
    Plain,
    /// The loop of the host with itself.
    Loopback,
    /// One end of a pair.
    Veth,
    /// A tap or tun of a program.
    Tun,
    /// Made of other netdevs, or a part of one, with their MAC: `vlan`, `bond`, `team`, `bridge`.
    Composed(&'static str),
    /// Anything else, by its name.
    Other(String),
    /// Something whose frames are not Ethernet's.
    NotEthernet,
}

/// What a netdev hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// Nothing, or a bus that does not matter here.
    None,
    /// PCI, at this address: a NIC or a VF.
    Pci(PciAddress),
    /// Hyper-V's VMBus as a NetVSC: the synthetic side of a VF, with its MAC, and never the VF itself.
    NetVsc,
}

impl Netdev {
    /// Its PCI address, when it has one.
    pub fn pci(&self) -> Option<PciAddress> {
        match self.bus {
            Bus::Pci(address) => Some(address),
            Bus::None | Bus::NetVsc => None,
        }
    }

    /// True when it is set up, whether it has a carrier or not.
    pub fn is_up(&self) -> bool {
        self.state != State::Down
    }

    /// True when frames can pass.
    pub fn is_running(&self) -> bool {
        self.state == State::Running
    }
}

/// The kinds that are made of others, by the names that their drivers give.
const COMPOSED: [&str; 4] = ["vlan", "bond", "team", "bridge"];

impl Kind {
    /// The kind that has this name.
    pub(crate) fn named(name: &str) -> Kind {
        match (name, COMPOSED.iter().find(|known| **known == name)) {
            (_, Some(known)) => Kind::Composed(known),
            ("", _) => Kind::Plain,
            ("veth", _) => Kind::Veth,
            ("tun", _) => Kind::Tun,
            (other, _) => Kind::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Plain => "NIC",
            Kind::Loopback => "loopback",
            Kind::Veth => "veth",
            Kind::Tun => "tun",
            Kind::Composed(name) => name,
            Kind::Other(name) => name,
            Kind::NotEthernet => "netdev that is not Ethernet",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Down => "down",
            State::NoCarrier => "no-carrier",
            State::Running => "running",
        })
    }
}
