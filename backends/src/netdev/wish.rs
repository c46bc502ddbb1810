// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a port wishes of its VF, and what comes of it.

use std::collections::BTreeSet;
use std::fmt;

use switch::{AutoLane, PciAddress};
use wire::MacAddr;

use super::{Bus, Kind, Netdev};

/// Which netdev is the VF of a port: the parameters of the driver whose work this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The netdev with this name, and no other.
    pub iface: Option<String>,
    /// The MAC that it must have: the port's, unless something else is said.
    pub mac: MacAddr,
    /// Take it also when the host speaks over it.
    pub force: bool,
    /// Netdevs with these names are never taken.
    pub ignore: BTreeSet<String>,
}

impl Wish {
    /// What an operator says, for a port with this MAC.
    pub fn of(auto: &AutoLane, port: MacAddr) -> Wish {
        let AutoLane { iface, mac, force, ignore } = auto.clone();
        Wish { iface, mac: mac.unwrap_or(port), force, ignore }
    }

    /// Whichever netdev has this MAC.
    pub fn by_mac(mac: MacAddr) -> Wish {
        Wish { iface: None, mac, force: false, ignore: BTreeSet::new() }
    }
}

/// The netdev that a port has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number. Whatever is done to it is done by this: names change.
    pub index: u32,
    /// Its name at the moment.
    pub name: String,
    /// Its PCI address: with one, a VMM can be given the function itself.
    pub pci: Option<PciAddress>,
    /// The host speaks over it, which was asked for, or has come about since. Worth a warning.
    pub routed: bool,
}

impl Found {
    pub(super) fn of(netdev: &Netdev) -> Found {
        Found { index: netdev.index, name: netdev.name.clone(), pci: netdev.pci(), routed: netdev.routed }
    }
}

/// How things stand with a port's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<P> {
    /// Not everything is known yet.
    Unsettled,
    /// It has this netdev.
    Found(Found),
    /// It has none.
    Nothing(Reason<P>),
}

/// What is different since the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<P> {
    /// The port has got a netdev: plug it. When it had another, that one was [`Change::Lost`] before.
    Found {
        /// The port.
        port: P,
        /// What it got.
        found: Found,
    },
    /// The port has its netdev no more: unplug it.
    Lost {
        /// The port.
        port: P,
        /// The netdev's number.
        index: u32,
        /// Why.
        why: Reason<P>,
    },
    /// The port's netdev has another name, or the host speaks over it now, or not any more.
    Altered {
        /// The port.
        port: P,
        /// What it is now.
        found: Found,
    },
    /// The port has none, as before, for a reason that is new.
    Nothing {
        /// The port.
        port: P,
        /// Why.
        why: Reason<P>,
    },
}

/// Why a port has no netdev. The text tells what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason<P> {
    /// No netdev has the MAC.
    NoMac(MacAddr),
    /// No netdev has the name.
    NoName(String),
    /// The port's netdev has gone.
    Gone(String),
    /// The port wishes for another than the one that it had.
    Unwished(String),
    /// The netdev that it names has another MAC.
    MacDiffers {
        /// The netdev.
        netdev: String,
        /// The MAC that it has.
        has: MacAddr,
        /// The MAC that was wished for.
        wished: MacAddr,
    },
    /// The host speaks over it.
    Routed(String),
    /// It is part of another netdev.
    Member {
        /// The netdev.
        netdev: String,
        /// The bond, bridge or team.
        master: String,
    },
    /// It is of a kind that is no VF.
    Unfit {
        /// The netdev.
        netdev: String,
        /// The kind.
        kind: Kind,
    },
    /// It is the synthetic side of a NetVSC.
    Synthetic(String),
    /// It is not to be taken.
    Ignored(String),
    /// It belongs to weft: a lane that something else is on.
    Own(String),
    /// Another port has it.
    Claimed {
        /// The netdev.
        netdev: String,
        /// The port that has it.
        by: P,
    },
}

impl<P: fmt::Display> fmt::Display for Reason<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoMac(mac) => write!(
                f,
                "no netdev has MAC {mac}: bind the VF to its driver and give it that MAC (ip link set PF vf N mac {mac}), \
                 or name a netdev (auto,iface=NETDEV)"
            ),
            Reason::NoName(name) => write!(f, "there is no netdev {name}; it is taken when it comes"),
            Reason::Gone(netdev) => write!(f, "{netdev} has gone; it is taken again when it comes back"),
            Reason::Unwished(netdev) => write!(f, "{netdev} is not the netdev that the port asks for now"),
            Reason::MacDiffers { netdev, has, wished } => write!(
                f,
                "{netdev} has MAC {has} and not {wished}: set it (ip link set {netdev} address {wished}), or say that it is \
                 right (auto,mac={has})"
            ),
            Reason::Routed(netdev) => {
                write!(f, "{netdev} has the MAC and is routed: the host itself speaks over it; auto,force takes it")
            }
            Reason::Member { netdev, master } => {
                write!(f, "{netdev} is part of {master}: take it out first (ip link set {netdev} nomaster)")
            }
            Reason::Unfit { netdev, kind } => {
                write!(
                    f,
                    "{netdev} has the MAC and is a {kind}, which is no VF; if it is meant, name it (auto,iface={netdev})"
                )
            }
            Reason::Synthetic(netdev) => {
                write!(f, "{netdev} has the MAC and is the synthetic side of a NetVSC; its VF has not come yet")
            }
            Reason::Ignored(netdev) => {
                write!(f, "{netdev} is among the netdevs that are not to be taken (auto,ignore=...)")
            }
            Reason::Own(netdev) => write!(f, "{netdev} is in use by weft already, as the lane of a port"),
            Reason::Claimed { netdev, by } => {
                write!(
                    f,
                    "{netdev} is the VF of port {by} already: give each port a MAC of its own, or name netdevs (auto,iface=NETDEV)"
                )
            }
        }
    }
}

/// Whether a netdev could be what is wished for, apart from who has it. `held`: the port has it already, and only what
/// makes it useless counts.
pub(super) fn judge<P>(wish: &Wish, netdev: &Netdev, held: bool) -> Result<(), Reason<P>> {
    let (name, named) = (netdev.name.clone(), wish.iface.is_some());
    let unfit = match &netdev.kind {
        Kind::Loopback | Kind::NotEthernet => true,
        Kind::Composed(_) => !named,
        Kind::Plain | Kind::Veth | Kind::Tun | Kind::Other(_) => false,
    };
    if wish.ignore.contains(&name) {
        return Err(Reason::Ignored(name));
    }
    if unfit {
        return Err(Reason::Unfit { netdev: name, kind: netdev.kind.clone() });
    }
    if netdev.bus == Bus::NetVsc && !named {
        return Err(Reason::Synthetic(name));
    }
    if !has_mac(netdev, wish.mac) {
        return Err(Reason::MacDiffers { netdev: name, has: netdev.mac, wished: wish.mac });
    }
    // One that is named may be routed: whoever named it knows. One that is held may become so, by addresses that the
    // kernel makes of Router Advertisements, and it would come and go with them.
    if netdev.routed && !wish.force && !named && !held {
        return Err(Reason::Routed(name));
    }
    Ok(())
}

/// True when a netdev was made with the MAC, or uses it.
fn has_mac(netdev: &Netdev, mac: MacAddr) -> bool {
    netdev.perm_mac == Some(mac) || netdev.mac == mac
}
