// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The Ethernet II header (IEEE Std 802.3, clause 3) and its VLAN tags (IEEE Std 802.1Q, clause 9).
//!
//! ```text
//!  0            6            12   14
//! +------------+------------+----+----------
//! | destination| source     |type| payload        untagged
//! +------------+------------+----+----+----+-----
//! | destination| source     |TPID|TCI |type| payload    one tag; a second one follows the first
//! ```

use crate::MacAddr;

/// Octets of the untagged header; a shorter frame has no meaning.
pub const MIN_LEN: usize = 14;

/// Octets that one VLAN tag adds.
pub const TAG_LEN: usize = 4;

/// Tags that are looked through: an outer (802.1ad) and an inner one (802.1Q).
pub const MAX_TAGS: usize = 2;

/// Octets of the longest header that [`EtherHeader::parse`] looks through.
pub const MAX_LEN: usize = MIN_LEN + MAX_TAGS * TAG_LEN;

/// Ethertypes (IANA "IEEE 802 Numbers"). A value below 0x0600 is the length of an 802.3 frame.
pub mod ethertype {
    /// IPv4 (RFC 894).
    pub const IPV4: u16 = 0x0800;
    /// ARP (RFC 826).
    pub const ARP: u16 = 0x0806;
    /// Reverse ARP (RFC 903): what a VM that has just landed announces itself with.
    pub const RARP: u16 = 0x8035;
    /// Customer VLAN tag (802.1Q).
    pub const VLAN: u16 = 0x8100;
    /// IPv6 (RFC 2464).
    pub const IPV6: u16 = 0x86dd;
    /// Service VLAN tag (802.1ad).
    pub const QINQ: u16 = 0x88a8;
    /// Link Layer Discovery Protocol (802.1AB).
    pub const LLDP: u16 = 0x88cc;
}

/// The addresses of a frame and what it carries, with VLAN tags looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct EtherHeader {
    /// Destination address.
    pub dst: MacAddr,
    /// Source address.
    pub src: MacAddr,
    /// What follows at [`l3`](EtherHeader::l3).
    ///
    /// Still a tag's type ([`ethertype::VLAN`] or [`ethertype::QINQ`]) when the frame has more than
    /// [`MAX_TAGS`] tags or ends inside one: then nobody knows what it carries.
    pub ethertype: u16,
    /// Offset of the first octet after the ethertype: 14, 18 or 22. Never beyond the bytes given.
    pub l3: usize,
}

impl EtherHeader {
    /// Reads the header at the start of `frame`; `None` when there are fewer than [`MIN_LEN`] octets.
    ///
    /// [`MAX_LEN`] octets of a longer frame are enough to get the same answer.
    #[inline]
    pub fn parse(frame: &[u8]) -> Option<EtherHeader> {
        let (head, rest) = frame.split_first_chunk::<MIN_LEN>()?;
        let &[d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1] = head;
        let ethertype = u16::from_be_bytes([t0, t1]);
        let (ethertype, l3) = if is_tag(ethertype) { after_tags(ethertype, rest) } else { (ethertype, MIN_LEN) };
        Some(EtherHeader {
            dst: MacAddr([d0, d1, d2, d3, d4, d5]),
            src: MacAddr([s0, s1, s2, s3, s4, s5]),
            ethertype,
            l3,
        })
    }

    /// Number of VLAN tags that were looked through.
    #[inline]
    pub const fn tags(&self) -> usize {
        (self.l3 - MIN_LEN) / TAG_LEN
    }
}

/// What an 802.3 frame with an LLC/SNAP header carries, which some receivers look through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snap {
    /// No such header.
    Absent,
    /// An ethertype, and the offset of the first octet after it.
    Carries(u16, usize),
    /// The bytes end inside what looks like one.
    Truncated,
}

impl EtherHeader {
    /// Looks for an LLC/SNAP header with an encapsulated ethertype at [`l3`](EtherHeader::l3) of the
    /// same `frame` (RFC 1042). The length that stands in the ethertype's place is not trusted:
    /// receivers do not trust it either, which has passed filters before (CVE-2021-27861).
    pub fn snap(&self, frame: &[u8]) -> Snap {
        const LLC_AND_OUI: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];
        if self.ethertype >= 0x0600 {
            return Snap::Absent;
        }
        let rest = frame.get(self.l3..).unwrap_or_default();
        match rest.strip_prefix(&LLC_AND_OUI) {
            Some(&[hi, lo, ..]) => Snap::Carries(u16::from_be_bytes([hi, lo]), self.l3 + 8),
            Some(_) => Snap::Truncated,
            None if LLC_AND_OUI.starts_with(rest) => Snap::Truncated,
            None => Snap::Absent,
        }
    }
}

/// True when `ethertype` announces a VLAN tag.
#[inline]
pub const fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, ethertype::VLAN | ethertype::QINQ)
}

/// Looks through the tags that begin with the control information at `rest[0]`.
#[cold]
fn after_tags(first: u16, rest: &[u8]) -> (u16, usize) {
    let mut ethertype = first;
    let mut tags = 0;
    while tags < MAX_TAGS && is_tag(ethertype) {
        let Some(&[hi, lo]) = rest.get(tags * TAG_LEN + 2..tags * TAG_LEN + 4).and_then(<[u8]>::as_array) else {
            break;
        };
        ethertype = u16::from_be_bytes([hi, lo]);
        tags += 1;
    }
    (ethertype, MIN_LEN + tags * TAG_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADDRESSES: [u8; 12] = [0x33, 0x33, 0, 0, 0, 1, 0x52, 0x54, 0, 1, 2, 3];

    fn frame(after_addresses: &[u8]) -> Vec<u8> {
        [&ADDRESSES, after_addresses].concat()
    }

    fn kind(after_addresses: &[u8]) -> (u16, usize) {
        let header = EtherHeader::parse(&frame(after_addresses)).unwrap();
        assert_eq!(header.dst, MacAddr([0x33, 0x33, 0, 0, 0, 1]));
        assert_eq!(header.src, MacAddr([0x52, 0x54, 0, 1, 2, 3]));
        (header.ethertype, header.l3)
    }

    #[test]
    fn tags_are_looked_through() {
        assert_eq!(kind(&[0x86, 0xdd]), (ethertype::IPV6, 14));
        assert_eq!(kind(&[0x81, 0, 0x20, 7, 0x86, 0xdd]), (ethertype::IPV6, 18));
        assert_eq!(kind(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 0x08, 0x00]), (ethertype::IPV4, 22));
    }

    #[test]
    fn a_third_tag_hides_what_the_frame_carries() {
        let tags = [0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 0x86, 0xdd];
        assert_eq!(kind(&tags), (ethertype::VLAN, 22));
    }

    #[test]
    fn a_cut_tag_hides_what_the_frame_carries() {
        for cut in 0..4 {
            assert_eq!(kind(&[0x88, 0xa8, 0, 1, 0x86, 0xdd][..2 + cut]), (ethertype::QINQ, 14));
        }
    }

    #[test]
    fn thirteen_octets_are_no_frame() {
        assert_eq!(EtherHeader::parse(&[0; 13]), None);
        assert_eq!(EtherHeader::parse(&[]), None);
    }

    proptest! {
        #[test]
        fn agrees_with_etherparse_and_never_points_outside(
            tags in prop::collection::vec((any::<bool>(), any::<u16>()), 0..4),
            tail: Vec<u8>,
        ) {
            let mut bytes = ADDRESSES.to_vec();
            for (service, tci) in tags {
                bytes.extend(if service { [0x88, 0xa8] } else { [0x81, 0] });
                bytes.extend(tci.to_be_bytes());
            }
            bytes.extend(tail);
            let header = EtherHeader::parse(&bytes);
            prop_assert_eq!(header, EtherHeader::parse(&bytes[..bytes.len().min(MAX_LEN)]));
            let Some(header) = header else {
                prop_assert!(bytes.len() < MIN_LEN);
                return Ok(());
            };
            prop_assert!(header.l3 <= bytes.len());
            let (oracle, _) = etherparse::Ethernet2Header::from_slice(&bytes).unwrap();
            prop_assert_eq!(oracle.destination, header.dst.0);
            prop_assert_eq!(oracle.source, header.src.0);
            if header.tags() == 0 {
                prop_assert_eq!(oracle.ether_type.0, header.ethertype);
            } else {
                let at = MIN_LEN + (header.tags() - 1) * TAG_LEN;
                let (tag, _) = etherparse::SingleVlanHeader::from_slice(&bytes[at..]).unwrap();
                prop_assert_eq!(tag.ether_type.0, header.ethertype);
            }
        }
    }
}
