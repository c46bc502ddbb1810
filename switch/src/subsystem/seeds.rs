// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Seeds for the hashes of each namespace's tables, from one secret number: the outputs of splitmix64, so that a tenant who
//! learns about collisions in one table knows nothing about another.

/// Numbers that follow from a secret one, and tell nothing about each other.
#[derive(Debug)]
pub(crate) struct Seeds(u64);

impl Seeds {
    /// `seed` should be secret.
    pub(crate) fn new(seed: u64) -> Seeds {
        Seeds(seed)
    }

    /// Another number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
