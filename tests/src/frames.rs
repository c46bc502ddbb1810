// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames made by hand. Deliberately not by the switch's own codec: a mistake there must not cancel itself out here.

/// Local experimental EtherType (IEEE 802), for frames that only tests send.
pub const ETHERTYPE_TEST: u16 = 0x88b5;
/// IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// Length of an Ethernet header in bytes.
pub const ETHERNET_LEN: usize = 14;
/// To everybody.
pub const BROADCAST: Mac = [0xff; 6];

/// Length of an IPv4 header without options, bytes.
const IPV4_LEN: usize = 20;
const ICMP_PROTOCOL: u8 = 1;
const ICMP_ECHO_REQUEST: u8 = 8;

/// A MAC address.
pub type Mac = [u8; 6];

/// Who a ping comes from or goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// MAC address.
    pub mac: Mac,
    /// IPv4 address.
    pub ip: [u8; 4],
}

/// An Ethernet frame, padded to 60 bytes as a NIC would.
pub fn ethernet(to: Mac, from: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&to[..], &from, &ethertype.to_be_bytes(), payload].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// A frame of `len` bytes (at least 60) that carries `number` and a pattern made from it.
pub fn numbered(to: Mac, from: Mac, number: u64, len: usize) -> Vec<u8> {
    let pattern =
        (0..len.max(60) - ETHERNET_LEN - 8).map(|at| (number as usize).wrapping_mul(31).wrapping_add(at) as u8);
    let payload: Vec<u8> = number.to_be_bytes().into_iter().chain(pattern).collect();
    ethernet(to, from, ETHERTYPE_TEST, &payload)
}

/// The number in a frame of [`numbered`]; `None` for any other frame.
///
/// # Panics
/// When the frame was damaged on its way.
pub fn number_of(frame: &[u8]) -> Option<u64> {
    let mac = |at: usize| <Mac>::try_from(&frame[at..at + 6]).expect("six bytes make a MAC address");
    if frame.len() < 60 || frame[12..ETHERNET_LEN] != ETHERTYPE_TEST.to_be_bytes() {
        return None;
    }
    let number =
        u64::from_be_bytes(frame[ETHERNET_LEN..ETHERNET_LEN + 8].try_into().expect("eight bytes make a number"));
    assert!(frame == numbered(mac(0), mac(6), number, frame.len()), "frame {number} was damaged on its way");
    Some(number)
}

/// An ICMP echo request over IPv4, its checksums complete.
pub fn echo_request(from: Host, to: Host, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut icmp = [&[ICMP_ECHO_REQUEST, 0, 0, 0, 0x77, 0xef][..], &sequence.to_be_bytes(), payload].concat();
    let sum = checksum(&icmp);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    ethernet(to.mac, from.mac, ETHERTYPE_IPV4, &[ipv4(from, to, icmp.len()), icmp].concat())
}

/// The reply that `host` owes for this frame, if the frame is an echo request to it.
pub fn echo_reply(host: Host, frame: &[u8]) -> Option<Vec<u8>> {
    let ip = frame.get(ETHERNET_LEN..)?;
    let asked = frame.starts_with(&host.mac) && ip.len() > IPV4_LEN + 8 && ip[0] == 0x45 && ip[9] == ICMP_PROTOCOL;
    if !asked || ip[16..IPV4_LEN] != host.ip || ip[IPV4_LEN] != ICMP_ECHO_REQUEST {
        return None;
    }
    let mut reply = frame.to_vec();
    reply.copy_within(6..12, 0);
    reply[6..12].copy_from_slice(&host.mac);
    reply.copy_within(ETHERNET_LEN + 12..ETHERNET_LEN + 16, ETHERNET_LEN + 16);
    reply[ETHERNET_LEN + 12..ETHERNET_LEN + 16].copy_from_slice(&host.ip);
    // Type 8 becomes 0, so the one's complement sum grows by 0x0800. The IPv4 sum does not mind the exchange.
    let at = ETHERNET_LEN + IPV4_LEN;
    reply[at] = 0;
    let (sum, carry) = u16::from_be_bytes([reply[at + 2], reply[at + 3]]).overflowing_add(0x0800);
    reply[at + 2..at + 4].copy_from_slice(&(sum + u16::from(carry)).to_be_bytes());
    Some(reply)
}

/// The Internet checksum (RFC 1071) of `bytes`.
pub fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn ipv4(from: Host, to: Host, payload: usize) -> Vec<u8> {
    let [high, low] = ((IPV4_LEN + payload) as u16).to_be_bytes();
    let mut header = [&[0x45, 0, high, low, 0, 0, 0, 0, 64, ICMP_PROTOCOL, 0, 0][..], &from.ip, &to.ip].concat();
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::{ETHERNET_LEN, Host, IPV4_LEN, checksum, echo_reply, echo_request, number_of, numbered};

    const A: Host = Host { mac: [2, 0, 0, 0, 0, 1], ip: [10, 0, 0, 1] };
    const B: Host = Host { mac: [2, 0, 0, 0, 0, 2], ip: [10, 0, 0, 2] };

    #[test]
    fn a_reply_goes_back_with_right_checksums() {
        let reply = echo_reply(B, &echo_request(A, B, 7, &[0xab; 56])).unwrap();
        let (ip, icmp) = reply[ETHERNET_LEN..].split_at(IPV4_LEN);
        assert_eq!((&reply[..6], &ip[12..16], &ip[16..]), (&A.mac[..], &B.ip[..], &A.ip[..]));
        assert_eq!((checksum(ip), checksum(icmp), icmp[0], icmp[7]), (0, 0, 0, 7));
    }

    #[test]
    fn nobody_answers_for_another() {
        assert_eq!(echo_reply(A, &echo_request(A, B, 7, &[])), None);
        assert_eq!(echo_reply(A, &numbered(A.mac, B.mac, 1, 60)), None);
    }

    #[test]
    fn numbered_frames_tell_their_number() {
        assert_eq!(number_of(&numbered(A.mac, B.mac, 77, 1514)), Some(77));
        assert_eq!(number_of(&echo_request(A, B, 7, &[])), None);
    }
}
