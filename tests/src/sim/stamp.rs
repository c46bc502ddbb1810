// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What makes a frame recognisable: who sent it, its number, and a sum over all of it.

use wire::MacAddr;

/// Ethertype for local experiments (IEEE 802), so that nothing is classified as anything.
const EXPERIMENT: [u8; 2] = [0x88, 0xb5];
const HEADER: usize = 14;
const BODY: usize = 24;

/// Shortest frame that can carry a stamp.
pub(super) const STAMPED_MIN: usize = HEADER + BODY;

/// Where a frame comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Number of the namespace.
    pub namespace: u32,
    /// Number of the port in it.
    pub port: u32,
    /// How many frames the port had sent before.
    pub sequence: u64,
}

impl Stamp {
    /// A frame of `len` bytes that carries the stamp, filled with bytes that depend on it.
    #[must_use]
    pub fn frame(self, destination: MacAddr, source: MacAddr, len: usize) -> Vec<u8> {
        let mut frame = [&destination.0[..], &source.0, &EXPERIMENT].concat();
        frame.extend(self.namespace.to_le_bytes());
        frame.extend(self.port.to_le_bytes());
        frame.extend(self.sequence.to_le_bytes());
        frame.extend([0; 8]);
        let filler = (0_u64..).map(|i| (i.wrapping_mul(self.sequence.wrapping_add(31)) >> 3) as u8);
        frame.extend(filler.take(len.saturating_sub(STAMPED_MIN)));
        let sum = sum(&frame);
        frame[HEADER + 16..STAMPED_MIN].copy_from_slice(&sum.to_le_bytes());
        frame
    }

    /// Reads the stamp of a frame that arrived.
    ///
    /// # Panics
    /// When a byte of the frame is not what was sent.
    #[must_use]
    pub fn read(frame: &[u8]) -> Self {
        assert!(frame.len() >= STAMPED_MIN, "a frame of {} bytes was never sent", frame.len());
        let (u32_at, u64_at) = (
            |at: usize| u32::from_le_bytes(frame[at..at + 4].try_into().expect("four bytes")),
            |at: usize| u64::from_le_bytes(frame[at..at + 8].try_into().expect("eight bytes")),
        );
        let stamp = Self { namespace: u32_at(HEADER), port: u32_at(HEADER + 4), sequence: u64_at(HEADER + 8) };
        let mut blank = frame.to_vec();
        blank[HEADER + 16..STAMPED_MIN].fill(0);
        assert_eq!(u64_at(HEADER + 16), sum(&blank), "the frame of {stamp:?} was changed on its way");
        stamp
    }
}

/// FNV-1a over all bytes.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
