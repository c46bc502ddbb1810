// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The header that stands before each frame in a virtio-net ring (virtio 1.2, section 5.1.6).
//!
//! ```text
//!  0     1        2       4        6          8           10
//! +-----+--------+-------+--------+----------+-----------+-----------+
//! |flags|gso_type|hdr_len|gso_size|csum_start|csum_offset|num_buffers|   u16 little endian
//! +-----+--------+-------+--------+----------+-----------+-----------+
//! ```
//!
//! Always twelve octets: `num_buffers` exists with VIRTIO_F_VERSION_1 whatever else is negotiated.
//! A guest writes what it likes here. [`VnetHeader::check`] is the gate: what passes can be handed
//! to another guest, and its offsets lie inside the frame.

use core::fmt;

/// `flags`: the checksum at `csum_start + csum_offset` is still to be completed.
pub const NEEDS_CSUM: u8 = 1;
/// `flags`: the device has verified the checksum. Only a device may set it, never a driver.
pub const DATA_VALID: u8 = 2;
/// `gso_type`: not segmented.
pub const GSO_NONE: u8 = 0;
/// `gso_type`: TCP over IPv4.
pub const GSO_TCPV4: u8 = 1;
/// `gso_type`: UDP to be cut into IP fragments (UFO).
pub const GSO_UDP: u8 = 3;
/// `gso_type`: TCP over IPv6.
pub const GSO_TCPV6: u8 = 4;
/// `gso_type`: UDP to be cut into datagrams (USO).
pub const GSO_UDP_L4: u8 = 5;
/// Bit of `gso_type`: the TCP segment has ECN (CWR) set (RFC 3168).
pub const GSO_ECN: u8 = 0x80;

/// Offset of the checksum inside a TCP header (RFC 9293, section 3.1).
pub const TCP_CSUM_OFFSET: u16 = 16;
/// Offset of the checksum inside a UDP header (RFC 768).
pub const UDP_CSUM_OFFSET: u16 = 6;

/// The twelve octets as numbers; any value can be represented. Fields as in the specification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)] // Reading and writing it is then a plain move.
pub struct VnetHeader {
    /// [`NEEDS_CSUM`], [`DATA_VALID`]; other bits have no meaning here.
    pub flags: u8,
    /// One of the `GSO_` kinds, perhaps with [`GSO_ECN`].
    pub gso_type: u8,
    /// The driver's idea of the length of all headers: a hint that nothing may rely on. Linux writes
    /// how much of the frame lies in one piece, others write 0.
    pub hdr_len: u16,
    /// Payload octets of each segment. More than there are makes one segment, as it does for Linux.
    pub gso_size: u16,
    /// Where checksumming begins, from the start of the frame.
    pub csum_start: u16,
    /// Where the checksum goes, from `csum_start`.
    pub csum_offset: u16,
    /// To a guest: descriptor chains that the frame takes. From a guest: nothing.
    pub num_buffers: u16,
}

/// How a frame that is larger than the MTU is to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gso {
    /// TCP over IPv4 (TSO).
    Tcp4,
    /// TCP over IPv6 (TSO).
    Tcp6,
    /// One UDP datagram as IP fragments (UFO), which nobody should negotiate any more.
    Udp,
    /// A run of equally sized UDP datagrams (USO).
    UdpL4,
}

/// Why a header cannot be accepted with its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VnetError {
    /// The checksum to be completed does not lie inside the frame.
    CsumRange,
    /// A frame is to be segmented and its checksum is not to be completed.
    GsoWithoutCsum,
    /// A frame is to be segmented into segments of no octets.
    GsoSizeZero,
    /// The kind of segmentation is none of the specification.
    GsoUnknown,
    /// ECN on something that is not TCP.
    EcnWithoutTcp,
    /// The checksum does not lie where the protocol to be segmented has it.
    GsoCsumOffset,
    /// The headers of a frame to be segmented are said to be longer than the frame.
    HdrLen,
}

impl fmt::Display for VnetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VnetError::CsumRange => "the checksum to complete lies outside the frame",
            VnetError::GsoWithoutCsum => "segmentation was asked for without NEEDS_CSUM",
            VnetError::GsoSizeZero => "segmentation was asked for with gso_size 0",
            VnetError::GsoUnknown => "gso_type is none of NONE, TCPV4, TCPV6, UDP, UDP_L4",
            VnetError::EcnWithoutTcp => "gso_type has ECN for something that is not TCP",
            VnetError::GsoCsumOffset => "csum_offset is not where the segmented protocol has it",
            VnetError::HdrLen => "hdr_len is longer than the frame",
        })
    }
}

impl core::error::Error for VnetError {}

impl VnetHeader {
    /// Octets of the header.
    pub const LEN: usize = 12;

    /// The header of a frame that asks for nothing and takes one chain.
    pub const PLAIN: VnetHeader = VnetHeader {
        flags: 0,
        gso_type: GSO_NONE,
        hdr_len: 0,
        gso_size: 0,
        csum_start: 0,
        csum_offset: 0,
        num_buffers: 1,
    };

    /// Reads the header.
    #[inline]
    pub const fn from_bytes(bytes: &[u8; VnetHeader::LEN]) -> VnetHeader {
        let &[f, g, h0, h1, g0, g1, s0, s1, o0, o1, n0, n1] = bytes;
        VnetHeader::from_words(u64::from_le_bytes([f, g, h0, h1, g0, g1, s0, s1]), u32::from_le_bytes([o0, o1, n0, n1]))
    }

    /// Reads the header from its first eight and its last four octets, little endian. As words and not field by field: a
    /// processor that reads soon, in other pieces, what was written must wait until it has left for the cache.
    #[inline]
    pub const fn from_words(front: u64, back: u32) -> VnetHeader {
        VnetHeader {
            flags: front as u8,
            gso_type: (front >> 8) as u8,
            hdr_len: (front >> 16) as u16,
            gso_size: (front >> 32) as u16,
            csum_start: (front >> 48) as u16,
            csum_offset: back as u16,
            num_buffers: (back >> 16) as u16,
        }
    }

    /// Writes the header.
    #[inline]
    pub const fn to_bytes(self) -> [u8; VnetHeader::LEN] {
        // As two words, as they are read.
        let front = (self.csum_start as u64) << 48
            | (self.gso_size as u64) << 32
            | (self.hdr_len as u64) << 16
            | (self.gso_type as u64) << 8
            | self.flags as u64;
        let back = (self.num_buffers as u32) << 16 | self.csum_offset as u32;
        let [[f, g, h0, h1, g0, g1, s0, s1], [o0, o1, n0, n1, ..]] = [front.to_le_bytes(), (back as u64).to_le_bytes()];
        [f, g, h0, h1, g0, g1, s0, s1, o0, o1, n0, n1]
    }

    /// True when the checksum is still to be completed.
    #[inline]
    pub const fn needs_csum(&self) -> bool {
        self.flags & NEEDS_CSUM != 0
    }

    /// How the frame is to be segmented; `None` when it is not, or in no known way.
    #[inline]
    pub const fn gso(&self) -> Option<Gso> {
        match self.gso_type & !GSO_ECN {
            GSO_TCPV4 => Some(Gso::Tcp4),
            GSO_TCPV6 => Some(Gso::Tcp6),
            GSO_UDP => Some(Gso::Udp),
            GSO_UDP_L4 => Some(Gso::UdpL4),
            _ => None,
        }
    }

    /// True when the first segment alone may carry CWR (virtio 1.2, section 5.1.6.2).
    #[inline]
    pub const fn ecn(&self) -> bool {
        self.gso_type & GSO_ECN != 0
    }

    /// True when the frame asks for nothing: no checksum to complete, nothing to segment.
    #[inline]
    pub const fn is_plain(&self) -> bool {
        self.flags & NEEDS_CSUM == 0 && self.gso_type == GSO_NONE
    }

    /// Checks a header that a guest wrote for a frame of `frame_len` octets (without this header).
    ///
    /// Afterwards `csum_start + csum_offset + 2 <= frame_len` holds where [`needs_csum`] does, and
    /// a frame with [`gso`] has a size, a checksum to complete, this one in the right place, and
    /// `hdr_len <= frame_len`.
    /// What the frame's own headers say is not looked at.
    ///
    /// # Errors
    /// The first rule that is broken (virtio 1.2, sections 5.1.6.2.1 and 5.1.6.2.2).
    ///
    /// [`needs_csum`]: VnetHeader::needs_csum
    /// [`gso`]: VnetHeader::gso
    #[inline]
    pub const fn check(&self, frame_len: usize) -> Result<(), VnetError> {
        if self.is_plain() {
            return Ok(());
        }
        self.check_offloads(frame_len)
    }

    #[inline(never)]
    const fn check_offloads(&self, frame_len: usize) -> Result<(), VnetError> {
        let end = self.csum_start as usize + self.csum_offset as usize + 2;
        if self.needs_csum() && end > frame_len {
            return Err(VnetError::CsumRange);
        }
        if self.gso_type == GSO_NONE {
            return Ok(());
        }
        let Some(gso) = self.gso() else {
            return Err(VnetError::GsoUnknown);
        };
        // Linux refuses that as well (tun_get_user); less than the headers it takes, and so do we.
        if self.hdr_len as usize > frame_len {
            return Err(VnetError::HdrLen);
        }
        self.check_gso(gso)
    }

    const fn check_gso(&self, gso: Gso) -> Result<(), VnetError> {
        let (tcp, offset) = match gso {
            Gso::Tcp4 | Gso::Tcp6 => (true, TCP_CSUM_OFFSET),
            Gso::Udp | Gso::UdpL4 => (false, UDP_CSUM_OFFSET),
        };
        if self.ecn() && !tcp {
            return Err(VnetError::EcnWithoutTcp);
        }
        if !self.needs_csum() {
            return Err(VnetError::GsoWithoutCsum);
        }
        if self.gso_size == 0 {
            return Err(VnetError::GsoSizeZero);
        }
        // Linux refuses to take such a frame as well (virtio_net_hdr_to_skb).
        if self.csum_offset != offset {
            return Err(VnetError::GsoCsumOffset);
        }
        Ok(())
    }

    /// The header as one guest may hand it to another, over `num_buffers` descriptor chains.
    ///
    /// [`DATA_VALID`] goes: a guest must not set it, and what it claims nobody has verified. Unknown
    /// flags go, and so does whatever a field holds that has no meaning in this header.
    #[inline]
    pub const fn forwarded(&self, num_buffers: u16) -> VnetHeader {
        let csum = self.needs_csum();
        let gso = self.gso_type != GSO_NONE;
        VnetHeader {
            flags: self.flags & NEEDS_CSUM,
            gso_type: self.gso_type,
            hdr_len: if gso { self.hdr_len } else { 0 },
            gso_size: if gso { self.gso_size } else { 0 },
            csum_start: if csum { self.csum_start } else { 0 },
            csum_offset: if csum { self.csum_offset } else { 0 },
            num_buffers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TSO4: VnetHeader = VnetHeader {
        flags: NEEDS_CSUM,
        gso_type: GSO_TCPV4 | GSO_ECN,
        hdr_len: 54,
        gso_size: 1448,
        csum_start: 34,
        csum_offset: 16,
        num_buffers: 1,
    };

    #[test]
    fn bytes_are_little_endian() {
        let bytes = [1, 0x81, 54, 0, 0xa8, 0x05, 34, 0, 16, 0, 1, 0];
        assert_eq!(VnetHeader::from_bytes(&bytes), TSO4);
        assert_eq!(TSO4.to_bytes(), bytes);
        assert!(TSO4.needs_csum() && TSO4.ecn() && TSO4.gso() == Some(Gso::Tcp4));
    }

    #[test]
    fn checksum_must_end_inside_the_frame() {
        let csum = VnetHeader { gso_type: GSO_NONE, ..TSO4 };
        assert_eq!(csum.check(52), Ok(()));
        assert_eq!(csum.check(51), Err(VnetError::CsumRange));
        let far = VnetHeader { csum_start: 0xffff, csum_offset: 0xffff, ..csum };
        assert_eq!(far.check(1 << 16), Err(VnetError::CsumRange));
        let ignored = VnetHeader { flags: 0, ..far };
        assert_eq!(ignored.check(0), Ok(()), "offsets mean nothing without NEEDS_CSUM");
    }

    #[test]
    fn each_rule_of_segmentation_is_named() {
        let check = |change: fn(&mut VnetHeader)| {
            let mut header = TSO4;
            change(&mut header);
            header.check(9000)
        };
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(check(|h| h.flags = DATA_VALID), Err(VnetError::GsoWithoutCsum));
        assert_eq!(check(|h| h.gso_size = 0), Err(VnetError::GsoSizeZero));
        assert_eq!(check(|h| h.csum_offset = 6), Err(VnetError::GsoCsumOffset));
        assert_eq!(check(|h| h.hdr_len = 9001), Err(VnetError::HdrLen));
        assert_eq!(check(|h| h.hdr_len = 9000), Ok(()), "it all lies in one piece");
        assert_eq!(check(|h| h.hdr_len = 0), Ok(()), "not said");
        for unknown in [2, 6, 0x20, 0x41, 0x7f, GSO_ECN] {
            let header = VnetHeader { gso_type: unknown, ..TSO4 };
            assert_eq!(header.check(9000), Err(VnetError::GsoUnknown), "{unknown:#x}");
        }
        assert_eq!(check(|h| h.gso_type = GSO_UDP_L4 | GSO_ECN), Err(VnetError::EcnWithoutTcp));
        assert_eq!(check(|h| h.gso_type = GSO_UDP_L4), Err(VnetError::GsoCsumOffset));
    }

    #[test]
    fn a_guest_cannot_vouch_for_checksums_to_another() {
        let claimed = VnetHeader { flags: 0xfe, gso_type: GSO_NONE, ..TSO4 };
        assert_eq!(claimed.forwarded(3), VnetHeader { num_buffers: 3, ..VnetHeader::default() });
        assert_eq!(TSO4.forwarded(1), TSO4);
    }

    proptest! {
        #[test]
        fn bytes_round_trip(bytes: [u8; 12]) {
            prop_assert_eq!(VnetHeader::from_bytes(&bytes).to_bytes(), bytes);
        }

        #[test]
        fn what_passes_is_in_range_and_still_passes_when_forwarded(
            bytes: [u8; 12], len in 0usize..70_000, kind in 0u8..6,
        ) {
            let mut header = VnetHeader::from_bytes(&bytes);
            header.gso_type = kind | header.gso_type & GSO_ECN;
            if header.check(len).is_ok() {
                let end = usize::from(header.csum_start) + usize::from(header.csum_offset) + 2;
                prop_assert!(!header.needs_csum() || end <= len);
                prop_assert!(header.gso().is_none() || header.gso_size > 0 && header.needs_csum());
                prop_assert_eq!(header.forwarded(1).check(len), Ok(()));
            }
        }
    }
}
