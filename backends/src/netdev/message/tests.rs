// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Messages as the kernel makes them, and as nobody should.

use netlink_packet_core::{DefaultNla, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};
use netlink_packet_route::route::{RouteAttribute, RouteMessage, RouteNextHop, RouteType};
use proptest::prelude::*;

use super::*;

const MAC: [u8; 6] = [0x52, 0x54, 0, 0, 0, 9];

/// A message in octets.
fn octets(message: RouteNetlinkMessage, flags: u16) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    (header.flags, header.sequence_number) = (flags, 7);
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut octets = vec![0; message.buffer_len()];
    message.serialize(&mut octets);
    octets
}

fn eth3(more: &[LinkAttribute]) -> LinkMessage {
    let mut link = LinkMessage::default();
    link.header.index = 5;
    link.header.link_layer_type = LinkLayerType::Ether;
    link.header.flags = LinkFlags::Up | LinkFlags::Running;
    let basic = [LinkAttribute::IfName("eth3".into()), LinkAttribute::Mtu(1500), LinkAttribute::Address(MAC.to_vec())];
    link.attributes = basic.into_iter().chain(more.iter().cloned()).collect();
    link
}

/// What one message tells.
fn said(message: RouteNetlinkMessage) -> Said {
    let octets = octets(message, 0);
    let mut all = messages(&octets);
    let first = all.next().expect("a message");
    assert_eq!(all.next(), None);
    first.said
}

fn said_link(link: LinkMessage) -> Link {
    match said(RouteNetlinkMessage::NewLink(link)) {
        Said::Link(link) => link,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_netdev_is_read() {
    let plain = said_link(eth3(&[]));
    assert_eq!((plain.index, plain.name.as_str(), plain.mac.0, plain.mtu), (5, "eth3", MAC, 1500));
    assert_eq!((plain.state, plain.kind, plain.master, plain.pci), (State::Running, Kind::Plain, None, None));
    let more = [
        LinkAttribute::PermAddress(vec![2, 0, 0, 0, 0, 1]),
        LinkAttribute::Controller(3),
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)]),
        LinkAttribute::ParentDevName("0000:03:02.1".into()),
        LinkAttribute::ParentDevBusName("pci".into()),
    ];
    let full = said_link(eth3(&more));
    assert_eq!((full.perm_mac, full.master), (Some(MacAddr([2, 0, 0, 0, 0, 1])), Some(3)));
    assert_eq!((full.kind, full.pci), (Kind::Veth, "0000:03:02.1".parse().ok()));
}

#[test]
fn states_and_kinds_are_told_apart() {
    let with = |flags, layer| {
        let mut link = eth3(&[]);
        (link.header.flags, link.header.link_layer_type) = (flags, layer);
        said_link(link)
    };
    assert_eq!(with(LinkFlags::empty(), LinkLayerType::Ether).state, State::Down);
    assert_eq!(with(LinkFlags::Up, LinkLayerType::Ether).state, State::NoCarrier);
    assert_eq!(with(LinkFlags::Up | LinkFlags::Loopback, LinkLayerType::Loopback).kind, Kind::Loopback);
    let tunnel = with(LinkFlags::Up, LinkLayerType::None);
    assert_eq!((tunnel.kind, tunnel.mac), (Kind::NotEthernet, MacAddr::ZERO));
    for (name, kind) in [("vlan", Kind::Composed("vlan")), ("tun", Kind::Tun), ("dummy", Kind::Other("dummy".into()))] {
        assert_eq!(Kind::named(name), kind);
    }
}

#[test]
fn what_others_say_in_the_same_words_is_not_about_netdevs() {
    let mut of_bridge = eth3(&[]);
    of_bridge.header.interface_family = AddressFamily::Bridge;
    assert_eq!(said(RouteNetlinkMessage::DelLink(of_bridge.clone())), Said::Nothing);
    assert_eq!(said(RouteNetlinkMessage::NewLink(of_bridge)), Said::Nothing);
    let wireless = LinkAttribute::Other(DefaultNla::new(IFLA_WIRELESS, vec![0; 8]));
    assert_eq!(said(RouteNetlinkMessage::NewLink(eth3(&[wireless]))), Said::Nothing);
    assert_eq!(said(RouteNetlinkMessage::DelLink(eth3(&[]))), Said::LinkGone(5));
}

#[test]
fn a_route_is_read_with_all_its_ways() {
    let mut route = RouteMessage::default();
    route.header.address_family = AddressFamily::Inet;
    route.header.destination_prefix_length = 16;
    route.header.kind = RouteType::Local;
    let way = |index| {
        let mut way = RouteNextHop::default();
        way.interface_index = index;
        way
    };
    route.attributes = vec![
        RouteAttribute::Destination(std::net::Ipv4Addr::new(10, 1, 0, 0).into()),
        RouteAttribute::Table(1000),
        RouteAttribute::Priority(20),
        RouteAttribute::MultiPath(vec![way(3), way(4)]),
    ];
    let octets = octets(RouteNetlinkMessage::NewRoute(route), NLM_F_REPLACE);
    let Said::Route(read) = messages(&octets).next().expect("a message").said else { panic!("no route") };
    assert_eq!((&read.key.destination[..5], read.key.prefix, read.key.family), (&[10, 1, 0, 0, 0][..], 16, Family::V4));
    assert_eq!((read.key.table, read.key.metric, read.over.as_slice()), (1000, 20, &[3, 4][..]));
    assert!(read.replaces && read.own);
}

#[test]
fn a_datagram_has_many_messages_and_its_end_may_lack() {
    let one = octets(RouteNetlinkMessage::NewLink(eth3(&[])), NLM_F_DUMP_INTR);
    let two = [one.clone(), one.clone()].concat();
    assert_eq!(messages(&two).count(), 2);
    assert!(messages(&two).all(|message| message.torn && message.seq == 7));
    assert_eq!(messages(&two[..two.len() - 1]).count(), 1);
}

#[test]
fn refusals_and_ends_are_told_apart() {
    let mut refusal = vec![0; 36];
    refusal[0] = 36;
    refusal[4..6].copy_from_slice(&NLMSG_ERROR.to_ne_bytes());
    (refusal[8], refusal[12]) = (7, 3);
    refusal[16..20].copy_from_slice(&(-95i32).to_ne_bytes());
    assert_eq!(messages(&refusal).next(), Some(Message { port: 3, seq: 7, torn: false, said: Said::Refused(95) }));
    refusal[4..6].copy_from_slice(&NLMSG_DONE.to_ne_bytes());
    assert_eq!(messages(&refusal).next().map(|message| message.said), Some(Said::Done));
}

#[test]
fn one_attribute_that_is_strange_does_not_hide_a_netdev() {
    // A link mode has one octet.
    let strange = LinkAttribute::Other(DefaultNla::new(17, vec![1, 2, 3, 4, 5]));
    assert_eq!(said_link(eth3(&[strange])), said_link(eth3(&[])));
}

proptest! {
    #[test]
    fn nothing_that_is_said_panics(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(messages(&octets).count() <= octets.len() / 16);
    }

    /// Messages that are right but for a few octets: lengths among them.
    #[test]
    fn nothing_that_is_nearly_right_panics(changes in prop::collection::vec((any::<u16>(), any::<u8>()), 1..8), cut in any::<u16>()) {
        let mut route = RouteMessage::default();
        route.header.address_family = AddressFamily::Inet6;
        let mut way = RouteNextHop::default();
        way.interface_index = 3;
        route.attributes = vec![RouteAttribute::Oif(4), RouteAttribute::MultiPath(vec![way])];
        let link = eth3(&[LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)])]);
        let mut all = octets(RouteNetlinkMessage::NewLink(link), 0);
        all.extend(octets(RouteNetlinkMessage::NewRoute(route), 0));
        for (place, octet) in changes {
            let place = usize::from(place) % all.len();
            all[place] = octet;
        }
        let all = &all[..all.len() - usize::from(cut) % 4];
        prop_assert!(messages(all).count() <= all.len() / 16);
    }
}
