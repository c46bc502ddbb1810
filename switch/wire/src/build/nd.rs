// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Neighbor Discovery messages (RFC 4861, section 4), with the few options that tests need.

use core::net::Ipv6Addr;

use super::{Ether, Ip, IpFrame};
use crate::MacAddr;
use crate::icmp6::kind;
use crate::nd::{kind as option, na_flag};

/// ff02::1, every node on the link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// ff02::2, every router on the link.
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// Router Solicitation to all routers (RFC 4861, section 4.1).
pub fn solicitation(mac: MacAddr, src: Ipv6Addr) -> Vec<u8> {
    let mut rest = vec![0; 4];
    if !src.is_unspecified() {
        rest.extend(link_address(option::SOURCE_LINK_LAYER, mac));
    }
    on_link(mac, src, ALL_ROUTERS).icmp6(kind::ROUTER_SOLICITATION, 0, &rest)
}

/// Router Advertisement to all nodes (RFC 4861, section 4.2): current hop limit 64, no flags,
/// `lifetime` seconds as default router (0: none), then `options` as they are.
pub fn advertisement(mac: MacAddr, src: Ipv6Addr, lifetime: u16, options: &[u8]) -> Vec<u8> {
    let [hi, lo] = lifetime.to_be_bytes();
    let rest = [&[64, 0, hi, lo, 0, 0, 0, 0, 0, 0, 0, 0], &link_address(option::SOURCE_LINK_LAYER, mac)[..], options];
    on_link(mac, src, ALL_NODES).icmp6(kind::ROUTER_ADVERTISEMENT, 0, &rest.concat())
}

/// Neighbor Solicitation for `target` (RFC 4861, section 4.3); from `::` it is the question of
/// duplicate address detection (RFC 4862, section 5.4.2).
pub fn neighbor_solicitation(mac: MacAddr, src: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let mut rest = [&[0; 4], &target.octets()[..]].concat();
    if !src.is_unspecified() {
        rest.extend(link_address(option::SOURCE_LINK_LAYER, mac));
    }
    on_link(mac, src, solicited_node(target)).icmp6(kind::NEIGHBOR_SOLICITATION, 0, &rest)
}

/// Neighbor Advertisement of `target`, unasked, to all nodes (RFC 4861, section 7.2.6): whoever knows `target` knows from now on that it
/// is at `mac`.
pub fn neighbor_announcement(mac: MacAddr, target: Ipv6Addr, is_router: bool) -> Vec<u8> {
    let flags = na_flag::OVERRIDE | if is_router { na_flag::ROUTER } else { 0 };
    let rest = [&[flags, 0, 0, 0], &target.octets()[..], &link_address(option::TARGET_LINK_LAYER, mac)].concat();
    on_link(mac, target, ALL_NODES).icmp6(kind::NEIGHBOR_ADVERTISEMENT, 0, &rest)
}

/// The group in which the owner of `address` listens (RFC 4291, section 2.7.1).
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// A packet to a group on this link, with the hop limit that proves it (RFC 4861, section 3.1).
fn on_link(mac: MacAddr, src: Ipv6Addr, group: Ipv6Addr) -> IpFrame {
    let [.., a, b, c, d] = group.octets();
    // The Ethernet address of an IPv6 group (RFC 2464, section 7).
    let dst = MacAddr([0x33, 0x33, a, b, c, d]);
    Ether::new(dst, mac).ip(Ip::v6(src, group).hops(255))
}

fn link_address(kind: u8, mac: MacAddr) -> [u8; 8] {
    let [a, b, c, d, e, f] = mac.0;
    [kind, 1, a, b, c, d, e, f]
}
