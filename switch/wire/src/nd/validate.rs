// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which packets are Router Advertisements and Solicitations that a host or a router must take seriously (RFC 4861
//! sections 6.1.1 and 6.1.2).

use core::fmt;
use core::net::Ipv6Addr;

use super::option::kind;
use super::{NdError, RawOptions, RouterAdvert, RouterSolicit, build};
use crate::icmp6;
use crate::ip6::{self, HEADER_LEN, Ip6Header, Walk, protocol};

/// What no router on the way may have touched: the hop limit that only a neighbour can send (RFC 4861 section 3.1).
pub const HOP_LIMIT: u8 = 255;

/// Why a packet is not a valid Router Advertisement or Solicitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdRefusal {
    /// It is something else.
    OtherPacket,
    /// Its bytes end before its header chain, or before its payload as the header counts it.
    Truncated,
    /// There is a fragment header, be it one that fragments nothing (RFC 6980 section 5).
    Fragmented,
    /// The hop limit is not 255: it may come from beyond the link.
    HopLimit,
    /// An advertisement's source is not link-local, or a solicitation's is a group.
    Source,
    /// The checksum is wrong.
    Checksum,
    /// The code is not zero.
    Code,
    /// A solicitation without a source address has the option with a source link-layer address.
    NobodysAddress,
    /// The message, or an option that decides about all of it, cannot be read.
    Message(NdError),
}

impl fmt::Display for NdRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NdRefusal::OtherPacket => "the packet is no Router Advertisement or Solicitation",
            NdRefusal::Truncated => "the packet is shorter than its headers say",
            NdRefusal::Fragmented => "Neighbor Discovery must not be fragmented",
            NdRefusal::HopLimit => "the hop limit is not 255",
            NdRefusal::Source => "the source address is not one that may send such a message",
            NdRefusal::Checksum => "the checksum is wrong",
            NdRefusal::Code => "the code is not 0",
            NdRefusal::NobodysAddress => "a solicitation from :: has a source link-layer address",
            NdRefusal::Message(why) => return why.fmt(f),
        })
    }
}

impl core::error::Error for NdRefusal {}

impl From<NdError> for NdRefusal {
    fn from(error: NdError) -> NdRefusal {
        NdRefusal::Message(error)
    }
}

/// One of the two messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdMessage<'a> {
    /// A router advertises itself.
    Advert(RouterAdvert<'a>),
    /// A host asks for routers.
    Solicit(RouterSolicit<'a>),
}

/// A valid message and who sent it to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NdPacket<'a> {
    /// The sender; link-local for an advertisement, perhaps `::` for a solicitation.
    pub src: Ipv6Addr,
    /// Whom it was sent to.
    pub dst: Ipv6Addr,
    /// The message as it came, from its ICMPv6 type to its end.
    pub octets: &'a [u8],
    /// The same, read.
    pub message: NdMessage<'a>,
}

impl<'a> NdPacket<'a> {
    /// Judges the IPv6 packet that begins at `packet[0]`; octets behind its payload are padding of the frame.
    ///
    /// # Errors
    /// [`NdRefusal`], the first that applies in the order of its cases.
    pub fn validate(packet: &'a [u8]) -> Result<NdPacket<'a>, NdRefusal> {
        NdPacket::read(packet, true)
    }

    /// The same of a packet whose checksum its sender has left to others: nothing is said about that.
    ///
    /// # Errors
    /// As [`NdPacket::validate`], but for [`NdRefusal::Checksum`].
    pub fn validate_unsummed(packet: &'a [u8]) -> Result<NdPacket<'a>, NdRefusal> {
        NdPacket::read(packet, false)
    }

    fn read(packet: &'a [u8], summed: bool) -> Result<NdPacket<'a>, NdRefusal> {
        let (header, octets) = find(packet)?;
        let &[icmp6_type, code, ..] = octets else {
            return Err(NdRefusal::Truncated);
        };
        let Ip6Header { src, dst, hop_limit, .. } = header;
        if hop_limit != HOP_LIMIT {
            return Err(NdRefusal::HopLimit);
        }
        let is_advert = icmp6_type == icmp6::kind::ROUTER_ADVERTISEMENT;
        if if is_advert { !src.is_unicast_link_local() } else { src.is_multicast() } {
            return Err(NdRefusal::Source);
        }
        if summed && build::sum(octets, src, dst).finish() != 0 {
            return Err(NdRefusal::Checksum);
        }
        if code != 0 {
            return Err(NdRefusal::Code);
        }
        let message = if is_advert { advert(octets)? } else { solicit(octets, src)? };
        Ok(NdPacket { src, dst, octets, message })
    }
}

/// The header of a packet that is not fragmented, and the message in it, which is one of the two.
fn find(packet: &[u8]) -> Result<(Ip6Header, &[u8]), NdRefusal> {
    let header = match Ip6Header::parse(packet) {
        Some(header) => header,
        None if packet.len() < HEADER_LEN => return Err(NdRefusal::Truncated),
        None => return Err(NdRefusal::OtherPacket),
    };
    let whole = packet.get(..HEADER_LEN + usize::from(header.payload_len)).ok_or(NdRefusal::Truncated)?;
    let chain = match ip6::walk(whole) {
        Walk::NotIp6 => return Err(NdRefusal::OtherPacket),
        Walk::Truncated => return Err(NdRefusal::Truncated),
        Walk::End(chain) => chain,
    };
    let octets = whole.get(chain.offset..).unwrap_or_default();
    let message = (chain.protocol == protocol::ICMP6 && !chain.is_later_fragment()).then(|| octets.first());
    match message {
        Some(Some(&(icmp6::kind::ROUTER_ADVERTISEMENT | icmp6::kind::ROUTER_SOLICITATION))) => {}
        Some(None) => return Err(NdRefusal::Truncated),
        _ => return Err(NdRefusal::OtherPacket),
    }
    if chain.fragment.is_some() { Err(NdRefusal::Fragmented) } else { Ok((header, octets)) }
}

fn advert(octets: &[u8]) -> Result<NdMessage<'_>, NdRefusal> {
    let advert = RouterAdvert::parse(octets)?;
    advert.check()?;
    Ok(NdMessage::Advert(advert))
}

fn solicit(octets: &[u8], src: Ipv6Addr) -> Result<NdMessage<'_>, NdRefusal> {
    let solicit = RouterSolicit::parse(octets)?;
    let mut has_address = false;
    for option in RawOptions::new(solicit.options) {
        has_address |= option?.kind == kind::SOURCE_LINK_LAYER;
    }
    if src.is_unspecified() && has_address {
        return Err(NdRefusal::NobodysAddress);
    }
    Ok(NdMessage::Solicit(solicit))
}
