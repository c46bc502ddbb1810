// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! IPv6 frames made by hand: echo requests, and what a host owes for who looks for it.
use std::net::Ipv6Addr;

use crate::frames::{ETHERNET_LEN, Mac, checksum, ethernet};

/// IPv6.
pub const ETHERTYPE_IPV6: u16 = 0x86dd;
/// Length of an IPv6 header without extensions, bytes.
const IPV6_LEN: usize = 40;
/// Where the ICMPv6 message of a frame without tags and extension headers begins.
const ICMP_AT: usize = ETHERNET_LEN + IPV6_LEN;
const ICMP_PROTOCOL: u8 = 58;
const ECHO_REQUEST: u8 = 128;
const ECHO_REPLY: u8 = 129;
/// Length of the header of an echo message, bytes.
const ECHO_LEN: usize = 8;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
/// Flags of an advertisement that was asked for, and is the last word (RFC 4861 section 4.4).
const SOLICITED_OVERRIDE: u8 = 0x60;
/// The target link-layer address option, of one unit of eight bytes (RFC 4861 section 4.6.1).
const TARGET_MAC: [u8; 2] = [2, 1];

/// Who an IPv6 ping comes from or goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host6 {
    /// MAC address.
    pub mac: Mac,
    /// IPv6 address.
    pub ip: Ipv6Addr,
}

/// An ICMPv6 echo request, its checksum complete.
pub fn echo_request(from: Host6, to: Host6, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let message = [&[ECHO_REQUEST, 0, 0, 0, 0x77, 0xef][..], &sequence.to_be_bytes(), payload].concat();
    icmp(from, to, message)
}

/// The payload of an ICMPv6 echo reply; `None` for any other frame.
///
/// # Panics
/// When the frame was damaged on its way.
pub fn echoed(frame: &[u8]) -> Option<&[u8]> {
    let (addresses, message) = message_of(frame, ECHO_REPLY)?;
    assert!(sum(addresses, message) == 0, "an echo reply was damaged on its way: {frame:02x?}");
    message.get(ECHO_LEN..)
}

/// What `host` owes for this frame, if somebody looks for its MAC address with it.
pub fn neighbor_answer(host: Host6, frame: &[u8]) -> Option<Vec<u8>> {
    let (addresses, message) = message_of(frame, NEIGHBOR_SOLICITATION)?;
    let asker =
        Host6 { mac: frame[6..12].try_into().ok()?, ip: Ipv6Addr::from(<[u8; 16]>::try_from(&addresses[..16]).ok()?) };
    let target = message.get(8..24)?;
    if target != host.ip.octets() || asker.ip.is_unspecified() {
        return None;
    }
    let head = [NEIGHBOR_ADVERTISEMENT, 0, 0, 0, SOLICITED_OVERRIDE, 0, 0, 0];
    Some(icmp(host, asker, [&head[..], target, &TARGET_MAC, &host.mac].concat()))
}

/// A frame with this ICMPv6 message, whose checksum is still zero.
fn icmp(from: Host6, to: Host6, mut message: Vec<u8>) -> Vec<u8> {
    let addresses = [from.ip.octets(), to.ip.octets()].concat();
    let sum = sum(&addresses, &message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let [high, low] = (message.len() as u16).to_be_bytes();
    let header = [0x60, 0, 0, 0, high, low, ICMP_PROTOCOL, 255];
    ethernet(to.mac, from.mac, ETHERTYPE_IPV6, &[&header[..], &addresses, &message].concat())
}

/// Both addresses and the ICMPv6 message of a frame, if it is one of this kind.
fn message_of(frame: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let ip = frame.get(ETHERNET_LEN..).filter(|ip| ip.len() > IPV6_LEN)?;
    let is_wanted = frame[12..ETHERNET_LEN] == ETHERTYPE_IPV6.to_be_bytes() && ip[6] == ICMP_PROTOCOL;
    let end = ICMP_AT + usize::from(u16::from_be_bytes([ip[4], ip[5]]));
    let message = frame.get(ICMP_AT..end).filter(|message| message.first() == Some(&kind))?;
    is_wanted.then_some((&ip[8..IPV6_LEN], message))
}

/// The checksum of an ICMPv6 message with its pseudo-header (RFC 8200 section 8.1).
fn sum(addresses: &[u8], message: &[u8]) -> u16 {
    let len = (message.len() as u32).to_be_bytes();
    checksum(&[addresses, &len, &[0, 0, 0, ICMP_PROTOCOL], message].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Host6 = Host6 { mac: [2, 0, 0, 0, 0, 1], ip: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1) };
    const B: Host6 = Host6 { mac: [2, 0, 0, 0, 0, 2], ip: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2) };

    #[test]
    fn a_reply_is_told_from_a_request() {
        let request = echo_request(A, B, 7, b"payload");
        assert_eq!((echoed(&request), &request[..6]), (None, &B.mac[..]));
        let mut message = request[ICMP_AT..ICMP_AT + 15].to_vec();
        (message[0], message[2], message[3]) = (ECHO_REPLY, 0, 0);
        assert_eq!(echoed(&icmp(B, A, message)), Some(&b"payload"[..]));
    }

    #[test]
    fn only_who_is_looked_for_answers() {
        let solicitation = [&[NEIGHBOR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0][..], &B.ip.octets()].concat();
        let asked = icmp(A, B, solicitation);
        let answer = neighbor_answer(B, &asked).unwrap();
        assert_eq!((&answer[..6], &answer[6..12], answer[ICMP_AT]), (&A.mac[..], &B.mac[..], NEIGHBOR_ADVERTISEMENT));
        assert_eq!(neighbor_answer(A, &asked), None);
    }
}
