// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The virtio-net header (virtio 1.2 section 5.1.6), always 12 bytes on a modern device.

/// Length of the header in bytes.
pub const VNET_HEADER_LEN: usize = 12;

/// What stands before every frame in a ring. Fields have the names of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VnetHeader {
    /// Bit 0 NEEDS_CSUM, bit 1 DATA_VALID, bit 2 RSC_INFO.
    pub flags: u8,
    /// 0 none, 1 TCPv4, 3 UDP (UFO), 4 TCPv6, 5 UDP (USO); bit 7 ECN.
    pub gso_type: u8,
    /// Length of the headers before the payload to be segmented, bytes.
    pub hdr_len: u16,
    /// Payload of one segment, bytes.
    pub gso_size: u16,
    /// Where checksumming starts, bytes from the start of the frame.
    pub csum_start: u16,
    /// Where the checksum goes, bytes from `csum_start`.
    pub csum_offset: u16,
    /// Receive only: how many buffers the frame is spread over.
    pub num_buffers: u16,
}

impl VnetHeader {
    /// The checksum at `start + offset` is to be completed; nothing to segment.
    pub fn needs_checksum(start: u16, offset: u16) -> VnetHeader {
        VnetHeader { flags: 1, csum_start: start, csum_offset: offset, ..VnetHeader::default() }
    }

    /// The 12 bytes in memory.
    pub fn to_bytes(self) -> [u8; VNET_HEADER_LEN] {
        let words = [self.hdr_len, self.gso_size, self.csum_start, self.csum_offset, self.num_buffers];
        let mut bytes = [self.flags, self.gso_type, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (place, word) in bytes[2..].chunks_exact_mut(2).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The header in the first 12 of `bytes`.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn from_bytes(bytes: &[u8]) -> VnetHeader {
        let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        VnetHeader {
            flags: bytes[0],
            gso_type: bytes[1],
            hdr_len: word(2),
            gso_size: word(4),
            csum_start: word(6),
            csum_offset: word(8),
            num_buffers: word(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::VnetHeader;

    #[test]
    fn fields_stand_where_the_specification_puts_them() {
        let header = VnetHeader {
            flags: 1,
            gso_type: 4,
            hdr_len: 74,
            gso_size: 1440,
            csum_start: 54,
            csum_offset: 16,
            num_buffers: 2,
        };
        let bytes = [1, 4, 74, 0, 0xa0, 0x05, 54, 0, 16, 0, 2, 0];
        assert_eq!((header.to_bytes(), VnetHeader::from_bytes(&bytes)), (bytes, header));
    }
}
