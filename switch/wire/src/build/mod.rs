// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Makes frames: for tests, benches, and the few that the switch itself sends.
//!
//! One builder an onion skin, from the outside in; the innermost call ends it with the bytes:
//!
//! ```
//! use wire::MacAddr;
//! use wire::build::{Ether, Ip};
//!
//! let frame = Ether::new(MacAddr::BROADCAST, MacAddr([2, 0, 0, 0, 0, 1]))
//!     .vlan(7)
//!     .ip(Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]))
//!     .udp(68, 67, b"hello");
//! assert_eq!(frame.len(), 14 + 4 + 20 + 8 + 5);
//! ```
//!
//! Lengths and checksums are right as long as a packet stays within 65 535 octets. Frames are not
//! padded to Ethernet's minimum of 60 octets: virtio has none.

mod ip;
mod nd;
#[cfg(test)]
mod tests;
mod transport;

use core::net::Ipv4Addr;

use crate::MacAddr;
use crate::arp::{KIND, operation};
use crate::ether::ethertype;

pub use ip::{Ip, IpFrame};
pub use nd::{advertisement, neighbor_announcement, neighbor_solicitation, solicitation, solicited_node};
pub use transport::{Echo, Tcp, tcp_flag};

/// Octets that every frame on a real Ethernet has at least, without its check sequence.
const PADDED_LEN: usize = 60;

/// The Ethernet header of a frame in the making.
#[derive(Clone, Debug)]
pub struct Ether {
    bytes: Vec<u8>,
}

impl Ether {
    /// A frame from `src` to `dst`, untagged so far.
    pub fn new(dst: MacAddr, src: MacAddr) -> Ether {
        Ether { bytes: [dst.0, src.0].concat() }
    }

    /// Adds an 802.1Q tag with this VLAN identifier (12 bits; 0 is a priority tag).
    #[must_use]
    pub fn vlan(self, id: u16) -> Ether {
        self.tag(ethertype::VLAN, id)
    }

    /// Adds a tag of any type with any control information.
    #[must_use]
    pub fn tag(mut self, tpid: u16, tci: u16) -> Ether {
        self.bytes.extend(tpid.to_be_bytes());
        self.bytes.extend(tci.to_be_bytes());
        self
    }

    /// Ends with any ethertype and payload.
    pub fn raw(mut self, ethertype: u16, payload: &[u8]) -> Vec<u8> {
        self.bytes.extend(ethertype.to_be_bytes());
        self.bytes.extend(payload);
        self.bytes
    }

    /// Goes on with an IP packet.
    pub fn ip(self, ip: Ip) -> IpFrame {
        IpFrame { ether: self, ip }
    }
}

/// Two of these, sender and target, are an ARP message.
type Party = (MacAddr, Ipv4Addr);

/// The question who has `target`, asked by broadcast (RFC 826).
pub fn arp_request(sender: Party, target: Ipv4Addr) -> Vec<u8> {
    let message = arp_message(operation::REQUEST, sender, (MacAddr::ZERO, target));
    Ether::new(MacAddr::BROADCAST, sender.0).raw(ethertype::ARP, &message)
}

/// The answer of `sender` to `target` (RFC 826).
pub fn arp_reply(sender: Party, target: Party) -> Vec<u8> {
    let message = arp_message(operation::REPLY, sender, target);
    Ether::new(target.0, sender.0).raw(ethertype::ARP, &message)
}

/// The question whether `to` has `target`, of nobody's (an ARP Probe, RFC 5227 section 2.1.1), for it alone: who is asked answers to
/// `from` and takes no note of it. It allocates nothing, since the frame path asks.
pub fn arp_probe(from: MacAddr, to: MacAddr, target: Ipv4Addr) -> [u8; PADDED_LEN] {
    let message = arp_message(operation::REQUEST, (from, Ipv4Addr::UNSPECIFIED), (MacAddr::ZERO, target));
    let mut frame = [0; PADDED_LEN];
    frame[..6].copy_from_slice(&to.0);
    frame[6..12].copy_from_slice(&from.0);
    frame[12..14].copy_from_slice(&ethertype::ARP.to_be_bytes());
    frame[14..14 + message.len()].copy_from_slice(&message);
    frame
}

/// The broadcast that tells everybody that `address` is at `mac` (RFC 5227, section 2.3): a question that asks for the sender's
/// own address, so that nobody answers, and of which all who know the address take note. Padded to 60 octets, since it may
/// leave through real Ethernet.
pub fn arp_announcement(mac: MacAddr, address: Ipv4Addr) -> Vec<u8> {
    padded(arp_request((mac, address), address))
}

/// The broadcast that tells every switch where `mac` is now, after a migration.
///
/// A RARP request for the sender's own address (RFC 903), as QEMU sends it: nobody answers, and it
/// claims no IP address. Padded to 60 octets, since it may leave through real Ethernet.
pub fn rarp_announcement(mac: MacAddr) -> Vec<u8> {
    let nobody = Ipv4Addr::UNSPECIFIED;
    let message = arp_message(operation::REVERSE_REQUEST, (mac, nobody), (mac, nobody));
    padded(Ether::new(MacAddr::BROADCAST, mac).raw(ethertype::RARP, &message))
}

fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(PADDED_LEN), 0);
    frame
}

fn arp_message(operation: u16, sender: Party, target: Party) -> [u8; 28] {
    let mut message = [0; 28];
    message[..6].copy_from_slice(&KIND);
    message[6..8].copy_from_slice(&operation.to_be_bytes());
    message[8..14].copy_from_slice(&sender.0.0);
    message[14..18].copy_from_slice(&sender.1.octets());
    message[18..24].copy_from_slice(&target.0.0);
    message[24..28].copy_from_slice(&target.1.octets());
    message
}
