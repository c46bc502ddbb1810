// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Capture files (pcap 2.4) with the frames that testpmd cannot make itself.

/// Frames from every address of the guest at `port` to the other's in a shuffled order, `count` of either.
pub(super) fn macs(port: usize, count: usize, len: usize) -> Vec<u8> {
    let frames = shuffled(count).into_iter().enumerate().map(|(source, destination)| {
        let mut frame = vec![0; len];
        frame[..6].copy_from_slice(&address(port ^ 1, destination));
        frame[6..12].copy_from_slice(&address(port, source));
        // Local experimental Ethertype 1 (IEEE 802).
        frame[12..14].copy_from_slice(&[0x88, 0xb5]);
        frame
    });
    file(frames)
}

/// `count` frames of `len` bytes from the first guest to the second: Ethernet, IPv4, TCP, data.
pub(super) fn segments(count: usize, len: usize) -> Vec<u8> {
    let mut frame = vec![0; len];
    frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    let ip = (len - 14) as u16;
    // Version and header length; do not fragment; time to live; TCP. testpmd fills in the checksum.
    frame[14] = 0x45;
    frame[16..18].copy_from_slice(&ip.to_be_bytes());
    frame[20] = 0x40;
    frame[22..24].copy_from_slice(&[64, 6]);
    frame[26..34].copy_from_slice(&[192, 0, 2, 1, 192, 0, 2, 2]);
    frame[34..38].copy_from_slice(&[0x13, 0x88, 0x13, 0x89]);
    // A header of five words; ACK.
    frame[46..48].copy_from_slice(&[0x50, 0x10]);
    frame[48..50].copy_from_slice(&0xffff_u16.to_be_bytes());
    file(std::iter::repeat_n(frame, count))
}

/// One of the addresses behind a port: locally administered, unlike the ports' own.
fn address(port: usize, number: usize) -> [u8; 6] {
    let number = (number as u32).to_be_bytes();
    [0x06, port as u8, number[0], number[1], number[2], number[3]]
}

/// 0 to `count`, in an order that no prefetcher guesses and that is the same in every run (Fisher and Yates; Marsaglia's
/// xorshift).
fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..count).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(last, (state % (last as u64 + 1)) as usize);
    }
    order
}

/// The file: a header, then each frame with its own. Link type 1 is Ethernet; all in this machine's byte order.
fn file(frames: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
    let mut file = words(&[0xa1b2_c3d4]);
    file.extend([2_u16, 4].iter().flat_map(|half| half.to_ne_bytes()));
    file.extend(words(&[0, 0, 0x4_0000, 1]));
    for frame in frames {
        let len = frame.len() as u32;
        file.extend(words(&[0, 0, len, len]));
        file.extend(frame);
    }
    file
}

#[cfg(test)]
mod tests {
    use super::{macs, segments, shuffled};
    use std::collections::BTreeSet;

    #[test]
    fn every_address_is_a_source_and_a_destination_once() {
        let all: BTreeSet<usize> = shuffled(1000).into_iter().collect();
        assert_eq!(all, (0..1000).collect());
    }

    #[test]
    fn a_file_is_as_long_as_its_frames_and_headers() {
        assert_eq!(macs(0, 10, 64).len(), 24 + 10 * (16 + 64));
        assert_eq!(segments(2, 65226).len(), 24 + 2 * (16 + 65226));
    }
}
