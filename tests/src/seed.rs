// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Randomness that can be repeated: one number seeds a test, and a failing test prints it.
//!
//! `WEFT_SEED=<number>` (decimal, or hexadecimal after `0x`) repeats a run. Without it every test starts from the
//! seed given in its source, so that a plain `cargo test` is deterministic.
use std::thread;

/// SplitMix64 (Steele, Lea, Flood 2014). Small, good enough for tests, never for secrets.
#[derive(Debug)]
pub struct Rng {
    seed: u64,
    state: u64,
}

impl Rng {
    /// The generator for this test run: `WEFT_SEED` if set, else `default`. Prints its seed if the test panics.
    ///
    /// # Panics
    /// When `WEFT_SEED` is set and is not a number.
    pub fn from_env(default: u64) -> Rng {
        match std::env::var("WEFT_SEED") {
            Ok(text) => Rng::new(parse(&text).expect("WEFT_SEED must be a decimal or 0x-prefixed 64-bit number")),
            Err(_) => Rng::new(default),
        }
    }

    /// A generator with exactly this seed.
    pub fn new(seed: u64) -> Rng {
        Rng { seed, state: seed }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `low..=high`. The bias of the remainder does not matter at test sizes.
    ///
    /// # Panics
    /// When the range is empty.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        assert!(low <= high, "an empty range has no random number");
        low + (self.next_u64() % (high - low + 1) as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.between(1, n) == 1
    }

    /// `len` random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next_u64().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

impl Drop for Rng {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("repeat this failure with WEFT_SEED={:#x}", self.seed);
        }
    }
}

fn parse(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Rng, parse};

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut one, mut two) = (Rng::new(7), Rng::new(7));
        assert_eq!(one.bytes(33), two.bytes(33));
        assert_ne!(one.next_u64(), Rng::new(8).next_u64());
    }

    #[test]
    fn numbers_stay_in_range_and_reach_both_ends() {
        let mut rng = Rng::new(1);
        let drawn: Vec<usize> = (0..200).map(|_| rng.between(3, 5)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&5)));
    }

    #[test]
    fn seeds_are_read_in_both_bases() {
        assert_eq!((parse("0xff"), parse("255"), parse("x")), (Some(255), Some(255), None));
    }
}
