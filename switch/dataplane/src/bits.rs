// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Some frames of a burst: one bit each.

use crate::limits::BURST;

/// A set of frames, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bits(pub(crate) u64);

const _: () = assert!(BURST <= u64::BITS as usize, "the frames of a burst are a bit set");

impl Bits {
    /// No frame.
    pub(crate) const NONE: Self = Self(0);

    /// Frame `number` alone.
    #[inline]
    pub(crate) fn one(number: usize) -> Self {
        Self(1 << (number % BURST))
    }

    /// Adds frame `number`, if it is `wanted`.
    #[inline]
    pub(crate) fn set(&mut self, number: usize, wanted: bool) {
        self.0 |= u64::from(wanted) << (number % BURST);
    }

    /// Adds all frames of `other`.
    #[inline]
    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether frame `number` is among them.
    #[inline]
    pub(crate) fn has(self, number: usize) -> bool {
        self.0 >> (number % BURST) & 1 == 1
    }

    /// How many there are.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The numbers, in the order in which the frames came.
    #[inline]
    pub(crate) fn iter(self) -> Numbers {
        Numbers(self.0)
    }

    /// Leaves in only those that `keep` says.
    #[inline]
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        for number in self.iter() {
            if !keep(number) {
                self.0 &= !Self::one(number).0;
            }
        }
    }
}

/// The numbers of a set, in ascending order.
pub(crate) struct Numbers(u64);

impl Numbers {
    /// The one that comes next.
    #[inline]
    pub(crate) fn peek(&self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize)
    }
}

impl Iterator for Numbers {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let first = self.peek();
        self.0 &= self.0.wrapping_sub(1);
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_order_and_once() {
        let mut bits = Bits::NONE;
        [63, 0, 7, 7, 64].into_iter().for_each(|number| bits.set(number, true));
        bits.set(5, false);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 7, 63]);
        assert_eq!((bits.len(), bits.has(7), bits.has(5), bits.iter().peek()), (3, true, false, Some(0)));
        bits.retain(|number| number != 7);
        bits.add(Bits::one(9));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 9, 63]);
        assert_eq!(Bits::NONE.iter().next(), None);
    }
}
