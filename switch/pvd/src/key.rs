// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What identities are looked up by: a few words that are made, hashed and compared without a branch for each octet.

use crate::id::{PvdId, PvdIdRef};

/// Words of a key.
const WORDS: usize = 6;
/// Octets of a name that a key has.
const OCTETS: usize = WORDS * 8;
/// The same octet eight times.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The beginning of an identity, letters in lower case, with zeros behind it, and a hash of all of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Key {
    words: [u64; WORDS],
    hash: u32,
    /// Octets of the whole name on the wire, at most 255; 0 of an implicit identity, whose words are its port and its
    /// router.
    len: u8,
}

impl Key {
    /// That of an identity.
    #[inline]
    pub(crate) fn of(id: PvdIdRef<'_>, hasher: Hasher) -> Key {
        let mut words = [0; WORDS];
        let (len, rest) = match id {
            PvdIdRef::Explicit(name) => {
                let wire = name.as_wire();
                fold(wire, &mut words);
                (wire.len(), wire.get(OCTETS..).unwrap_or_default())
            }
            PvdIdRef::Implicit { port, router } => {
                let router = router.to_bits();
                (words[0], words[1], words[2]) = (port.into(), router as u64, (router >> 64) as u64);
                (0, [].as_slice())
            }
        };
        // Names have at most 255 octets.
        let len = len as u8;
        Key { words, hash: hasher.hash(&words, len, rest), len }
    }

    /// The hash of its identity, which nobody outside can foresee.
    #[inline]
    pub(crate) fn hash(&self) -> u32 {
        self.hash
    }

    /// Whether it is that of the same identity as `other`, which is `id`, if `whole` is the identity that it is of.
    #[inline]
    pub(crate) fn is(&self, other: &Key, id: PvdIdRef<'_>, whole: &PvdId) -> bool {
        // Without a branch for each word.
        let differing = self.words.iter().zip(&other.words).fold(0, |all, (one, other)| all | (one ^ other));
        differing == 0 && self.len == other.len && (usize::from(self.len) <= OCTETS || *whole == id)
    }
}

/// Puts octets into words, letters in lower case, as far as there are words.
#[inline]
fn fold(octets: &[u8], words: &mut [u64]) {
    let (whole, rest) = octets.as_chunks::<8>();
    words.iter_mut().zip(whole).for_each(|(word, octets)| *word = lower(u64::from_le_bytes(*octets)));
    let Some(word) = words.get_mut(whole.len()).filter(|_| !rest.is_empty()) else { return };
    let rest = match octets.last_chunk::<8>() {
        // Those before the rest are shifted out.
        Some(last) => u64::from_le_bytes(*last) >> (8 * (8 - rest.len())),
        None => rest.iter().rev().fold(0, |word, octet| word << 8 | u64::from(*octet)),
    };
    *word = lower(rest);
}

/// Each octet that is an ASCII letter, in lower case.
#[inline]
const fn lower(word: u64) -> u64 {
    let low = word & (0x7f * EACH);
    // The highest bit of each octet says: at least `A`; beyond `Z`.
    let (from_a, beyond_z) = (low + (0x80 - 0x41) * EACH, low + (0x80 - 0x5b) * EACH);
    let upper = from_a & !beyond_z & !word & (0x80 * EACH);
    word | upper >> 2
}

/// Hashes pairs of words, each multiplied into the next under two numbers that nobody outside knows.
///
/// Routers choose what is hashed. They can neither foresee a hash nor see one, and without the numbers no two identities
/// are known to have the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hasher {
    seed: u64,
    secret: u64,
}

impl Hasher {
    /// `seed` is random.
    pub(crate) fn new(seed: u64) -> Hasher {
        // Another number that follows from the seed by more than an addition (a step of SplitMix64).
        let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Hasher { seed, secret: mixed ^ mixed >> 31 }
    }

    #[inline]
    fn pair(self, state: u64, [one, other]: [u64; 2]) -> u64 {
        let product = u128::from(one ^ self.secret) * u128::from(other ^ state);
        product as u64 ^ (product >> 64) as u64
    }

    /// Of a whole identity: the words of its key and the octets that are in no key.
    #[inline]
    fn hash(self, words: &[u64; WORDS], len: u8, rest: &[u8]) -> u32 {
        let (pairs, _) = words.as_chunks::<2>();
        let mut state = pairs.iter().fold(self.seed ^ u64::from(len), |state, pair| self.pair(state, *pair));
        if !rest.is_empty() {
            state = self.rest(state, rest);
        }
        // Both halves are good; places are counted by the lower bits.
        (state ^ state >> 32) as u32
    }

    #[cold]
    fn rest(self, state: u64, octets: &[u8]) -> u64 {
        octets.chunks(16).fold(state, |state, octets| {
            let mut words = [0; 2];
            fold(octets, &mut words);
            self.pair(state, words)
        })
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use proptest::prelude::*;
    use wire::name::DomainName;

    proptest! {
        #[test]
        fn test_letters_and_nothing_else_are_lowered(octets in any::<[u8; 8]>()) {
            let expected = u64::from_le_bytes(octets.map(|octet| octet.to_ascii_lowercase()));
            prop_assert_eq!(lower(u64::from_le_bytes(octets)), expected);
        }

        #[test]
        fn test_keys_are_as_alike_as_names(a in "[a-cA-C]{1,60}(\\.[a-cA-C]{1,60}){0,3}", b in "[a-cA-C]{1,3}", seed in any::<u64>()) {
            let id = |text: &str| PvdId::Explicit(text.parse::<DomainName>().unwrap());
            let (one, same) = (id(&a), id(&a.to_ascii_uppercase()));
            let other = id(&format!("{}.{b}", &a[..a.len().min(180)]));
            let key = |id: &PvdId| Key::of(id.borrowed(), Hasher::new(seed));
            prop_assert!(key(&one).is(&key(&same), one.borrowed(), &same));
            prop_assert_eq!(key(&one).hash(), key(&same).hash());
            prop_assert_eq!(key(&one).is(&key(&other), other.borrowed(), &one), one == other);
        }
    }

    /// Names such as people give, and such as differ behind what a key has: about as many places are taken as by chance.
    #[test]
    fn test_hashes_are_spread() {
        for (seed, tail) in
            [(0, ""), (1, ".tenant.example"), (7, ".a-long-name-of-some-tenant.of-a-larger-one.example.org")]
        {
            let hash = |i: u32| {
                let id = PvdId::Explicit(format!("pvd{tail}.n{i}").parse().unwrap());
                Key::of(id.borrowed(), Hasher::new(seed)).hash() & 0xfff
            };
            let places: std::collections::BTreeSet<u32> = (0..4096).map(hash).collect();
            // 4096 * (1 - 1/e) = 2589, and the deviation is about 32.
            assert!((2400..2800).contains(&places.len()), "{} {tail}", places.len());
        }
    }

    #[test]
    fn test_an_implicit_identity_is_no_name() {
        let implicit = PvdId::implicit(1, "fe80::1".parse().unwrap()).unwrap();
        let other = PvdId::implicit(2, "fe80::1".parse().unwrap()).unwrap();
        let key = |id: &PvdId| Key::of(id.borrowed(), Hasher::new(1));
        assert!(key(&implicit).is(&key(&implicit), implicit.borrowed(), &implicit));
        assert!(!key(&implicit).is(&key(&other), other.borrowed(), &implicit));
    }
}
