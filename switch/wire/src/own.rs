// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which IP address a frame says is its sender's own, for those who speak for the sender when it has moved (RFC 5227 section
//! 2.3, RFC 4861 section 7.2.6).
//!
//! Only what can mean nothing else is taken, for what was taken is said again to everybody. Who claims an address
//! names the hardware that it sends from; an address that is still looked at for duplicates (RFC 5227 section 2.1, RFC 4862 section
//! 5.4) is nobody's; nor is one that is advertised without the override flag, which is how proxies and anycast speak. Frames
//! with VLAN tags speak of another network. What a sender wants to be believed it may lie about; whoever
//! asks here says no more for it than it can say itself.

use core::net::{IpAddr, Ipv6Addr};

use crate::MacAddr;
use crate::arp::{Arp, operation};
use crate::ether::{EtherHeader, MIN_LEN, ethertype};
use crate::icmp6::kind;
use crate::ip6::{HEADER_LEN, Ip6Header, protocol};
use crate::nd::{HOP_LIMIT, RawOptions, kind as option, na_flag};

/// What precedes the options of a Neighbor Solicitation or Advertisement (RFC 4861 sections 4.3 and 4.4): its header, and the
/// target.
const NEIGHBOR_LEN: usize = 24;
/// The same of a Router Solicitation (RFC 4861 section 4.1), which has no target.
const SOLICITATION_LEN: usize = 8;

/// An address that the sender of a frame says is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnAddress {
    /// The address; [`can_be_own`] holds.
    pub ip: IpAddr,
    /// Whether the sender is a router, where it says so (RFC 4861 section 4.4).
    pub is_router: Option<bool>,
    /// It was asked for the address. A router may answer so for others (proxy ARP, RFC 1027).
    pub is_answer: bool,
}

/// Whether `ip` can be an address of a host's.
#[must_use]
pub fn can_be_own(ip: IpAddr) -> bool {
    match ip {
        // RFC 1122 section 3.2.1.3, RFC 1112 section 4.
        IpAddr::V4(ip) => matches!(ip.octets()[0], 1..=126 | 128..=223),
        // RFC 4291 section 2.4.
        IpAddr::V6(ip) => {
            let nobody = ip.is_unspecified() || ip.is_loopback() || ip.is_multicast();
            !nobody && ip.to_ipv4_mapped().is_none()
        }
    }
}

/// The address that `frame` says is its sender's. Its first bytes will do, if they hold the message.
#[must_use]
pub fn own_address(frame: &[u8]) -> Option<OwnAddress> {
    let ether = EtherHeader::parse(frame)?;
    let payload = frame.get(MIN_LEN..)?;
    let own = match ether.ethertype {
        _ if ether.tags() > 0 => None,
        ethertype::ARP => by_arp(payload, ether.src),
        ethertype::IPV6 => by_discovery(payload, ether.src),
        _ => None,
    };
    own.filter(|own| can_be_own(own.ip))
}

fn by_arp(payload: &[u8], mac: MacAddr) -> Option<OwnAddress> {
    let Arp { operation, sender, target } = Arp::parse(payload)?;
    let is_answer = match operation {
        operation::REQUEST => false,
        operation::REPLY => sender.1 != target.1,
        _ => return None,
    };
    (sender.0 == mac).then_some(OwnAddress { ip: sender.1.into(), is_router: None, is_answer })
}

/// Nobody puts extension headers in front of these messages.
fn by_discovery(packet: &[u8], mac: MacAddr) -> Option<OwnAddress> {
    let header = Ip6Header::parse(packet)?;
    let message = packet.get(HEADER_LEN..)?;
    let message = message.get(..header.payload_len.into()).unwrap_or(message);
    let &[kind, 0, _, _, flags, ..] = message else { return None };
    if header.next != protocol::ICMP6 || header.hop_limit != HOP_LIMIT {
        return None;
    }
    let target = || Some(Ipv6Addr::from(*message.get(8..)?.first_chunk::<16>()?));
    let (ip, is_router, fixed, option) = match kind {
        kind::ROUTER_SOLICITATION => (header.src, None, SOLICITATION_LEN, option::SOURCE_LINK_LAYER),
        kind::NEIGHBOR_SOLICITATION => (header.src, None, NEIGHBOR_LEN, option::SOURCE_LINK_LAYER),
        kind::NEIGHBOR_ADVERTISEMENT if flags & na_flag::OVERRIDE != 0 => {
            (target()?, Some(flags & na_flag::ROUTER != 0), NEIGHBOR_LEN, option::TARGET_LINK_LAYER)
        }
        _ => return None,
    };
    let agrees = names_none_but(mac, option, message.get(fixed..)?);
    agrees.then_some(OwnAddress { ip: ip.into(), is_router, is_answer: false })
}

/// Whether the options can be read, and a link-layer address of this kind among them is this one. There need not be one.
fn names_none_but(mac: MacAddr, kind: u8, options: &[u8]) -> bool {
    RawOptions::new(options).all(|option| option.is_ok_and(|option| option.kind != kind || option.bytes[2..] == mac.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{self, Ether, Ip};
    use core::net::Ipv4Addr;
    use proptest::prelude::*;

    const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xa]);
    const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);
    const V4: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];
    const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    const LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

    fn own(ip: impl Into<IpAddr>) -> OwnAddress {
        OwnAddress { ip: ip.into(), is_router: None, is_answer: false }
    }

    #[test]
    fn who_claims_an_address_is_believed() {
        let advertised = |is_router| OwnAddress { is_router: Some(is_router), ..own(V6) };
        for (frame, expected) in [
            (build::arp_request((A, V4[0]), V4[1]), own(V4[0])),
            (build::arp_announcement(A, V4[0]), own(V4[0])),
            (build::arp_reply((A, V4[0]), (B, V4[1])), OwnAddress { is_answer: true, ..own(V4[0]) }),
            (build::arp_reply((A, V4[0]), (B, V4[0])), own(V4[0])),
            (build::solicitation(A, LOCAL), own(LOCAL)),
            (build::neighbor_solicitation(A, V6, LOCAL), own(V6)),
            (build::neighbor_announcement(A, V6, false), advertised(false)),
            (build::neighbor_announcement(A, V6, true), advertised(true)),
        ] {
            assert_eq!(own_address(&frame), Some(expected));
            let mut other = frame.clone();
            other[6..12].copy_from_slice(&B.0);
            assert_eq!(own_address(&other), None, "its sender is not whom it speaks of");
            let tagged = [&frame[..12], &[0x81, 0, 0, 7], &frame[12..]].concat();
            assert_eq!(own_address(&tagged), None, "of another network");
        }
    }

    #[test]
    fn what_may_be_of_another_is_not_its_sender_s() {
        let advertisement = |at: usize, octet: u8| {
            let mut frame = build::neighbor_announcement(A, V6, true);
            frame[at] = octet;
            own_address(&frame)
        };
        assert!(advertisement(58, 0x60).is_some(), "it was asked");
        assert_eq!(advertisement(58, 0xc0), None, "a proxy does not override");
        assert_eq!(advertisement(14 + 7, 254), None, "it may come from beyond the link");
        assert_eq!(advertisement(55, 1), None, "no such code");
        assert_eq!(advertisement(79, 0), None, "an option without a length");
        assert_eq!(advertisement(79, 9), None, "an option that is cut");
        for frame in [
            build::arp_request((A, Ipv4Addr::UNSPECIFIED), V4[0]),
            build::arp_request((B, V4[0]), V4[1]),
            build::rarp_announcement(A),
            build::solicitation(A, Ipv6Addr::UNSPECIFIED),
            build::neighbor_solicitation(A, Ipv6Addr::UNSPECIFIED, V6),
            build::advertisement(A, LOCAL, 1800, &[]),
            Ether::new(B, A).ip(Ip::v6(V6, LOCAL)).udp(1, 2, b"x"),
            Ether::new(B, A).ip(Ip::v4(V4[0], V4[1])).udp(1, 2, b"x"),
        ] {
            // A message of another's hardware in a frame of its own.
            let frame = [&frame[..6], &A.0, &frame[12..]].concat();
            assert_eq!(own_address(&frame), None, "{}", crate::pretty::Pretty(&frame));
        }
    }

    #[test]
    fn nobody_has_an_address_of_everybody() {
        let all = ["0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"];
        assert!(all.into_iter().chain(["::ffff:192.0.2.1"]).all(|ip| !can_be_own(ip.parse().unwrap())));
        let good =
            ["1.0.0.1", "126.255.255.255", "128.0.0.1", "169.254.0.1", "223.0.0.1", "fe80::1", "fd00::1", "2000::"];
        assert!(good.into_iter().all(|ip| can_be_own(ip.parse().unwrap())));
        assert_eq!(own_address(&build::arp_announcement(A, Ipv4Addr::BROADCAST)), None);
        assert_eq!(own_address(&build::neighbor_announcement(A, "ff02::1".parse().unwrap(), false)), None);
    }

    proptest! {
        #[test]
        fn any_frame_says_one_that_can_be_or_none(
            frame in prop::collection::vec(any::<u8>(), 0..100),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            cut: prop::sample::Index,
        ) {
            let _ = own_address(&frame);
            for good in [build::arp_announcement(A, V4[0]), build::neighbor_announcement(A, V6, true)] {
                let mut frame = good.clone();
                flips.iter().for_each(|(at, octet)| *at.get_mut::<u8>(&mut frame) = *octet);
                let said = own_address(&frame);
                prop_assert!(said.is_none_or(|own| can_be_own(own.ip)));
                // The rest of a frame never makes it another.
                let cut = own_address(&frame[..cut.index(frame.len())]);
                prop_assert!(cut.is_none() || cut == said || said.is_none());
            }
        }
    }
}
