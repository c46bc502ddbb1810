// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! IPv4 (RFC 791) and IPv6 (RFC 8200) packets in the making.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::Ether;
use crate::checksum::Sum;
use crate::ether::ethertype;

/// An IP header: addresses first, the rest by methods.
#[derive(Clone, Debug)]
pub struct Ip {
    addresses: Addresses,
    hops: u8,
    id: u16,
    /// IPv4's fragment word: flags and offset.
    fragment: u16,
    /// IPv4 options, or IPv6 extension headers without the link from one to the next.
    extensions: Vec<(u8, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug)]
enum Addresses {
    V4 { src: [u8; 4], dst: [u8; 4] },
    V6 { src: [u8; 16], dst: [u8; 16] },
}

impl Ip {
    /// IPv4 between two addresses; 64 hops, identification 0, "do not fragment" unset.
    pub fn v4(src: impl Into<Ipv4Addr>, dst: impl Into<Ipv4Addr>) -> Ip {
        Ip::new(Addresses::V4 { src: src.into().octets(), dst: dst.into().octets() })
    }

    /// IPv6 between two addresses; 64 hops.
    pub fn v6(src: impl Into<Ipv6Addr>, dst: impl Into<Ipv6Addr>) -> Ip {
        Ip::new(Addresses::V6 { src: src.into().octets(), dst: dst.into().octets() })
    }

    fn new(addresses: Addresses) -> Ip {
        Ip { addresses, hops: 64, id: 0, fragment: 0, extensions: Vec::new() }
    }

    /// Sets the hop limit (IPv6) or time to live (IPv4).
    #[must_use]
    pub fn hops(self, hops: u8) -> Ip {
        Ip { hops, ..self }
    }

    /// Sets IPv4's identification.
    #[must_use]
    pub fn id(self, id: u16) -> Ip {
        Ip { id, ..self }
    }

    /// Sets IPv4's flags and fragment offset as the 16 bits that they share.
    #[must_use]
    pub fn fragment(self, word: u16) -> Ip {
        Ip { fragment: word, ..self }
    }

    /// Adds IPv4 options: at most 40 octets in all, a multiple of four.
    #[must_use]
    pub fn options(self, options: &[u8]) -> Ip {
        self.extension(0, options)
    }

    /// Adds an IPv6 extension header of this kind. `body` is all of it but the first octet, which
    /// will name the header that follows; so it begins with the length (RFC 8200, section 4.2).
    #[must_use]
    pub fn extension(mut self, kind: u8, body: &[u8]) -> Ip {
        self.extensions.push((kind, body.to_vec()));
        self
    }

    /// The sum of the pseudo header for `len` octets of `protocol`.
    pub(super) fn pseudo(&self, protocol: u8, len: usize) -> Sum {
        match self.addresses {
            Addresses::V4 { src, dst } => Sum::pseudo_v4(src, dst, protocol, len as u16),
            Addresses::V6 { src, dst } => Sum::pseudo_v6(src, dst, protocol, len as u32),
        }
    }

    /// True for IPv4.
    pub(super) fn is_v4(&self) -> bool {
        matches!(self.addresses, Addresses::V4 { .. })
    }

    fn packet(&self, protocol: u8, data: &[u8]) -> Vec<u8> {
        match self.addresses {
            Addresses::V4 { src, dst } => self.packet4([src, dst].concat(), protocol, data),
            Addresses::V6 { src, dst } => self.packet6([src, dst].concat(), protocol, data),
        }
    }

    fn packet4(&self, addresses: Vec<u8>, protocol: u8, data: &[u8]) -> Vec<u8> {
        let options: Vec<u8> = self.extensions.iter().flat_map(|(_, body)| body.clone()).collect();
        let len = 20 + options.len();
        let total = (len + data.len()) as u16;
        let mut packet = vec![0x40 | (len / 4) as u8, 0];
        for word in [total, self.id, self.fragment, u16::from_be_bytes([self.hops, protocol]), 0] {
            packet.extend(word.to_be_bytes());
        }
        packet.extend(addresses);
        packet.extend(options);
        let checksum = Sum::new().add_bytes(&packet).finish();
        packet[10..12].copy_from_slice(&checksum.to_be_bytes());
        packet.extend(data);
        packet
    }

    fn packet6(&self, addresses: Vec<u8>, protocol: u8, data: &[u8]) -> Vec<u8> {
        let mut kinds = self.extensions.iter().map(|(kind, _)| *kind).chain([protocol]);
        let first = kinds.next().unwrap_or(protocol);
        let mut rest = Vec::new();
        for ((_, body), next) in self.extensions.iter().zip(kinds) {
            rest.push(next);
            rest.extend(body);
        }
        rest.extend(data);
        let [hi, lo] = (rest.len() as u16).to_be_bytes();
        let mut packet = vec![0x60, 0, 0, 0, hi, lo, first, self.hops];
        packet.extend(addresses);
        packet.extend(rest);
        packet
    }
}

/// A frame with an IP packet in the making; what it carries ends it.
#[derive(Clone, Debug)]
pub struct IpFrame {
    pub(super) ether: Ether,
    pub(super) ip: Ip,
}

impl IpFrame {
    /// Ends with any protocol and data, checksums as they are.
    pub fn raw(self, protocol: u8, data: &[u8]) -> Vec<u8> {
        let ethertype = if self.ip.is_v4() { ethertype::IPV4 } else { ethertype::IPV6 };
        let packet = self.ip.packet(protocol, data);
        self.ether.raw(ethertype, &packet)
    }

    /// Offset of what the packet will carry, from the start of the frame.
    pub(super) fn transport_offset(&self) -> usize {
        self.clone().raw(0, &[]).len()
    }
}
