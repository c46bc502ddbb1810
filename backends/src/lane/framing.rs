// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames in a stream of bytes, as QEMU's `stream` netdev has them: each behind its length, four bytes in network byte order.

use dataplane::limits::FRAME_MAX;

/// Bytes of the length.
pub(super) const LENGTH: usize = 4;

/// The length that stands before a frame of `len` bytes.
pub(super) fn length(len: usize) -> [u8; LENGTH] {
    // What is longer than any frame is sent by nobody.
    u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes()
}

/// A length that no frame has: whoever sent it has lost its place, or never had one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadLength;

/// Bytes that came and were not taken yet: at most one frame in part, and whole ones before it. Its memory is allocated once.
#[derive(Debug)]
pub(super) struct Stage {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Stage {
    /// Room for two of the longest frames.
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; 2 * (LENGTH + FRAME_MAX)], start: 0, end: 0 }
    }

    /// Where what comes next goes; at least the rest of the longest frame, once all whole ones were taken.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.bytes[self.end..]
    }

    /// What came and was not taken yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Begins with what another had left. False: it is more than one can have.
    pub(super) fn put_back(&mut self, rest: &[u8]) -> bool {
        let room = self.room().get_mut(..rest.len());
        let fits = room.map(|room| room.copy_from_slice(rest)).is_some();
        self.filled(if fits { rest.len() } else { 0 });
        fits
    }

    /// So many bytes came into [`Stage::room`].
    pub(super) fn filled(&mut self, len: usize) {
        self.end = (self.end + len).min(self.bytes.len());
    }

    /// Takes the next frame; `None`: it is not whole yet.
    ///
    /// # Errors
    /// [`BadLength`], and from then on again and again.
    pub(super) fn take(&mut self) -> Result<Option<&[u8]>, BadLength> {
        let waiting = &self.bytes[self.start..self.end];
        let Some((length, rest)) = waiting.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let len = u32::from_be_bytes(*length) as usize;
        if len > FRAME_MAX {
            return Err(BadLength);
        }
        let whole = rest.len() >= len;
        if whole {
            self.start += LENGTH + len;
        }
        Ok(whole.then(|| &self.bytes[self.start - len..self.start]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All frames of a stream that comes in pieces of these lengths.
    fn frames(stream: &[u8], pieces: &[usize]) -> Result<Vec<Vec<u8>>, BadLength> {
        let (mut stage, mut frames, mut at) = (Stage::new(), Vec::new(), 0);
        let mut pieces = pieces.iter().copied().cycle();
        while at < stream.len() {
            let room = stage.room();
            let len = pieces.next().unwrap_or(1).clamp(1, room.len().min(stream.len() - at));
            room[..len].copy_from_slice(&stream[at..at + len]);
            stage.filled(len);
            at += len;
            while let Some(frame) = stage.take()? {
                frames.push(frame.to_vec());
            }
        }
        Ok(frames)
    }

    fn stream(frames: &[Vec<u8>]) -> Vec<u8> {
        frames.iter().flat_map(|frame| [&length(frame.len())[..], frame].concat()).collect()
    }

    #[test]
    fn the_longest_frame_comes_whole_and_a_longer_one_never() {
        let longest = vec![5; FRAME_MAX];
        let sent = [longest.clone(), vec![1; 60], longest];
        assert_eq!(frames(&stream(&sent), &[70_000]), Ok(sent.to_vec()));
        assert_eq!(frames(&length(FRAME_MAX + 1), &[1]), Err(BadLength));
        assert_eq!(frames(b"GET / HTTP/1.1", &[64]), Err(BadLength));
    }

    proptest! {
        #[test]
        fn frames_are_the_same_in_whatever_pieces_they_come(
            sent in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40),
            pieces in prop::collection::vec(1_usize..1500, 1..8),
        ) {
            prop_assert_eq!(frames(&stream(&sent), &pieces), Ok(sent));
        }
    }
}
