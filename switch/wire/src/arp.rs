// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! ARP for IPv4 over Ethernet (RFC 826), read. [`crate::build`] makes it.

use core::net::Ipv4Addr;

use crate::MacAddr;

/// Hardware Ethernet with addresses of 6 octets, protocol IPv4 with addresses of 4.
pub(crate) const KIND: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];

/// Operations of ARP (RFC 826) and RARP (RFC 903).
pub mod operation {
    /// Who has the target's address?
    pub const REQUEST: u16 = 1;
    /// The sender has its own.
    pub const REPLY: u16 = 2;
    /// Which address has the target?
    pub const REVERSE_REQUEST: u16 = 3;
}

/// A message, whatever it asks or answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// See [`operation`].
    pub operation: u16,
    /// Who speaks, by both addresses.
    pub sender: (MacAddr, Ipv4Addr),
    /// Who is spoken of, by both addresses.
    pub target: (MacAddr, Ipv4Addr),
}

impl Arp {
    /// Reads what stands behind an Ethernet header; octets behind the message are padding of the frame. `None`: it is cut, or
    /// not about IPv4 over Ethernet.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Arp> {
        let (operation, rest) = payload.strip_prefix(&KIND)?.split_first_chunk()?;
        let (sender, rest) = rest.split_first_chunk()?;
        Some(Arp {
            operation: u16::from_be_bytes(*operation),
            sender: party(sender),
            target: party(rest.first_chunk()?),
        })
    }
}

fn party(&[a, b, c, d, e, f, ref ip @ ..]: &[u8; 10]) -> (MacAddr, Ipv4Addr) {
    (MacAddr([a, b, c, d, e, f]), Ipv4Addr::from(*ip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build;
    use proptest::prelude::*;

    const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xa]);
    const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);

    #[test]
    fn what_is_made_is_read() {
        let ([one, two], read) =
            ([Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)], |frame: &[u8]| Arp::parse(&frame[14..]));
        let asked = Arp { operation: operation::REQUEST, sender: (A, one), target: (MacAddr::ZERO, two) };
        assert_eq!(read(&build::arp_request((A, one), two)), Some(asked));
        let answered = Arp { operation: operation::REPLY, sender: (B, two), target: (A, one) };
        assert_eq!(read(&build::arp_reply((B, two), (A, one))), Some(answered));
        let said = Arp { operation: operation::REQUEST, sender: (A, one), target: (MacAddr::ZERO, one) };
        assert_eq!(read(&build::arp_announcement(A, one)), Some(said), "with its padding");
    }

    #[test]
    fn another_network_is_none() {
        let frame = build::arp_request((A, Ipv4Addr::LOCALHOST), Ipv4Addr::LOCALHOST);
        for at in 0..KIND.len() {
            let mut other = frame[14..].to_vec();
            other[at] ^= 1;
            assert_eq!(Arp::parse(&other), None, "octet {at}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_one_or_none(octets in prop::collection::vec(any::<u8>(), 0..40), cut in 0_usize..28) {
            let _ = Arp::parse(&octets);
            let frame = build::arp_announcement(A, Ipv4Addr::LOCALHOST);
            prop_assert_eq!(Arp::parse(&frame[14..14 + cut]), None);
        }
    }
}
