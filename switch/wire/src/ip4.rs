// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The IPv4 header (RFC 791, section 3.1), as much of it as a switch looks at.

use core::net::Ipv4Addr;

/// Octets of a header without options.
pub const MIN_LEN: usize = 20;

/// What an IPv4 header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip4Header {
    /// Octets of the header with its options: 20 to 60.
    pub len: usize,
    /// Octets of the packet as the header has it; nobody has compared it with anything.
    pub total_len: u16,
    /// Identification, equal in all fragments of a packet.
    pub id: u16,
    /// This is a fragment: more follow, or it is not the first.
    pub fragment: bool,
    /// The packet's data does not begin in this fragment.
    pub later_fragment: bool,
    /// Protocol number of what follows (IANA "Protocol Numbers").
    pub protocol: u8,
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
}

impl Ip4Header {
    /// Reads the header at the start of `packet`.
    ///
    /// `None` when it is not version 4, shorter than [`MIN_LEN`], or its options do not fit the bytes
    /// given. The header's checksum is not verified: receivers do that.
    pub fn parse(packet: &[u8]) -> Option<Ip4Header> {
        let fixed = packet.first_chunk::<MIN_LEN>()?;
        let &[version, _, l0, l1, i0, i1, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = fixed;
        let len = usize::from(version & 15) * 4;
        if version >> 4 != 4 || len < MIN_LEN || len > packet.len() {
            return None;
        }
        let fragment = u16::from_be_bytes([f0, f1]);
        Some(Ip4Header {
            len,
            total_len: u16::from_be_bytes([l0, l1]),
            id: u16::from_be_bytes([i0, i1]),
            fragment: fragment & 0x3fff != 0,
            later_fragment: fragment & 0x1fff != 0,
            protocol,
            src: Ipv4Addr::new(s0, s1, s2, s3),
            dst: Ipv4Addr::new(d0, d1, d2, d3),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: [u8; 24] =
        [0x46, 0, 0x05, 0xdc, 0x12, 0x34, 0x20, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 1, 1, 1, 0];

    #[test]
    fn fields() {
        let expected = Ip4Header {
            len: 24,
            total_len: 1500,
            id: 0x1234,
            fragment: true,
            later_fragment: false,
            protocol: 6,
            src: Ipv4Addr::new(192, 0, 2, 1),
            dst: Ipv4Addr::new(192, 0, 2, 2),
        };
        assert_eq!(Ip4Header::parse(&HEADER), Some(expected));
    }

    #[test]
    fn do_not_fragment_is_no_fragment() {
        let mut header = HEADER;
        header[6] = 0x40;
        assert!(!Ip4Header::parse(&header).unwrap().fragment);
        header[7] = 1;
        assert!(Ip4Header::parse(&header).unwrap().later_fragment);
    }

    #[test]
    fn cut_options_wrong_version_and_short_length_are_refused() {
        assert_eq!(Ip4Header::parse(&HEADER[..23]), None);
        for version in [0x44, 0x66, 0x05] {
            let mut header = HEADER;
            header[0] = version;
            assert_eq!(Ip4Header::parse(&header), None);
        }
    }

    proptest! {
        #[test]
        fn agrees_with_etherparse(mut bytes in prop::collection::vec(any::<u8>(), 0..64), ihl in 0u8..16) {
            if let Some(first) = bytes.first_mut() {
                *first = 0x40 | ihl;
            }
            let oracle = etherparse::Ipv4Header::from_slice(&bytes).ok().map(|(header, _)| header);
            let header = Ip4Header::parse(&bytes);
            prop_assert_eq!(header.is_some(), oracle.is_some());
            if let (Some(header), Some(oracle)) = (header, oracle) {
                prop_assert_eq!(header.len, oracle.header_len());
                prop_assert_eq!(header.total_len, oracle.total_len);
                prop_assert_eq!(header.id, oracle.identification);
                prop_assert_eq!(header.fragment, oracle.is_fragmenting_payload());
                prop_assert_eq!(header.later_fragment, oracle.fragment_offset.value() != 0);
                prop_assert_eq!(header.protocol, oracle.protocol.0);
                prop_assert_eq!(header.src.octets(), oracle.source);
                prop_assert_eq!(header.dst.octets(), oracle.destination);
            }
        }
    }
}
