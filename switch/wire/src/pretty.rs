// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A frame as one line of text, for logs, failing tests and captures.
//!
//! Only numbers and names of our own are written, never bytes of the frame as text: a guest cannot
//! write to anybody's terminal through it.

use core::fmt::{self, Display, Formatter};
use core::net::Ipv4Addr;

use crate::EtherHeader;
use crate::ether::{self, ethertype, is_tag};
use crate::icmp6::{NdKind, kind, of_type};
use crate::ip4::Ip4Header;
use crate::ip6::{self, Ip6Header, Walk, protocol};

/// Writes the frame in the bytes given; anything cut or unknown is named as such.
///
/// ```
/// use wire::MacAddr;
/// use wire::build::{Ether, Ip};
///
/// let ether = Ether::new(MacAddr([2, 0, 0, 0, 0, 2]), MacAddr([2, 0, 0, 0, 0, 1])).vlan(7);
/// let frame = ether.ip(Ip::v4([192, 0, 2, 1], [192, 0, 2, 2])).udp(68, 67, b"hello");
/// assert_eq!(
///     wire::pretty::Pretty(&frame).to_string(),
///     "02:00:00:00:00:01 > 02:00:00:00:00:02 vlan 7 IPv4 192.0.2.1 > 192.0.2.2 UDP 68 > 67, 51 octets",
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Pretty<'a>(pub &'a [u8]);

impl Display for Pretty<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let frame = self.0;
        if let Some(header) = EtherHeader::parse(frame) {
            write!(f, "{} > {}", header.src, header.dst)?;
            write_tags(f, frame, &header)?;
            write_payload(f, header.ethertype, frame.get(header.l3..).unwrap_or_default())?;
        } else {
            f.write_str("runt")?;
        }
        write!(f, ", {} octets", frame.len())
    }
}

fn write_tags(f: &mut Formatter<'_>, frame: &[u8], header: &EtherHeader) -> fmt::Result {
    for tag in 0..header.tags() {
        let tci = word(frame, ether::MIN_LEN + tag * ether::TAG_LEN).unwrap_or(0);
        write!(f, " vlan {}", tci & 0x0fff)?;
    }
    Ok(())
}

fn write_payload(f: &mut Formatter<'_>, ethertype: u16, payload: &[u8]) -> fmt::Result {
    match ethertype {
        ethertype::IPV4 => write_ip4(f, payload),
        ethertype::IPV6 => write_ip6(f, payload),
        ethertype::ARP => write_arp(f, payload),
        ethertype::RARP => f.write_str(" RARP"),
        ethertype::LLDP => f.write_str(" LLDP"),
        tag if is_tag(tag) => f.write_str(" more tags"),
        length @ 0..0x0600 => write!(f, " 802.3 length {length}"),
        other => write!(f, " ethertype {other:#06x}"),
    }
}

fn write_arp(f: &mut Formatter<'_>, message: &[u8]) -> fmt::Result {
    let address = |at: usize| message.get(at..).and_then(<[u8]>::first_chunk::<4>).copied().map(Ipv4Addr::from);
    match (word(message, 6), address(14), address(24)) {
        (Some(1), Some(sender), Some(target)) => write!(f, " ARP who has {target} tell {sender}"),
        (Some(2), Some(sender), Some(target)) => write!(f, " ARP {sender} answers {target}"),
        (Some(other), ..) => write!(f, " ARP operation {other}"),
        _ => f.write_str(" ARP cut"),
    }
}

fn write_ip4(f: &mut Formatter<'_>, packet: &[u8]) -> fmt::Result {
    let Some(header) = Ip4Header::parse(packet) else {
        return f.write_str(" IPv4 impossible header");
    };
    write!(f, " IPv4 {} > {}", header.src, header.dst)?;
    if header.fragment {
        write!(f, " fragment of {:#06x}", header.id)?;
    }
    if header.later_fragment {
        return Ok(());
    }
    write_transport(f, header.protocol, packet.get(header.len..).unwrap_or_default())
}

fn write_ip6(f: &mut Formatter<'_>, packet: &[u8]) -> fmt::Result {
    let Some(header) = Ip6Header::parse(packet) else {
        return f.write_str(" IPv6 impossible header");
    };
    write!(f, " IPv6 {} > {}", header.src, header.dst)?;
    let Walk::End(chain) = ip6::walk(packet) else {
        return f.write_str(" cut header chain");
    };
    if let Some(fragment) = chain.fragment {
        write!(f, " fragment of {:#010x} at {}", fragment.id, fragment.offset)?;
    }
    if chain.is_later_fragment() {
        return Ok(());
    }
    write_transport(f, chain.protocol, packet.get(chain.offset..).unwrap_or_default())
}

fn write_transport(f: &mut Formatter<'_>, protocol: u8, data: &[u8]) -> fmt::Result {
    match (protocol, word(data, 0), word(data, 2)) {
        (protocol::UDP, Some(src), Some(dst)) => write!(f, " UDP {src} > {dst}"),
        (protocol::TCP, Some(src), Some(dst)) => {
            write!(f, " TCP {src} > {dst} ")?;
            write_tcp_flags(f, data.get(13).copied().unwrap_or(0))
        }
        (protocol::ICMP4, Some(word), _) => write!(f, " ICMP type {} code {}", word >> 8, word & 0xff),
        (protocol::ICMP6, Some(word), _) => write_icmp6(f, word),
        (other, ..) => write!(f, " protocol {other}"),
    }
}

fn write_tcp_flags(f: &mut Formatter<'_>, flags: u8) -> fmt::Result {
    // From bit 0 (RFC 9293, section 3.1).
    let letters = "FSRPAUEC".chars().enumerate();
    f.write_str("[")?;
    for (_, letter) in letters.filter(|(bit, _)| flags >> bit & 1 != 0) {
        write!(f, "{letter}")?;
    }
    f.write_str("]")
}

fn write_icmp6(f: &mut Formatter<'_>, type_and_code: u16) -> fmt::Result {
    let [icmp6_type, code] = type_and_code.to_be_bytes();
    f.write_str(match (icmp6_type, of_type(icmp6_type)) {
        (_, NdKind::RouterSolicitation) => " ICMPv6 router solicitation",
        (_, NdKind::RouterAdvertisement) => " ICMPv6 router advertisement",
        (_, NdKind::NeighborSolicitation) => " ICMPv6 neighbor solicitation",
        (_, NdKind::NeighborAdvertisement) => " ICMPv6 neighbor advertisement",
        (_, NdKind::Redirect) => " ICMPv6 redirect",
        (kind::ECHO_REQUEST, _) => " ICMPv6 echo request",
        (kind::ECHO_REPLY, _) => " ICMPv6 echo reply",
        _ => return write!(f, " ICMPv6 type {icmp6_type} code {code}"),
    })
}

/// The number in the two octets at `at`.
fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..).and_then(<[u8]>::first_chunk::<2>).map(|word| u16::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    use core::net::Ipv6Addr;

    use proptest::prelude::*;

    use super::*;
    use crate::MacAddr;
    use crate::build::{self, Echo, Ether, Ip, Tcp, tcp_flag};

    const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
    const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

    /// The line without addresses and length.
    fn middle(frame: &[u8]) -> String {
        let line = Pretty(frame).to_string();
        let line = line.strip_prefix("02:00:00:00:00:01 > ").unwrap();
        let (_, line) = line.split_once(' ').unwrap();
        line.split_once(',').unwrap().0.to_owned()
    }

    fn v4() -> Ip {
        Ip::v4([192, 0, 2, 1], [192, 0, 2, 2])
    }

    #[test]
    fn lines() {
        let ether = || Ether::new(B, A);
        let tcp = Tcp { src: 443, dst: 5, flags: tcp_flag::SYN | tcp_flag::ACK, ..Tcp::default() };
        let local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
        let sender = (A, [192, 0, 2, 1].into());
        let options = Ip::v6(local, local).extension(60, &[200, 0, 0, 0, 0, 0, 0]);
        for (frame, expected) in [
            (ether().ip(v4()).tcp(&tcp, b""), "IPv4 192.0.2.1 > 192.0.2.2 TCP 443 > 5 [SA]"),
            (ether().ip(v4().id(7).fragment(1)).udp(1, 2, b""), "IPv4 192.0.2.1 > 192.0.2.2 fragment of 0x0007"),
            (
                ether().ip(v4()).echo(Echo { reply: false, id: 1, seq: 1 }, b""),
                "IPv4 192.0.2.1 > 192.0.2.2 ICMP type 8 code 0",
            ),
            (build::advertisement(A, local, 9, &[]), "IPv6 fe80::1 > ff02::1 ICMPv6 router advertisement"),
            (ether().ip(options).raw(59, &[]), "IPv6 fe80::1 > fe80::1 cut header chain"),
            (build::arp_request(sender, [192, 0, 2, 2].into()), "ARP who has 192.0.2.2 tell 192.0.2.1"),
            (build::rarp_announcement(A), "RARP"),
            (ether().vlan(1).vlan(2).vlan(3).raw(0x86dd, &[]), "vlan 1 vlan 2 more tags"),
            (ether().raw(0x1234, &[]), "ethertype 0x1234"),
            (ether().raw(38, &[]), "802.3 length 38"),
        ] {
            assert_eq!(middle(&frame), expected);
        }
        assert_eq!(Pretty(&[0; 3]).to_string(), "runt, 3 octets");
    }

    proptest! {
        #[test]
        fn any_bytes_are_one_line_of_plain_text(
            mut bytes in prop::collection::vec(any::<u8>(), 0..120),
            kind in prop::sample::select(vec![[8, 0], [8, 6], [0x81, 0], [0x86, 0xdd]]),
        ) {
            if let Some(field) = bytes.get_mut(12..14) {
                field.copy_from_slice(&kind);
            }
            let line = Pretty(&bytes).to_string();
            prop_assert!(line.bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
            prop_assert!(line.len() < 200);
        }
    }
}
