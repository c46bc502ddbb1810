// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What rtnetlink says, as far as it matters here: octets of one datagram into what they tell.
//!
//! Frames of messages, their attributes and the fixed headers are read by the netlink crates. The attributes themselves
//! are read here, the few that matter: a whole message would be lost if one of the many others were new to the crate, and
//! with it a netdev.

use netlink_packet_core::{NLM_F_DUMP_INTR, NLM_F_REPLACE, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, NlasIterator};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::link::{LinkFlags, LinkHeader, LinkLayerType};
use netlink_packet_route::route::{RouteFlags, RouteHeader};
use switch::PciAddress;
use wire::MacAddr;

use super::routes::{Family, Key};
use super::{Kind, State};

/// Types of messages (`linux/rtnetlink.h`).
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;

/// Attributes of links (`linux/if_link.h`).
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_WIRELESS: u16 = 11;
const IFLA_LINKINFO: u16 = 18;
const IFLA_PERM_ADDRESS: u16 = 54;
const IFLA_PARENT_DEV_NAME: u16 = 56;
const IFLA_PARENT_DEV_BUS_NAME: u16 = 57;
/// Within `IFLA_LINKINFO`.
const IFLA_INFO_KIND: u16 = 1;

/// Attributes of routes (`linux/rtnetlink.h`).
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_PRIORITY: u16 = 6;
const RTA_MULTIPATH: u16 = 9;
const RTA_TABLE: u16 = 15;

/// The longest name of a netdev (`IFNAMSIZ`, with the zero at its end).
const NAME_MAX: usize = 15;
/// Ways of one route that are looked at: the kernel has no bound of its own.
const WAYS_MAX: usize = 256;
/// A message begins at a multiple of this (`NLMSG_ALIGNTO`).
const ALIGN: usize = 4;

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Whose request it comes from: the port number of his socket. Zero where the kernel acts by itself.
    pub(crate) port: u32,
    /// The number that he gave the request.
    pub(crate) seq: u32,
    /// Things changed while the kernel answered: the answer does not fit together.
    pub(crate) torn: bool,
    /// What it tells.
    pub(crate) said: Said,
}

/// What a message tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A netdev is there, and like this.
    Link(Link),
    /// The netdev with this number is gone.
    LinkGone(u32),
    /// A route is there.
    Route(Route),
    /// A route is gone.
    RouteGone(Route),
    /// The answer to a request is complete.
    Done,
    /// A request was refused, with this number of `errno.h`.
    Refused(i32),
    /// Nothing that matters.
    Nothing,
}

/// A netdev as a message tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) mac: MacAddr,
    pub(crate) perm_mac: Option<MacAddr>,
    pub(crate) state: State,
    pub(crate) mtu: u32,
    pub(crate) kind: Kind,
    pub(crate) master: Option<u32>,
    /// Its PCI address, of kernels that tell it (since 5.14).
    pub(crate) pci: Option<PciAddress>,
}

/// A route as a message tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) key: Key,
    /// The numbers of the netdevs that it leads over.
    pub(crate) over: Vec<u32>,
    /// It takes the place of the one with the same key.
    pub(crate) replaces: bool,
    /// It says that an address is the host's own.
    pub(crate) own: bool,
}

/// The messages of a datagram. What is cut off or nonsense ends it.
pub(crate) fn messages(datagram: &[u8]) -> impl Iterator<Item = Message> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let buffer = NetlinkBuffer::new_checked(rest).ok()?;
        let message = read(&buffer);
        // Not beyond the end: the last message of a datagram may lack its padding.
        let length = (buffer.length() as usize).next_multiple_of(ALIGN);
        rest = rest.get(length..).unwrap_or_default();
        Some(message)
    })
}

fn read(buffer: &NetlinkBuffer<&[u8]>) -> Message {
    let payload = buffer.payload();
    let flags = buffer.flags();
    let said = match buffer.message_type() {
        RTM_NEWLINK => link(payload).map(Said::Link),
        RTM_DELLINK => link_header(payload).map(|header| Said::LinkGone(header.index)),
        RTM_NEWROUTE => route(payload, flags & NLM_F_REPLACE != 0).map(Said::Route),
        RTM_DELROUTE => route(payload, false).map(Said::RouteGone),
        NLMSG_DONE => Some(Said::Done),
        NLMSG_ERROR => number(payload).map(|code| Said::Refused((code as i32).wrapping_neg())),
        _ => None,
    };
    Message {
        port: buffer.port_number(),
        seq: buffer.sequence_number(),
        torn: flags & NLM_F_DUMP_INTR != 0,
        said: said.unwrap_or(Said::Nothing),
    }
}

/// The header of what is said of a netdev as such. Bridges and IPv6 send messages of the same types, in which "gone" means
/// gone from the bridge.
fn link_header(payload: &[u8]) -> Option<LinkHeader> {
    let header = LinkHeader::parse(payload).ok()?;
    (header.interface_family == AddressFamily::Unspec && header.index != 0).then_some(header)
}

fn link(payload: &[u8]) -> Option<Link> {
    let header = link_header(payload)?;
    let all = payload.get(LINK_HEADER..)?;
    // Wireless drivers report what they do in messages that lack all else.
    if attribute(all, IFLA_WIRELESS).is_some() {
        return None;
    }
    let ethernet = header.link_layer_type == LinkLayerType::Ether;
    let mac = |kind| attribute(all, kind).filter(|_| ethernet).and_then(mac);
    let named = attribute(all, IFLA_LINKINFO).and_then(|info| attribute(info, IFLA_INFO_KIND)).and_then(text);
    let kind = match (header.flags.contains(LinkFlags::Loopback), ethernet) {
        (true, _) => Kind::Loopback,
        (false, false) => Kind::NotEthernet,
        (false, true) => Kind::named(named.unwrap_or_default()),
    };
    let on_pci = attribute(all, IFLA_PARENT_DEV_BUS_NAME).and_then(text) == Some("pci");
    let parent = attribute(all, IFLA_PARENT_DEV_NAME).filter(|_| on_pci).and_then(text);
    Some(Link {
        index: header.index,
        name: attribute(all, IFLA_IFNAME).and_then(text).filter(|name| name.len() <= NAME_MAX)?.to_owned(),
        mac: mac(IFLA_ADDRESS).unwrap_or(MacAddr::ZERO),
        perm_mac: mac(IFLA_PERM_ADDRESS).filter(|mac| mac.is_station()),
        state: state(header.flags),
        mtu: attribute(all, IFLA_MTU).and_then(number).unwrap_or_default(),
        kind,
        master: attribute(all, IFLA_MASTER).and_then(number).filter(|master| *master != 0),
        pci: parent.and_then(|name| name.parse().ok()),
    })
}

/// Octets of a link's header.
const LINK_HEADER: usize = 16;
/// Octets of a route's header.
const ROUTE_HEADER: usize = 12;
/// Octets of the header of one way of a route (`struct rtnexthop`).
const WAY_HEADER: usize = 8;

fn state(flags: LinkFlags) -> State {
    match (flags.contains(LinkFlags::Up), flags.contains(LinkFlags::Running)) {
        (false, _) => State::Down,
        (true, false) => State::NoCarrier,
        (true, true) => State::Running,
    }
}

fn route(payload: &[u8], replaces: bool) -> Option<Route> {
    let header = RouteHeader::parse(payload).ok()?;
    let family = match header.address_family {
        AddressFamily::Inet => Family::V4,
        AddressFamily::Inet6 => Family::V6,
        _ => return None,
    };
    // What the kernel remembers of a route that it has used is no route.
    if header.flags.contains(RouteFlags::Cloned) {
        return None;
    }
    let all = payload.get(ROUTE_HEADER..)?;
    let destination = attribute(all, RTA_DST).unwrap_or_default();
    let mut whole = [0; 16];
    whole.get_mut(..destination.len())?.copy_from_slice(destination);
    let table = attribute(all, RTA_TABLE).and_then(number).unwrap_or(u32::from(header.table));
    let metric = attribute(all, RTA_PRIORITY).and_then(number).unwrap_or_default();
    let key =
        Key { family, table, destination: whole, prefix: header.destination_prefix_length, tos: header.tos, metric };
    let direct = attribute(all, RTA_OIF).and_then(number);
    let ways = attribute(all, RTA_MULTIPATH).map(ways).unwrap_or_default();
    let own = header.kind == netlink_packet_route::route::RouteType::Local;
    Some(Route { key, over: direct.into_iter().chain(ways).collect(), replaces, own })
}

/// The numbers of the netdevs in a list of ways.
fn ways(list: &[u8]) -> Vec<u32> {
    let mut rest = list;
    let next = || {
        let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
        let way = rest.get(..length).filter(|way| way.len() >= WAY_HEADER)?;
        rest = rest.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
        number(&way[4..WAY_HEADER])
    };
    std::iter::from_fn(next).take(WAYS_MAX).collect()
}

/// The value of the first attribute of this type. A list that breaks off has what came before.
fn attribute(list: &[u8], kind: u16) -> Option<&[u8]> {
    let mut good = NlasIterator::new(list).map_while(Result::ok);
    let found = good.find(|one| one.kind() == kind)?;
    let (header, length) = (netlink_packet_core::NLA_HEADER_SIZE, usize::from(found.length()));
    // By place and not by `value()`, whose borrow ends with the iterator's item.
    found.into_inner().get(header..length)
}

fn number(value: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(value.get(..4)?.try_into().ok()?))
}

fn mac(value: &[u8]) -> Option<MacAddr> {
    Some(MacAddr(value.try_into().ok()?))
}

/// A text up to the zero that ends it.
fn text(value: &[u8]) -> Option<&str> {
    let end = value.iter().position(|octet| *octet == 0).unwrap_or(value.len());
    std::str::from_utf8(&value[..end]).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
