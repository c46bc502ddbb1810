// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What identities are looked up by: a keyed fingerprint of each, made without a branch for each octet.

use crate::PvdName;
use crate::id::PvdIdRef;

/// The same octet eight times.
const EACH: u64 = 0x0101_0101_0101_0101;

/// An odd number with as many ones as zeros, without order: the fraction of the golden ratio.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;

/// What every tag has, so that none is zero.
const SET: u64 = 1 << 63;

/// Stands for an identity: 63 bits that nobody outside can foresee, and one that is always set.
///
/// Names are chosen by tenants. One who says a new name ten thousand times a second for a year, in a namespace that has as
/// many PvDs as it may, has a chance of one in three thousand that one of them has the tag of another PvD there. Then who
/// asks for his name finds that one. Those who write compare the names as well, so that it is neither changed nor does it go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tag(u64);

impl Tag {
    /// That of an identity.
    #[inline]
    pub(crate) fn of(id: PvdIdRef<'_>, hasher: &Hasher) -> Tag {
        let hash = match id {
            PvdIdRef::Explicit(name) => hasher.name(name.as_wire(), lower),
            PvdIdRef::Implicit { port, router } => {
                let (router, begin) = (router.to_bits(), hasher.begin(0));
                hasher.pair(hasher.pair(begin, [router as u64, (router >> 64) as u64]), [port.into(), 0])
            }
        };
        Tag(SET | hasher.end(hash))
    }

    /// That of the explicit PvD of a name. Its letters are in lower case.
    #[inline]
    pub(crate) fn of_name(name: &PvdName, hasher: &Hasher) -> Tag {
        Tag(SET | hasher.end(hasher.name(name.as_wire(), |word| word)))
    }

    /// Where it stands, counted in a table of any power of two of places.
    #[inline]
    pub(crate) fn home(self) -> usize {
        self.0 as u32 as usize
    }

    /// Whether it stands for nothing.
    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// One that a test has chosen.
    #[cfg(test)]
    pub(crate) fn chosen(home: u32) -> Tag {
        Tag(SET | u64::from(home))
    }
}

/// Hashes pairs of words, each pair multiplied into what was there before under numbers that nobody outside knows.
///
/// Routers choose what is hashed. They can neither foresee a hash nor see one, and without the numbers no two identities
/// are known to have the same.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    begin: u64,
    secret: u64,
}

impl Hasher {
    /// `seed` is random.
    pub(crate) fn new(seed: u64) -> Hasher {
        // SplitMix64.
        let number = |step: u64| {
            let mixed = seed.wrapping_add(step.wrapping_mul(MIXER));
            let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        };
        Hasher { begin: number(1), secret: number(2) }
    }

    /// Of something of that length; no name has none.
    #[inline]
    fn begin(&self, len: usize) -> u64 {
        self.begin ^ len as u64
    }

    #[inline]
    fn pair(&self, state: u64, [one, other]: [u64; 2]) -> u64 {
        multiplied(one ^ self.secret, other ^ state)
    }

    /// Makes every bit depend on all others: of a short name the lower ones otherwise follow its last letters.
    #[inline]
    fn end(&self, state: u64) -> u64 {
        multiplied(state ^ self.secret, MIXER)
    }

    /// Of a whole name, its words `folded`: pairs of them from the beginning, and the last two, which may have octets of those
    /// before.
    #[inline]
    fn name(&self, wire: &[u8], folded: impl Fn(u64) -> u64) -> u64 {
        let mut state = self.begin(wire.len());
        let Some(last) = wire.last_chunk::<16>() else { return self.pair(state, short(wire).map(folded)) };
        let (pairs, _) = wire[..wire.len() - 1].as_chunks::<16>();
        for pair in pairs {
            state = self.pair(state, words(pair).map(&folded));
        }
        self.pair(state, words(last).map(folded))
    }
}

/// Both halves of a product.
#[inline]
fn multiplied(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

#[inline]
fn words(octets: &[u8; 16]) -> [u64; 2] {
    let both = u128::from_le_bytes(*octets);
    [both as u64, (both >> 64) as u64]
}

/// The words of a name of less than 16 octets.
#[inline]
fn short(octets: &[u8]) -> [u64; 2] {
    let mut all = [0; 16];
    all[..octets.len()].copy_from_slice(octets);
    words(&all)
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

#[cfg(test)]
mod test {
    use super::*;
    use crate::id::PvdId;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use wire::name::{DomainName, NameRef};

    fn tag(id: &PvdId, seed: u64) -> Tag {
        Tag::of(id.borrowed(), &Hasher::new(seed))
    }

    proptest! {
        #[test]
        fn test_letters_and_nothing_else_are_lowered(octets in any::<[u8; 8]>()) {
            let expected = u64::from_le_bytes(octets.map(|octet| octet.to_ascii_lowercase()));
            prop_assert_eq!(lower(u64::from_le_bytes(octets)), expected);
        }

        #[test]
        fn test_tags_are_as_alike_as_names(a in "[a-cA-C]{1,60}(\\.[a-cA-C]{1,60}){0,3}", b in "[a-cA-C]{1,3}", seed in any::<u64>()) {
            let id = |text: &str| PvdId::Explicit(text.parse::<DomainName>().unwrap());
            let (one, same) = (id(&a), id(&a.to_ascii_uppercase()));
            let other = id(&format!("{}.{b}", &a[..a.len().min(180)]));
            prop_assert_eq!(tag(&one, seed), tag(&same, seed));
            let own = one.name().map(|name| Tag::of_name(name, &Hasher::new(seed)));
            prop_assert_eq!(own, Some(tag(&one, seed)));
            // As a message has it.
            let octets = one.name().unwrap().as_wire().to_ascii_uppercase();
            let said = PvdIdRef::Explicit(NameRef::split(&octets).unwrap().0);
            prop_assert_eq!(Tag::of(said, &Hasher::new(seed)), tag(&one, seed));
            prop_assert_eq!(tag(&one, seed) == tag(&other, seed), one == other);
        }
    }

    /// Names such as people give, of any length: about as many places are taken as by chance, by each part of the tags.
    #[test]
    fn test_tags_are_spread() {
        for (seed, tail) in
            [(0, ""), (1, ".tenant.example"), (7, ".a-long-name-of-some-tenant.of-a-larger-one.example.org")]
        {
            let tags: Vec<Tag> =
                (0..4096).map(|i| tag(&PvdId::Explicit(format!("pvd{tail}.n{i}").parse().unwrap()), seed)).collect();
            let parts: [fn(&Tag) -> u64; 4] = [|tag| tag.0, |tag| tag.0 >> 20, |tag| tag.0 >> 32, |tag| tag.0 >> 51];
            for part in parts {
                let places: BTreeSet<u64> = tags.iter().map(|tag| part(tag) & 0xfff).collect();
                // 4096 * (1 - 1/e) = 2589, and the deviation is about 32.
                assert!((2400..2800).contains(&places.len()), "{} {tail}", places.len());
            }
        }
    }

    #[test]
    fn test_an_octet_anywhere_makes_another_tag() {
        for len in 1..=60 {
            let name = |text: String| tag(&PvdId::Explicit(text.parse().unwrap()), 3);
            let all: BTreeSet<_> = (0..len)
                .map(|at| name(format!("{}b{}", "a".repeat(at), "a".repeat(len - at))))
                .map(|tag| tag.0)
                .collect();
            assert_eq!(all.len(), len);
        }
    }

    #[test]
    fn test_implicit_identities_differ_by_port_and_router() {
        let implicit = |port, router: &str| tag(&PvdId::implicit(port, router.parse().unwrap()).unwrap(), 1);
        assert_eq!(implicit(1, "fe80::1"), implicit(1, "fe80::1"));
        assert_ne!(implicit(1, "fe80::1"), implicit(2, "fe80::1"));
        assert_ne!(implicit(1, "fe80::1"), implicit(1, "fe80::2"));
    }
}
