// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#![forbid(unsafe_code)]
//! Bytes to meaning and back: Ethernet, IP headers, Neighbor Discovery, virtio-net header, checksums.
//!
//! # Theory of operation
//!
//! Everything here is a function of the bytes it is given: no state, no clock, no socket, and no
//! allocation where frames are read: only what makes bytes ([`build`]) or keeps them
//! ([`name::DomainName`]) allocates. The crate knows what frames say and nothing of what the switch makes
//! of it; policy is the caller's.
//!
//! **Every function is total.** The bytes come from guests, so any bytes at all lead to a value or to
//! a named refusal, never to a panic, and every offset in an answer lies inside the bytes that were
//! asked about. Property tests throw random and damaged frames at each parser.
//!
//! **Each answer is about the bytes given, and says when they were too few.** The frame path decides
//! on a private copy of the first 128 octets of a frame. Where that may not be enough the answer has
//! a case of its own ([`NdKind::Unclassified`], [`ip6::Walk::Truncated`]), and the caller asks again
//! with the whole frame. With more bytes only this case ever changes into another.
//!
//! **Bytes are read once from private memory.** Nothing here may be pointed at memory that a guest
//! can still write to: what has been checked must be what is used.
//!
//! # Two passes over a frame
//!
//! Each frame: [`EtherHeader::parse`] and [`VnetHeader::check`], inlined, with what is rare (tags,
//! offloads) kept out of line; [`nd_kind`] where RA guard asks.
//!
//! A frame whose receiver has not negotiated what its sender left to do: [`checksum::complete`] for
//! the checksum, [`Segmenter`] for segmentation. The first checks the range that
//! it is given, the second finds its own way through the headers and only compares.
//!
//! # Modules
//!
//! | module | knows |
//! |---|---|
//! | [`mac`] | addresses |
//! | [`ether`] | the Ethernet header, VLAN tags, LLC/SNAP |
//! | [`ip4`], [`ip6`] | IP headers; IPv6 header chains of any length |
//! | [`arp`] | ARP for IPv4 |
//! | [`icmp6`] | which frames are Neighbor Discovery |
//! | [`nd`] | Router Advertisements and Solicitations with their options |
//! | [`name`] | domain names in such options |
//! | [`own`] | which address a frame says is its sender's |
//! | [`prefix`] | IPv6 prefixes as they are written |
//! | [`vnet`] | the virtio-net header and which of them are acceptable |
//! | [`checksum`] | the Internet checksum, finished and unfinished |
//! | [`segment`] | TCP and UDP segmentation |
//! | [`build`] | making frames |
//! | [`pretty`] | a frame as one line of text |
//!
//! `etherparse` judges all of it in the tests and is no dependency of the switch.

pub mod arp;
pub mod build;
pub mod checksum;
pub mod ether;
pub mod icmp6;
pub mod ip4;
pub mod ip6;
pub mod mac;
pub mod name;
pub mod nd;
#[cfg(test)]
mod oracle;
pub mod own;
pub mod prefix;
pub mod pretty;
pub mod segment;
pub mod vnet;

pub use ether::EtherHeader;
pub use icmp6::{DHCP_CLIENT_PORT, NdKind, is_fragmented_nd, nd_kind, packet_at};
pub use mac::{MacAddr, ParseMacError};
pub use own::{OwnAddress, can_be_own, own_address};
pub use prefix::{BadPrefix, Prefix};
pub use segment::{Segment, SegmentError, Segmenter};
pub use vnet::{Gso, VnetError, VnetHeader};
