// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where the headers of a frame lie, and how a segment's copy of them is corrected.

use super::{MAX_HEADERS, MAX_PACKET, Place, Segment, SegmentError};
use crate::checksum::Sum;
use crate::ether::{EtherHeader, ethertype};
use crate::ip4::Ip4Header;
use crate::ip6::{self, Walk, protocol};
use crate::vnet::{Gso, VnetHeader};

/// Flags of TCP in the octet at 13 (RFC 9293, section 3.1).
const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

/// What the frame's own headers say. Offsets count from the start of the frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    network: Network,
    network_at: usize,
    transport: Transport,
    transport_at: usize,
    pub(super) headers_len: usize,
    /// The sum of the pseudo header, without the length in it.
    pseudo: Sum,
}

#[derive(Clone, Copy, Debug)]
enum Network {
    V4 { header_len: usize, id: u16 },
    V6,
}

#[derive(Clone, Copy, Debug)]
enum Transport {
    Tcp { seq: u32, flags: u8 },
    Udp,
}

impl Layout {
    /// Finds the headers in `head`, the first octets of a frame of `frame_len`, which must be what
    /// `vnet` says.
    pub(super) fn parse(head: &[u8], frame_len: usize, vnet: &VnetHeader) -> Result<Layout, SegmentError> {
        vnet.check(frame_len)?;
        let gso = vnet.gso().ok_or(SegmentError::Unsupported)?;
        let layout = Layout::read(head, frame_len, gso).map_err(|error| match error {
            SegmentError::Headers if head.len() < frame_len => SegmentError::Truncated,
            error => error,
        })?;
        if usize::from(vnet.csum_start) != layout.transport_at {
            return Err(SegmentError::CsumStart);
        }
        if layout.headers_len > MAX_HEADERS { Err(SegmentError::HeadersTooLong) } else { Ok(layout) }
    }

    fn read(head: &[u8], frame_len: usize, gso: Gso) -> Result<Layout, SegmentError> {
        let ether = EtherHeader::parse(head).ok_or(SegmentError::Headers)?;
        let packet = head.get(ether.l3..).ok_or(SegmentError::Headers)?;
        if frame_len.saturating_sub(ether.l3) > MAX_PACKET {
            return Err(SegmentError::TooLong);
        }
        let (network, found, offset) = match (ether.ethertype, gso) {
            (ethertype::IPV4, Gso::Tcp4 | Gso::UdpL4) => v4(packet)?,
            (ethertype::IPV6, Gso::Tcp6 | Gso::UdpL4) => v6(packet)?,
            (_, Gso::Udp) => return Err(SegmentError::Unsupported),
            _ => return Err(SegmentError::IpVersion),
        };
        let data = packet.get(offset..).ok_or(SegmentError::Headers)?;
        let (transport, header_len, partial) = match (gso, found) {
            (Gso::Tcp4 | Gso::Tcp6, protocol::TCP) => tcp(data)?,
            (Gso::UdpL4, protocol::UDP) => udp(data)?,
            _ => return Err(SegmentError::Protocol),
        };
        let transport_at = ether.l3 + offset;
        let data_len = frame_len.saturating_sub(transport_at) as u16;
        Ok(Layout {
            network,
            network_at: ether.l3,
            transport,
            transport_at,
            headers_len: transport_at + header_len,
            // The sum in the frame is taken over, and not made anew, because the destination in it
            // need not be that of the IPv6 header (RFC 8200, section 8.1). Adding the complement
            // takes the length out again.
            pseudo: Sum::new().add_u16(partial).add_u16(!data_len),
        })
    }

    /// Corrects the headers of `segment`.
    pub(super) fn correct(&self, segment: &mut Segment<'_>, place: Place) {
        let packet_len = (segment.frame_len() - self.network_at) as u16;
        let head = &mut segment.head[..segment.head_len];
        match self.network {
            Network::V4 { header_len, id } => {
                let network = &mut head[self.network_at..][..header_len];
                correct_v4(network, packet_len, id.wrapping_add(place.index as u16));
            }
            Network::V6 => put16(head, self.network_at + 4, packet_len - ip6::HEADER_LEN as u16),
        }
        let data_len = (segment.frame_len() - self.transport_at) as u16;
        self.correct_transport(segment, data_len, place);
    }

    fn correct_transport(&self, segment: &mut Segment<'_>, data_len: u16, place: Place) {
        let body = Sum::new().add_bytes(segment.body).partial();
        let sum = self.pseudo.add_u16(data_len).add_u16(body);
        let header = &mut segment.head[self.transport_at..segment.head_len];
        match self.transport {
            Transport::Tcp { seq, flags } => {
                let seq = seq.wrapping_add(place.payload_before as u32);
                header[4..8].copy_from_slice(&seq.to_be_bytes());
                header[13] = flags_at(flags, place);
                put16(header, 16, 0);
                put16(header, 16, sum.add_bytes(header).finish());
            }
            Transport::Udp => {
                put16(header, 4, data_len);
                put16(header, 6, 0);
                put16(header, 6, sum.add_bytes(header).finish_udp());
            }
        }
    }
}

/// Flags that belong to the beginning or the end of the data stay there alone.
fn flags_at(flags: u8, place: Place) -> u8 {
    let first = if place.index == 0 { 0 } else { CWR };
    let last = if place.last { 0 } else { FIN | PSH };
    flags & !(first | last)
}

fn correct_v4(header: &mut [u8], packet_len: u16, id: u16) {
    put16(header, 2, packet_len);
    put16(header, 4, id);
    put16(header, 10, 0);
    put16(header, 10, Sum::new().add_bytes(header).finish());
}

fn v4(packet: &[u8]) -> Result<(Network, u8, usize), SegmentError> {
    let header = Ip4Header::parse(packet).ok_or(SegmentError::Headers)?;
    if header.fragment {
        return Err(SegmentError::Fragment);
    }
    let network = Network::V4 { header_len: header.len, id: header.id };
    Ok((network, header.protocol, header.len))
}

fn v6(packet: &[u8]) -> Result<(Network, u8, usize), SegmentError> {
    match ip6::walk(packet) {
        Walk::End(chain) if chain.fragment.is_some() => Err(SegmentError::Fragment),
        Walk::End(chain) => Ok((Network::V6, chain.protocol, chain.offset)),
        Walk::Truncated | Walk::NotIp6 => Err(SegmentError::Headers),
    }
}

/// Reads a TCP header: what varies from segment to segment, its length, the sum it holds.
fn tcp(data: &[u8]) -> Result<(Transport, usize, u16), SegmentError> {
    let fixed = data.first_chunk::<20>().ok_or(SegmentError::Headers)?;
    let &[_, _, _, _, s0, s1, s2, s3, _, _, _, _, offset, flags, _, _, c0, c1, _, _] = fixed;
    let len = usize::from(offset >> 4) * 4;
    if len < fixed.len() || len > data.len() {
        return Err(SegmentError::Headers);
    }
    let seq = u32::from_be_bytes([s0, s1, s2, s3]);
    Ok((Transport::Tcp { seq, flags }, len, u16::from_be_bytes([c0, c1])))
}

fn udp(data: &[u8]) -> Result<(Transport, usize, u16), SegmentError> {
    let &[.., c0, c1] = data.first_chunk::<8>().ok_or(SegmentError::Headers)?;
    Ok((Transport::Udp, 8, u16::from_be_bytes([c0, c1])))
}

/// Writes a number at an offset, which [`Layout::parse`] has found to be inside.
fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}
