// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How one buffer is spread over descriptors.
//!
//! Real drivers differ: Linux puts the virtio-net header into the frame's own descriptor when it can and uses an
//! indirect table for long chains, Windows and iPXE give the header a descriptor of its own, DPDK uses one descriptor
//! for everything. All of it must work, down to a header in twelve pieces.
use super::vnet::VNET_HEADER_LEN;

/// The shape of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    cuts: Vec<usize>,
    indirect_from: Option<usize>,
}

impl Shape {
    /// Everything in one descriptor: the header shares it with the frame.
    pub fn whole() -> Shape {
        Shape::default()
    }

    /// The header in a descriptor of its own, the frame in another.
    pub fn own_header() -> Shape {
        Shape::cut(&[VNET_HEADER_LEN])
    }

    /// Segments of these lengths, header included, in order; whatever is left makes one more segment.
    pub fn cut(lengths: &[usize]) -> Shape {
        Shape { cuts: lengths.to_vec(), indirect_from: None }
    }

    /// The same segments, those from number `first` on (0 for all) in an indirect table.
    #[must_use]
    pub fn indirect_from(mut self, first: usize) -> Shape {
        self.indirect_from = Some(first);
        self
    }

    /// The first segment that goes into an indirect table, if any does, for a chain of `segments` segments.
    pub(super) fn first_indirect(&self, segments: usize) -> Option<usize> {
        self.indirect_from.filter(|&first| first < segments)
    }

    /// Lengths of the segments of a buffer of `total` bytes. Never empty; only as many as `total` fills.
    pub(super) fn segments(&self, total: usize) -> Vec<usize> {
        let mut left = total;
        let mut segments = Vec::with_capacity(self.cuts.len() + 1);
        for &cut in &self.cuts {
            let len = cut.min(left);
            if len > 0 {
                segments.push(len);
            }
            left -= len;
        }
        if left > 0 || segments.is_empty() {
            segments.push(left);
        }
        segments
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;

    #[test]
    fn cuts_cover_the_buffer_and_nothing_more() {
        assert_eq!(Shape::whole().segments(72), [72]);
        assert_eq!(Shape::own_header().segments(72), [12, 60]);
        assert_eq!(Shape::cut(&[12, 40, 100]).segments(72), [12, 40, 20]);
        assert_eq!(Shape::cut(&[12, 60]).segments(72), [12, 60]);
    }

    #[test]
    fn a_table_needs_a_segment_to_hold() {
        assert_eq!(Shape::own_header().indirect_from(1).first_indirect(2), Some(1));
        assert_eq!(Shape::whole().indirect_from(1).first_indirect(1), None);
    }
}
