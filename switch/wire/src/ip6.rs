// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The IPv6 header and the chain of extension headers behind it (RFC 8200, section 4).
//!
//! ```text
//!  +------+-------------+---------+----------+------------------
//!  | IPv6 | hop-by-hop  | routing | fragment | ICMPv6 ...
//!  | nh=0 | nh=43 len=n | nh=44   | nh=58    |
//!  +------+-------------+---------+----------+------------------
//! ```
//!
//! Filters that looked at the first few headers only have been passed by sending a few more (RFC
//! 7113, section 2), so [`walk`] has no limit but the bytes. It ends because each header is at least
//! eight octets long. It is generous where a receiver is strict (order and number of headers, payload
//! length, unknown options): nothing that a receiver would find at the end of a chain stays hidden.

use core::net::Ipv6Addr;

/// Octets of the header proper.
pub const HEADER_LEN: usize = 40;

/// Protocol numbers (IANA "Protocol Numbers") of what IP packets carry.
pub mod protocol {
    /// ICMP for IPv4 (RFC 792).
    pub const ICMP4: u8 = 1;
    /// TCP (RFC 9293).
    pub const TCP: u8 = 6;
    /// UDP (RFC 768).
    pub const UDP: u8 = 17;
    /// Encapsulating Security Payload (RFC 4303): what follows is nobody's business.
    pub const ESP: u8 = 50;
    /// ICMPv6 (RFC 4443).
    pub const ICMP6: u8 = 58;
    /// Nothing follows (RFC 8200, section 4.7).
    pub const NONE: u8 = 59;
}

/// Protocol numbers of extension headers (IANA "IPv6 Extension Header Types").
pub mod extension {
    /// Hop-by-hop options (RFC 8200, section 4.3).
    pub const HOP_BY_HOP: u8 = 0;
    /// Routing (RFC 8200, section 4.4).
    pub const ROUTING: u8 = 43;
    /// Fragment (RFC 8200, section 4.5).
    pub const FRAGMENT: u8 = 44;
    /// Authentication (RFC 4302), which counts its length in fours.
    pub const AUTH: u8 = 51;
    /// Destination options (RFC 8200, section 4.6).
    pub const DEST_OPTIONS: u8 = 60;
    /// Mobility (RFC 6275).
    pub const MOBILITY: u8 = 135;
    /// Host Identity Protocol (RFC 7401).
    pub const HIP: u8 = 139;
    /// Shim6 (RFC 5533).
    pub const SHIM6: u8 = 140;
}

/// The first protocol number that IANA has assigned to nothing; none above it is assigned but to experiments (253, 254).
const UNASSIGNED: u8 = 148;

/// The fixed header (RFC 8200, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip6Header {
    /// Octets after the fixed header as it says; nobody has compared it with anything.
    pub payload_len: u16,
    /// Kind of the header that follows.
    pub next: u8,
    /// Hops left; 255 proves that the sender is on this link (RFC 4861, section 3.1).
    pub hop_limit: u8,
    /// Source address.
    pub src: Ipv6Addr,
    /// Destination address; not the last one when a routing header follows.
    pub dst: Ipv6Addr,
}

impl Ip6Header {
    /// Reads the header at the start of `packet`; `None` when it is cut or not version 6.
    pub fn parse(packet: &[u8]) -> Option<Ip6Header> {
        let (fixed, rest) = packet.split_first_chunk::<8>()?;
        let (src, rest) = rest.split_first_chunk::<16>()?;
        let dst = rest.first_chunk::<16>()?;
        let &[version, _, _, _, l0, l1, next, hop_limit] = fixed;
        (version >> 4 == 6).then(|| Ip6Header {
            payload_len: u16::from_be_bytes([l0, l1]),
            next,
            hop_limit,
            src: Ipv6Addr::from(*src),
            dst: Ipv6Addr::from(*dst),
        })
    }
}

/// What a fragment header says (RFC 8200, section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where this fragment's data belong in the packet's, in octets.
    pub offset: u16,
    /// Another fragment follows.
    pub more: bool,
    /// Equal in all fragments of a packet.
    pub id: u32,
}

impl Fragment {
    /// True when it is no part of anything but a whole packet (RFC 6946, "atomic").
    #[inline]
    pub const fn is_whole(&self) -> bool {
        self.offset == 0 && !self.more
    }
}

/// Where a header chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The first protocol number that is not an extension header's.
    ///
    /// In a fragment that is not the first, the number that its fragment header names, whatever that
    /// is: the bytes at `offset` are from the middle of something.
    pub protocol: u8,
    /// Where that begins, from the start of the IPv6 header. Never beyond the bytes given.
    pub offset: usize,
    /// The last fragment header of the chain.
    pub fragment: Option<Fragment>,
}

impl Chain {
    /// True when the bytes at `offset` are not the beginning of what `protocol` says.
    #[inline]
    pub const fn is_later_fragment(&self) -> bool {
        matches!(self.fragment, Some(Fragment { offset: 1.., .. }))
    }
}

/// What [`walk`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// The end of the chain.
    End(Chain),
    /// The bytes end before the chain does. With more bytes of the packet the answer may change;
    /// over a whole packet it means that no receiver can make sense of it either (RFC 7112).
    Truncated,
    /// The version is not 6.
    NotIp6,
}

/// Walks the header chain of the packet that begins at `packet[0]`.
#[inline]
pub fn walk(packet: &[u8]) -> Walk {
    let Some(fixed) = packet.first_chunk::<HEADER_LEN>() else {
        return Walk::Truncated;
    };
    if fixed[0] >> 4 != 6 {
        return Walk::NotIp6;
    }
    let chain = Chain { protocol: fixed[6], offset: HEADER_LEN, fragment: None };
    match fixed[6] {
        protocol::TCP | protocol::UDP | protocol::ICMP6 => Walk::End(chain),
        _ => walk_extensions(packet, chain),
    }
}

fn walk_extensions(packet: &[u8], mut chain: Chain) -> Walk {
    while is_extension(chain.protocol) && !chain.is_later_fragment() {
        let Some(header) = packet.get(chain.offset..).and_then(<[u8]>::first_chunk::<8>) else {
            return Walk::Truncated;
        };
        if chain.protocol == extension::FRAGMENT {
            chain.fragment = Some(parse_fragment(header));
        }
        chain.offset += extension_len(chain.protocol, header[1]);
        chain.protocol = header[0];
        if chain.offset > packet.len() {
            return Walk::Truncated;
        }
    }
    Walk::End(chain)
}

/// Octets of an extension header whose second octet is `len`: at least eight.
fn extension_len(kind: u8, len: u8) -> usize {
    match kind {
        extension::FRAGMENT => 8,
        extension::AUTH => (usize::from(len) + 2) * 4,
        _ => (usize::from(len) + 1) * 8,
    }
}

/// True for the headers that [`walk`] steps over.
#[inline]
pub const fn is_extension(protocol: u8) -> bool {
    matches!(
        protocol,
        extension::HOP_BY_HOP
            | extension::ROUTING
            | extension::FRAGMENT
            | extension::AUTH
            | extension::DEST_OPTIONS
            | extension::MOBILITY
            | extension::HIP
            | extension::SHIM6
    )
}

/// True for numbers that may come to name an extension header that [`walk`] does not know: those that IANA has given to
/// nothing, and those for experiments, headers among them (RFC 3692, RFC 7045 section 4). All others name something that
/// is known to be none ("Assigned Internet Protocol Numbers", as of 2025).
#[inline]
pub const fn may_be_extension(protocol: u8) -> bool {
    protocol >= UNASSIGNED
}

fn parse_fragment(header: &[u8; 8]) -> Fragment {
    let &[_, _, o0, o1, i0, i1, i2, i3] = header;
    let offset = u16::from_be_bytes([o0, o1]);
    Fragment { offset: offset & 0xfff8, more: offset & 1 != 0, id: u32::from_be_bytes([i0, i1, i2, i3]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(next: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, rest.len() as u8, next, 64];
        packet.extend([0xfe; 16].iter().chain(&[0xff; 16]));
        packet.extend(rest);
        packet
    }

    fn end(protocol: u8, offset: usize) -> Walk {
        Walk::End(Chain { protocol, offset, fragment: None })
    }

    #[test]
    fn fixed_header() {
        let header = Ip6Header::parse(&packet(17, &[1, 2, 3])).unwrap();
        assert_eq!((header.payload_len, header.next, header.hop_limit), (3, 17, 64));
        assert_eq!(header.src, Ipv6Addr::from([0xfe; 16]));
        assert_eq!(header.dst, Ipv6Addr::from([0xff; 16]));
        assert_eq!(Ip6Header::parse(&packet(17, &[])[..39]), None);
        assert_eq!(Ip6Header::parse(&[0x45; 40]), None);
    }

    #[test]
    fn no_extension() {
        assert_eq!(walk(&packet(protocol::ICMP6, &[134])), end(protocol::ICMP6, 40));
        assert_eq!(walk(&packet(protocol::NONE, &[])), end(protocol::NONE, 40));
        assert_eq!(walk(&packet(253, &[0; 8])), end(253, 40));
        assert_eq!(walk(&packet(6, &[])[..39]), Walk::Truncated);
        assert_eq!(walk(&[]), Walk::Truncated);
        assert_eq!(walk(&[0x40; 40]), Walk::NotIp6);
    }

    #[test]
    fn each_extension_is_stepped_over_by_its_own_length() {
        let mut chain = Vec::new();
        chain.extend([60, 0, 0, 0, 0, 0, 0, 0]); // hop-by-hop, 8
        chain.extend([43, 1, 0, 0, 0, 0, 0, 0].iter().chain(&[0; 8])); // destination options, 16
        chain.extend([51, 0, 0, 0, 0, 0, 0, 0]); // routing, 8
        chain.extend([135, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // authentication, 12
        chain.extend([58, 0, 0, 0, 0, 0, 0, 0]); // mobility, 8
        assert_eq!(walk(&packet(0, &chain)), end(58, 40 + 52));
        for cut in 1..=chain.len() {
            assert_eq!(walk(&packet(0, &chain[..chain.len() - cut])), Walk::Truncated);
        }
    }

    #[test]
    fn a_first_fragment_is_walked_through_and_a_later_one_is_not() {
        let fragment = |offset: u16| {
            let [hi, lo] = offset.to_be_bytes();
            packet(44, &[60, 0, hi, lo, 1, 2, 3, 4, 58, 0, 0, 0, 0, 0, 0, 0, 134])
        };
        let first = Fragment { offset: 0, more: true, id: 0x0102_0304 };
        let chain = Chain { protocol: 58, offset: 56, fragment: Some(first) };
        assert_eq!(walk(&fragment(1)), Walk::End(chain));
        assert!(!chain.is_later_fragment());

        let later = Fragment { offset: 8, more: false, ..first };
        let chain = Chain { protocol: 60, offset: 48, fragment: Some(later) };
        assert_eq!(walk(&fragment(8)), Walk::End(chain));
        assert!(chain.is_later_fragment());
    }

    #[test]
    fn a_thousand_headers_hide_nothing() {
        let mut chain = [60, 0, 0, 0, 0, 0, 0, 0].repeat(8000);
        let last = chain.len() - 8;
        chain[last] = 58;
        chain.push(134);
        assert_eq!(walk(&packet(60, &chain)), end(58, 40 + 64_000));
    }

    proptest! {
        #[test]
        fn any_bytes_end_inside_them(next: u8, rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let packet = packet(next, &rest);
            if let Walk::End(chain) = walk(&packet) {
                prop_assert!(chain.offset <= packet.len());
                prop_assert!(chain.is_later_fragment() || !is_extension(chain.protocol));
            }
        }

        #[test]
        fn more_bytes_only_change_truncated(
            kinds in prop::collection::vec(prop::sample::select(vec![0u8, 43, 44, 51, 60]), 0..8),
            cut in 0usize..200,
        ) {
            let header = |&next: &u8| [next, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            let mut chain: Vec<u8> = kinds.iter().skip(1).flat_map(header).collect();
            chain.extend([58, 0, 0, 0, 0, 0, 0, 0, 134, 0]);
            let packet = packet(*kinds.first().unwrap_or(&58), &chain);
            let part = walk(&packet[..packet.len().min(cut)]);
            prop_assert!(part == Walk::Truncated || part == walk(&packet));
        }

        #[test]
        fn agrees_with_etherparse(
            kinds in prop::collection::vec(prop::sample::select(vec![43u8, 60]), 0..6),
            last in prop::sample::select(vec![6u8, 17, 58, 59]),
        ) {
            let mut chain = Vec::new();
            for (i, _) in kinds.iter().enumerate() {
                chain.extend([*kinds.get(i + 1).unwrap_or(&last), 0, 0, 0, 0, 0, 0, 0]);
            }
            let packet = packet(*kinds.first().unwrap_or(&last), &chain);
            let (_, oracle, rest) = etherparse::Ipv6ExtensionsSlice::from_slice(
                etherparse::IpNumber(packet[6]),
                &packet[HEADER_LEN..],
            )
            .unwrap();
            prop_assert_eq!(walk(&packet), end(oracle.0, packet.len() - rest.len()));
            prop_assert_eq!(oracle.0, last);
        }
    }
}
