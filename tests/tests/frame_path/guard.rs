// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A host must not speak as a router, however it dresses up.

use std::net::Ipv6Addr;

use dataplane::{DropReason, RaGuard, Role};
use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, RawQueue, Rig, feature, mac, meanwhile, readable, writable};
use wire::build::{Ether, Ip, IpFrame, advertisement};
use wire::icmp6::kind;
use wire::{DHCP_CLIENT_PORT, MacAddr};

pub(super) const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const FRAGMENT: u8 = 44;
const DEST_OPTIONS: u8 = 60;

fn two(role: Role) -> Rig {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_role(role));
    rig.add(0, &PortOptions::default());
    rig
}

/// The body of an options header of `len` bytes, a multiple of eight.
fn options(len: usize) -> Vec<u8> {
    [&[(len / 8 - 1) as u8, 1, len as u8 - 4][..], &vec![0; len - 4]].concat()
}

fn packet(ip: Ip) -> IpFrame {
    Ether::new(mac(1), mac(0)).ip(ip.hops(255))
}

fn ip() -> Ip {
    Ip::v6(LINK_LOCAL, ALL_NODES)
}

/// An ICMPv6 message of this type behind `count` extension headers of `len` bytes.
fn behind(count: usize, len: usize, icmp6_type: u8) -> Vec<u8> {
    let ip = (0..count).fold(ip(), |ip, _| ip.extension(DEST_OPTIONS, &options(len)));
    packet(ip).icmp6(icmp6_type, 0, &[0; 12])
}

/// The first fragment of an ICMPv6 message of this type.
pub(super) fn fragment(icmp6_type: u8) -> Vec<u8> {
    packet(ip().extension(FRAGMENT, &[0, 0, 1, 0, 0, 0, 1])).icmp6(icmp6_type, 0, &[0; 12])
}

/// Router Advertisements and Redirects in every dress that a receiver looks through.
pub(super) fn rogues() -> Vec<(&'static str, Vec<u8>)> {
    let plain = advertisement(mac(0), LINK_LOCAL, 1800, &[]);
    let retype = |tag: &[u8]| [&plain[..12], tag, &plain[14..]].concat();
    let snap = [&plain[..12], &[0, 86, 0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd][..], &plain[14..]].concat();
    vec![
        ("a redirect", packet(ip()).icmp6(kind::REDIRECT, 0, &[0; 36])),
        ("a priority tag", retype(&[0x81, 0, 0, 0, 0x86, 0xdd])),
        ("two tags", retype(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x86, 0xdd])),
        ("LLC/SNAP", snap),
        ("one extension header", behind(1, 8, 134)),
        ("just inside the head", behind(9, 8, 134)),
        ("just outside the head", behind(10, 8, 134)),
        ("behind a long header", behind(1, 240, 134)),
        ("behind a hundred headers", behind(100, 8, 134)),
        ("plain", plain),
    ]
}

#[test]
fn a_host_or_a_monitor_cannot_advertise_itself_in_any_dress() {
    let fragment = fragment(kind::ROUTER_ADVERTISEMENT);
    for role in [Role::Host, Role::Monitor] {
        let mut rig = two(role);
        for (dress, frame) in rogues().into_iter().chain([("a first fragment", fragment.clone())]) {
            rig.send(0, &frame);
            assert_eq!(rig.moved(0), Moved::sent(1, frame.len()).dropped(DropReason::RogueRouter, 1), "{dress}");
            assert_eq!(rig.moved(1), Moved::default(), "{dress}");
        }
    }
}

#[test]
fn a_router_and_an_uplink_may() {
    for role in [Role::Router, Role::Uplink] {
        let mut rig = two(role);
        for (dress, frame) in rogues() {
            rig.send(0, &frame);
            assert_eq!(rig.received(1), [frame], "{dress}");
        }
        rig.port(0).port().set_role(Role::Host);
        rig.send(0, &advertisement(mac(0), LINK_LOCAL, 1800, &[]));
        assert_eq!(rig.received(1), [[0_u8; 0]; 0], "a role ends with the next burst");
    }
}

/// What a DHCPv6 server says to a client, in every dress that a client looks through.
fn dhcp_replies() -> Vec<(&'static str, Vec<u8>)> {
    let reply = |ip: Ip, from| packet(ip).udp(from, DHCP_CLIENT_PORT, &[7, 1, 2, 3]);
    let plain = reply(ip(), 547);
    let behind = |count: usize| (0..count).fold(ip(), |ip, _| ip.extension(DEST_OPTIONS, &options(8)));
    vec![
        ("from another port", reply(ip(), 40_000)),
        ("a tag", [&plain[..12], &[0x81, 0, 0, 5], &plain[12..]].concat()),
        ("one extension header", reply(behind(1), 547)),
        ("its ports just outside the head", reply(behind(9), 547)),
        ("behind a hundred headers", reply(behind(100), 547)),
        ("a first fragment", reply(ip().extension(FRAGMENT, &[0, 0, 1, 0, 0, 0, 1]), 547)),
        ("plain", plain),
    ]
}

#[test]
fn a_host_or_a_monitor_cannot_be_a_dhcp_server_in_any_dress() {
    for role in [Role::Monitor, Role::Host] {
        let mut rig = two(role);
        for (dress, frame) in dhcp_replies() {
            rig.send(0, &frame);
            assert_eq!(rig.moved(0), Moved::sent(1, frame.len()).dropped(DropReason::RogueDhcp, 1), "{dress}");
            assert_eq!(rig.moved(1), Moved::default(), "{dress}");
        }
    }
}

#[test]
fn dhcp_clients_ask_and_routers_and_uplinks_answer() {
    let mut rig = two(Role::Host);
    let asks = packet(ip()).udp(DHCP_CLIENT_PORT, 547, &[1, 1, 2, 3]);
    let over_ipv4 = packet(Ip::v4([10, 0, 0, 1], [10, 0, 0, 2])).udp(547, DHCP_CLIENT_PORT, &[7; 40]);
    for frame in [asks, over_ipv4] {
        rig.send(0, &frame);
        assert_eq!(rig.received(1), [frame]);
    }
    for role in [Role::Router, Role::Uplink] {
        let mut rig = two(role);
        for (dress, frame) in dhcp_replies() {
            rig.send(0, &frame);
            assert_eq!(rig.received(1), [frame], "{dress}");
        }
    }
}

#[test]
fn what_hosts_say_to_each_other_passes_unchanged() {
    let mut rig = two(Role::Host);
    let mut harmless = vec![
        behind(1, 240, kind::ROUTER_SOLICITATION),
        behind(100, 8, kind::NEIGHBOR_SOLICITATION),
        behind(10, 8, kind::ECHO_REQUEST),
        packet(ip().extension(DEST_OPTIONS, &options(200))).udp(1, 2, &[134; 500]),
        // A later fragment is the middle of something, whatever it looks like.
        packet(ip().extension(FRAGMENT, &[0, 0, 8, 0, 0, 0, 1])).icmp6(134, 0, &[0; 12]),
    ];
    harmless.push([&[0x01, 0x80, 0xc2, 0, 0, 0][..], &mac(0).0, &[0, 3, 0x42, 0x42, 3]].concat());
    for frame in harmless {
        rig.send(0, &frame);
        assert_eq!(rig.received(1), [frame]);
    }
}

#[test]
fn header_chains_that_lead_nowhere_are_dropped() {
    let mut rig = two(Role::Host);
    let endless = packet(ip()).raw(DEST_OPTIONS, &[DEST_OPTIONS, 200, 0, 0, 0, 0, 0, 0]);
    let cut = behind(30, 8, 134)[..14 + 40 + 240].to_vec();
    let three_tags = Ether::new(mac(1), mac(0)).vlan(1).vlan(2).vlan(3).raw(0x86dd, &[0x60; 60]);
    for frame in [endless, cut, three_tags] {
        rig.send(0, &frame);
        assert_eq!(rig.moved(0), Moved::sent(1, frame.len()).dropped(DropReason::Unclassifiable, 1));
    }
    assert_eq!(rig.moved(1), Moved::default());
}

/// A packet whose header chain leads to this number, with an advertisement behind it if that were a header.
fn unrecognised(ip: Ip, number: u8) -> Vec<u8> {
    let hidden = [kind::ROUTER_ADVERTISEMENT; 16];
    packet(ip).raw(number, &[&[58, 0, 0, 0, 0, 0, 0, 0][..], &hidden].concat())
}

#[test]
fn headers_that_nobody_knows_are_dropped_from_hosts_unless_they_may_pass() {
    let mut rig = two(Role::Host);
    let beyond = Ip::v6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), ALL_NODES);
    let (drop, pass) = (RaGuard::default(), RaGuard { unrecognised: true, ..RaGuard::default() });
    for number in [253, 254, 200] {
        let plain = unrecognised(ip(), number);
        let far = unrecognised(ip().extension(DEST_OPTIONS, &options(240)), number);
        for frame in [plain, far] {
            rig.port(0).port().set_ra_guard(&drop);
            rig.send(0, &frame);
            assert_eq!(rig.moved(0).drops, [(DropReason::UnrecognisedHeader, 1)]);
            rig.port(0).port().set_ra_guard(&pass);
            rig.send(0, &frame);
            assert_eq!(rig.received(1), [frame]);
        }
        rig.port(0).port().set_ra_guard(&drop);
        // From where no advertisement is taken seriously (RFC 7113 section 3, rules 1 and 2).
        for frame in [unrecognised(beyond.clone(), number), Ether::new(mac(1), mac(0)).ip(ip()).raw(number, &[58; 40])]
        {
            rig.send(0, &frame);
            assert_eq!(rig.received(1), [frame]);
        }
    }
    for known in [4, 41, 47, 50, 88, 89, 103, 132] {
        rig.send(0, &unrecognised(ip(), known));
        assert_eq!(rig.received(1).len(), 1, "{known}");
    }
    rig.port(0).port().set_role(Role::Router);
    rig.send(0, &unrecognised(ip(), 253));
    assert_eq!(rig.received(1).len(), 1, "it could say it openly");
}

/// A sender with offloads and a receiver without, so that the switch itself completes checksums.
fn offloading() -> Rig {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_features(feature::SENDER));
    rig.add(0, &PortOptions::default());
    rig
}

#[test]
fn no_checksum_is_completed_where_the_switch_has_looked() {
    let mut rig = offloading();
    let harmless = behind(0, 0, kind::ROUTER_SOLICITATION);
    let hidden = [&harmless[..12], &[8, 0][..], &harmless[14..]].concat();
    let extended = behind(1, 8, kind::ECHO_REQUEST);
    let datagram = packet(ip()).udp(1, 2, &[7; 40]);
    let llc = [&harmless[..12], &[0, 60, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &harmless[14..]].concat();
    for (what, frame, start, offset) in [
        ("the source MAC", &harmless, 0, 6),
        ("the destination MAC", &harmless, 0, 0),
        ("the ethertype", &hidden, 0, 12),
        ("the next header", &harmless, 14, 6),
        ("the type, from inside the IP header", &harmless, 38, 16),
        ("the type, from itself", &harmless, 54, 0),
        ("an extension header", &extended, 54, 0),
        ("the type behind an extension header", &extended, 54, 8),
        ("an encapsulated ethertype", &llc, 14, 6),
        ("the port of a datagram", &datagram, 54, 2),
    ] {
        rig.send_as(0, &Shape::whole(), VnetHeader::needs_checksum(start, offset), frame);
        assert_eq!(rig.moved(0), Moved::sent(1, frame.len()).dropped(DropReason::BadOffload, 1), "{what}");
        assert_eq!(rig.moved(1), Moved::default(), "{what}");
    }
    let far = behind(1, 200, kind::ECHO_REQUEST);
    for (what, start, offset) in [("a far type", 254, 0), ("a far type, from before", 250, 4), ("far options", 100, 2)]
    {
        rig.send_as(0, &Shape::whole(), VnetHeader::needs_checksum(start, offset), &far);
        assert_eq!(rig.moved(0).drops, [(DropReason::BadOffload, 1)], "{what}");
    }
    rig.send_as(0, &Shape::whole(), VnetHeader::needs_checksum(254, 2), &far);
    assert_eq!((rig.moved(0).drops, rig.moved(1).checksums), (vec![], 1), "the checksum itself");
}

#[test]
fn the_checksum_of_neighbor_discovery_itself_may_be_left_to_do() {
    let mut rig = offloading();
    rig.send_as(0, &Shape::whole(), VnetHeader::needs_checksum(54, 2), &behind(0, 0, kind::ROUTER_SOLICITATION));
    assert_eq!((rig.moved(0).drops, rig.moved(1).checksums), (vec![], 1));
}

/// A guest with two NICs whose second receives right over the frames that the first has in its transmit ring: the
/// first delivery of a burst rewrites the frame that follows, after it was judged and before it is delivered.
fn rewritten_in_flight(second: &[u8]) -> Vec<Vec<u8>> {
    let mut rig = two(Role::Host);
    let mut tx = rig.raw_transmit(0, 8);
    let mut rx = RawQueue::new(rig.port(0).memory(), 8);
    let map = rig.port(0).map().clone();
    rig.port(1).adopt(&map);
    rig.port(1).restart_receive(rx.ring());

    let len = 12 + second.len();
    let first = Ether::new(mac(1), mac(0)).raw(0x88b5, &vec![134; second.len() - 14]);
    let first_at = tx.fill(0, &[&[0; 12], &first[..]].concat());
    let second_at = tx.fill(0x1000, &[&[0; 12], second].concat());
    tx.chain(0, &[readable(first_at, len as u32)]);
    tx.chain(1, &[readable(second_at, len as u32)]);
    rx.chain(0, &[writable(second_at, len as u32)]);
    rx.chain(1, &[writable(rx.buffers().gpa(), len as u32)]);
    rx.offer(&[0, 1]);
    tx.offer(&[0, 1]);
    assert_eq!(rig.poll(), 2);
    assert_eq!(rx.take_used(), [(0, len as u32), (1, len as u32)]);
    [tx.buffers().read(0x1000 + 12, second.len()), rx.buffers().read(12, second.len())].into()
}

#[test]
fn what_was_judged_whole_is_delivered_whole() {
    let solicitation = behind(1, 240, kind::ROUTER_SOLICITATION);
    let delivered = rewritten_in_flight(&solicitation);
    assert_ne!(delivered[0], solicitation, "its memory was rewritten");
    assert_eq!(delivered[1], solicitation);
}

#[test]
fn what_was_judged_by_its_head_is_delivered_with_that_head() {
    let echo = packet(ip()).icmp6(kind::ECHO_REQUEST, 0, &[1; 300]);
    let delivered = rewritten_in_flight(&echo);
    assert_eq!(delivered[1][..128], echo[..128]);
    assert_eq!(delivered[1][128..], [134; 230], "the rest is the guest's own affair");
}

#[test]
fn a_racing_guest_never_gets_an_advertisement_through() {
    const FRAMES: u16 = 20_000;
    let mut rig = two(Role::Host);
    let mut tx = rig.raw_transmit(0, 8);
    let frame = behind(1, 240, kind::ROUTER_SOLICITATION);
    let type_at = 14 + 40 + 240;
    let at = tx.fill(0, &[&[0; 12], &frame[..]].concat());
    tx.chain(0, &[readable(at, 12 + frame.len() as u32)]);
    let window = tx.buffers().part(12 + type_at, 1);
    let flip = || {
        window.write(0, &[kind::ROUTER_ADVERTISEMENT]);
        window.write(0, &[kind::ROUTER_SOLICITATION]);
    };
    let delivered: usize = meanwhile(flip, || (0..FRAMES).map(|_| send_raced(&mut rig, &mut tx, type_at)).sum());
    let dropped: u64 = rig.moved(0).drops.iter().map(|(_, count)| count).sum();
    assert_eq!(delivered as u64 + dropped, u64::from(FRAMES));
}

/// Sends the frame once more and checks what arrives of it. Returns how many frames arrived.
fn send_raced(rig: &mut Rig, tx: &mut RawQueue, type_at: usize) -> usize {
    tx.offer(&[0]);
    rig.poll();
    let arrived = rig.received(1);
    assert!(arrived.iter().all(|frame| frame[type_at] == kind::ROUTER_SOLICITATION));
    arrived.len()
}

#[test]
fn announcements_of_a_mac_stay_allowed_to_hosts() {
    let mut rig = two(Role::Host);
    let rarp = wire::build::rarp_announcement(mac(0));
    rig.send(0, &rarp);
    assert_eq!(rig.received(1), [rarp]);
    assert_eq!(rig.namespace(0).fdb().lookup(MacAddr::BROADCAST), None);
}
