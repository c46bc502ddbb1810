// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The Internet checksum (RFC 1071), pseudo headers, and virtio's unfinished checksums.

use core::fmt;

/// A ones' complement sum in the making (RFC 1071, section 1).
///
/// Pieces may have any length: a piece that starts at an odd offset of the whole is added with its
/// octets swapped (RFC 1071, section 2 (B)), so a frame may be summed buffer by buffer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// Sum of the 16-bit words in this machine's order (RFC 1071, section 2 (B)), not yet folded.
    words: u64,
    /// An odd number of octets has been added so far.
    odd: bool,
}

impl Sum {
    /// An empty sum.
    #[inline]
    pub const fn new() -> Sum {
        Sum { words: 0, odd: false }
    }

    /// The sum of the IPv4 pseudo header (RFC 9293, section 3.1; RFC 768).
    ///
    /// `len`: octets of the transport header and its payload.
    pub fn pseudo_v4(src: [u8; 4], dst: [u8; 4], protocol: u8, len: u16) -> Sum {
        Sum::new().add_bytes(&src).add_bytes(&dst).add_u16(u16::from(protocol)).add_u16(len)
    }

    /// The sum of the IPv6 pseudo header (RFC 8200, section 8.1).
    ///
    /// `protocol` is the transport's, not that of an extension header before it; `len` as for IPv4.
    pub fn pseudo_v6(src: [u8; 16], dst: [u8; 16], protocol: u8, len: u32) -> Sum {
        Sum::new().add_bytes(&src).add_bytes(&dst).add_u16(u16::from(protocol)).add_bytes(&len.to_be_bytes())
    }

    /// Adds the octets that follow those added before.
    #[must_use]
    pub fn add_bytes(self, bytes: &[u8]) -> Sum {
        let piece = fold(sum_words(bytes));
        let piece = if self.odd { piece.swap_bytes() } else { piece };
        Sum { words: self.words.wrapping_add(u64::from(piece)), odd: self.odd ^ (!bytes.len().is_multiple_of(2)) }
    }

    /// Adds a number as the two octets that it is on the wire.
    #[inline]
    #[must_use]
    pub fn add_u16(self, value: u16) -> Sum {
        self.add_bytes(&value.to_be_bytes())
    }

    /// The sum itself, which is what a field with an unfinished checksum holds (virtio 1.2, section
    /// 5.1.6.2: "the ones' complement sum of the pseudo header").
    #[inline]
    pub fn partial(self) -> u16 {
        u16::from_be(fold(self.words))
    }

    /// The checksum: the complement of the sum. 0 when it is made over data with a right checksum.
    #[inline]
    pub fn finish(self) -> u16 {
        !self.partial()
    }

    /// The checksum as UDP writes it, where 0 means "none" (RFC 768; RFC 8200, section 8.1).
    #[inline]
    pub fn finish_udp(self) -> u16 {
        match self.finish() {
            0 => 0xffff,
            checksum => checksum,
        }
    }
}

/// Adds `bytes`, 16-bit words of this machine's order, two at a time.
///
/// The carries of the lower word belong to the upper one, and those of the upper one gather above it
/// (RFC 1071, section 2 (C)). No slice is long enough (16 GiB) to fill that room, so there is no carry
/// to care for in the loop and the compiler makes vectors of it: twice as fast as adding eight octets
/// at a time with the carry coming around.
#[inline]
fn sum_words(bytes: &[u8]) -> u64 {
    let (pairs, rest) = bytes.as_chunks::<4>();
    let sum = pairs.iter().fold(0u64, |sum, pair| sum.wrapping_add(u64::from(u32::from_ne_bytes(*pair))));
    let mut last = [0u8; 4];
    last[..rest.len()].copy_from_slice(rest);
    sum.wrapping_add(u64::from(u32::from_ne_bytes(last)))
}

/// Folds to 16 bits with end-around carries.
#[inline]
const fn fold(sum: u64) -> u16 {
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    ((sum >> 16) + (sum & 0xffff)) as u16
}

/// The checksum to complete does not lie inside the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the checksum to complete lies outside the frame")
    }
}

impl core::error::Error for OutOfRange {}

/// Completes the checksum of a frame with `NEEDS_CSUM` (virtio 1.2, section 5.1.6.2).
///
/// The field at `start + offset` holds the sum of the pseudo header; it is replaced by the checksum
/// from `start` to the end of the frame. At UDP's offset (6) a result of 0 becomes 0xffff.
///
/// # Errors
/// [`OutOfRange`] when the field is not inside the frame, which is then left as it was.
pub fn complete(frame: &mut [u8], start: usize, offset: usize) -> Result<(), OutOfRange> {
    let covered = frame.get_mut(start..).ok_or(OutOfRange)?;
    let sum = Sum::new().add_bytes(covered);
    let field = covered.get_mut(offset..).and_then(<[u8]>::first_chunk_mut::<2>).ok_or(OutOfRange)?;
    *field = match offset {
        6 => sum.finish_udp(),
        _ => sum.finish(),
    }
    .to_be_bytes();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, word by word.
    fn naive(bytes: &[u8]) -> u16 {
        let mut sum = 0u64;
        for pair in bytes.chunks(2) {
            sum += u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
        }
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        sum as u16
    }

    #[test]
    fn example_of_rfc_1071_section_3() {
        let sum = Sum::new().add_bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.partial(), 0xddf2);
        assert_eq!(sum.finish(), !0xddf2);
    }

    #[test]
    fn carries_come_around() {
        assert_eq!(Sum::new().add_bytes(&[0xff; 65_536]).partial(), 0xffff);
        assert_eq!(Sum::new().add_bytes(&[0; 9]).partial(), 0);
        assert_eq!(Sum::new().partial(), 0);
    }

    #[test]
    fn udp_never_writes_zero() {
        // Destination port 0xffda makes up what is missing to 0xffff.
        let mut datagram = [0x00, 0x01, 0xff, 0xda, 0x00, 0x08, 0x00, 0x1c];
        assert_eq!(Sum::new().add_bytes(&datagram).partial(), 0xffff);
        complete(&mut datagram, 0, 6).unwrap();
        assert_eq!(datagram[6..], [0xff, 0xff]);

        let mut other = [0x00, 0x01, 0xff, 0xda, 0x00, 0x24];
        complete(&mut other, 0, 4).unwrap();
        assert_eq!(other[4..], [0, 0], "0 is a checksum as any other for TCP");
    }

    #[test]
    fn a_field_outside_is_refused_and_nothing_is_written() {
        for (start, offset) in [(0, 7), (7, 0), (8, 0), (9, 0), (4, 3), (usize::MAX, 1), (1, usize::MAX)] {
            let mut frame = [0x55; 8];
            assert_eq!(complete(&mut frame, start, offset), Err(OutOfRange), "{start} {offset}");
            assert_eq!(frame, [0x55; 8]);
        }
        assert_eq!(complete(&mut [0; 8], 6, 0), Ok(()));
    }

    proptest! {
        #[test]
        fn pieces_of_any_length_add_up_to_the_definition(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..70), 0..6),
        ) {
            let sum = pieces.iter().fold(Sum::new(), |sum, piece| sum.add_bytes(piece));
            prop_assert_eq!(sum.partial(), naive(&pieces.concat()));
        }

        #[test]
        fn completed_checksums_are_those_of_etherparse(
            src: [u8; 16], dst: [u8; 16], ports: (u16, u16), payload: Vec<u8>,
        ) {
            let len = 8 + payload.len();
            let oracle = etherparse::UdpHeader {
                source_port: ports.0, destination_port: ports.1, length: len as u16, checksum: 0,
            };
            for v4 in [true, false] {
                let (pseudo, expected) = if v4 {
                    let (src, dst) = ([src[0], src[1], src[2], src[3]], [dst[0], dst[1], dst[2], dst[3]]);
                    let pseudo = Sum::pseudo_v4(src, dst, 17, len as u16);
                    (pseudo, oracle.calc_checksum_ipv4_raw(src, dst, &payload).unwrap())
                } else {
                    let pseudo = Sum::pseudo_v6(src, dst, 17, len as u32);
                    (pseudo, oracle.calc_checksum_ipv6_raw(src, dst, &payload).unwrap())
                };
                let mut datagram = oracle.to_bytes().to_vec();
                datagram.extend(&payload);
                datagram[6..8].copy_from_slice(&pseudo.partial().to_be_bytes());
                complete(&mut datagram, 0, 6).unwrap();
                prop_assert_eq!(u16::from_be_bytes([datagram[6], datagram[7]]), expected);
            }
        }

        #[test]
        fn any_frame_and_any_offsets_are_safe(mut frame: Vec<u8>, start: u16, offset: u16) {
            let len = frame.len();
            let (start, offset) = (usize::from(start) % 130, usize::from(offset) % 130);
            prop_assert_eq!(complete(&mut frame, start, offset).is_ok(), start + offset + 2 <= len);
        }
    }
}
