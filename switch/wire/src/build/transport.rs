// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What IP packets carry: UDP (RFC 768), TCP (RFC 9293), ICMP echo (RFC 792) and ICMPv6 (RFC 4443).

use super::IpFrame;
use crate::checksum::Sum;
use crate::icmp6::kind;
use crate::ip6::protocol;
use crate::vnet::{self, VnetHeader};

/// Flags of TCP as [`Tcp::flags`] holds them (RFC 9293, section 3.1).
pub mod tcp_flag {
    /// No more data.
    pub const FIN: u8 = 0x01;
    /// Synchronise.
    pub const SYN: u8 = 0x02;
    /// Deliver now.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement means something.
    pub const ACK: u8 = 0x10;
    /// Congestion window reduced (RFC 3168).
    pub const CWR: u8 = 0x80;
}

/// A TCP header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// Port of the sender.
    pub src: u16,
    /// Port of the receiver.
    pub dst: u16,
    /// Sequence number of the first octet.
    pub seq: u32,
    /// Next octet expected from the other side.
    pub ack: u32,
    /// [`tcp_flag`]s.
    pub flags: u8,
    /// Octets that the sender would take, before scaling.
    pub window: u16,
    /// Options, at most 40 octets, a multiple of four.
    pub options: Vec<u8>,
}

impl Tcp {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = [self.src.to_be_bytes(), self.dst.to_be_bytes()].concat();
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        bytes.extend([((5 + self.options.len() / 4) << 4) as u8, self.flags]);
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.options);
        bytes
    }
}

/// An echo request or reply, of ICMP or ICMPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// This is the answer.
    pub reply: bool,
    /// Identifier: equal in request and reply.
    pub id: u16,
    /// Sequence number: equal in request and reply.
    pub seq: u16,
}

impl IpFrame {
    /// Ends with a UDP datagram.
    pub fn udp(self, src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
        self.finished(protocol::UDP, udp_bytes(src, dst, payload), 6)
    }

    /// Ends with a TCP segment.
    pub fn tcp(self, tcp: &Tcp, payload: &[u8]) -> Vec<u8> {
        self.finished(protocol::TCP, [&tcp.bytes(), payload].concat(), 16)
    }

    /// Ends with a TCP segment as a guest with offloads hands it over: the checksum holds the sum of
    /// the pseudo header, and with `gso_size` the payload is still to be cut (TSO).
    pub fn tcp_offloaded(self, tcp: &Tcp, payload: &[u8], gso_size: Option<u16>) -> (VnetHeader, Vec<u8>) {
        let kind = if self.ip.is_v4() { vnet::GSO_TCPV4 } else { vnet::GSO_TCPV6 };
        let header = tcp.bytes();
        let offload = Offload { protocol: protocol::TCP, header_len: header.len(), field: 16, kind };
        self.unfinished(&offload, [&header, payload].concat(), gso_size)
    }

    /// Ends with UDP in the same way (USO).
    pub fn udp_offloaded(self, ports: (u16, u16), payload: &[u8], gso_size: Option<u16>) -> (VnetHeader, Vec<u8>) {
        let offload = Offload { protocol: protocol::UDP, header_len: 8, field: 6, kind: vnet::GSO_UDP_L4 };
        self.unfinished(&offload, udp_bytes(ports.0, ports.1, payload), gso_size)
    }

    /// Ends with an echo request or reply of the right ICMP.
    pub fn echo(self, echo: Echo, payload: &[u8]) -> Vec<u8> {
        let rest = [&echo.id.to_be_bytes(), &echo.seq.to_be_bytes(), payload].concat();
        if !self.ip.is_v4() {
            let kind = if echo.reply { kind::ECHO_REPLY } else { kind::ECHO_REQUEST };
            return self.icmp6(kind, 0, &rest);
        }
        let mut message = [&[if echo.reply { 0 } else { 8 }, 0, 0, 0], &rest[..]].concat();
        let checksum = Sum::new().add_bytes(&message).finish();
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        self.raw(protocol::ICMP4, &message)
    }

    /// Ends with any ICMPv6 message; `rest` is what follows the checksum.
    pub fn icmp6(self, icmp6_type: u8, code: u8, rest: &[u8]) -> Vec<u8> {
        self.finished(protocol::ICMP6, [&[icmp6_type, code, 0, 0], rest].concat(), 2)
    }

    /// Ends with `data`, whose checksum at `field` covers all of it and the pseudo header.
    fn finished(self, protocol: u8, mut data: Vec<u8>, field: usize) -> Vec<u8> {
        let sum = self.ip.pseudo(protocol, data.len()).add_bytes(&data);
        let checksum = if protocol == protocol::UDP { sum.finish_udp() } else { sum.finish() };
        data[field..field + 2].copy_from_slice(&checksum.to_be_bytes());
        self.raw(protocol, &data)
    }

    fn unfinished(self, offload: &Offload, mut data: Vec<u8>, gso_size: Option<u16>) -> (VnetHeader, Vec<u8>) {
        let Offload { protocol, header_len, field, kind } = *offload;
        let start = self.transport_offset();
        let sum = self.ip.pseudo(protocol, data.len()).partial();
        data[field..field + 2].copy_from_slice(&sum.to_be_bytes());
        let header = VnetHeader {
            flags: vnet::NEEDS_CSUM,
            gso_type: gso_size.map_or(vnet::GSO_NONE, |_| kind),
            hdr_len: gso_size.map_or(0, |_| (start + header_len) as u16),
            gso_size: gso_size.unwrap_or(0),
            csum_start: start as u16,
            csum_offset: field as u16,
            num_buffers: 0,
        };
        (header, self.raw(protocol, &data))
    }
}

/// What a guest leaves to the device, and where.
struct Offload {
    protocol: u8,
    header_len: usize,
    field: usize,
    kind: u8,
}

fn udp_bytes(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let len = (8 + payload.len()) as u16;
    let header = [src, dst, len, 0].map(u16::to_be_bytes).concat();
    [&header, payload].concat()
}
