// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Hostile and honest descriptor chains.

use super::{Desc, Guest, INDIRECT, LAYOUT, NEXT, WRITE};
use crate::{Access, MAX_CHAIN, Segments};

/// Walks the chain at descriptor 0 of `table`, with `indirect` at 0x4000: addresses and lengths of its buffers.
fn walk(table: &[Desc], indirect: &[Desc], access: Access) -> Option<Vec<(u64, u32)>> {
    let guest = Guest::new();
    guest.table(LAYOUT.desc, table);
    guest.table(0x4000, indirect);
    let ring = guest.ring(false).0;
    let mut segments = Segments::with_capacity(MAX_CHAIN);
    segments.hold(ring.memory());
    let Some(chain) = ring.walk(0, access, &mut segments) else {
        assert!(segments.is_empty(), "a rejected chain leaves nothing behind");
        return None;
    };
    let ranges = segments.guest_ranges();
    assert_eq!(chain.bytes, ranges.iter().map(|range| range.1).sum::<u32>());
    Some(ranges)
}

#[test]
fn plain_and_indirect_chains_are_walked_in_order() {
    let direct = walk(&[(0x5000, 12, NEXT, 2), (0, 0, 0, 0), (0x6000, 64, 0, 0)], &[], Access::Read);
    assert_eq!(direct.unwrap(), [(0x5000, 12), (0x6000, 64)]);
    let table = [(0x5000, 12, NEXT | WRITE, 1), (0x6000, 64, WRITE, 0)];
    let indirect = walk(&[(0x4000, 32, INDIRECT, 0)], &table, Access::Write);
    assert_eq!(indirect.unwrap(), [(0x5000, 12), (0x6000, 64)]);
    let after_direct = walk(&[(0x5000, 12, NEXT, 1), (0x4000, 16, INDIRECT, 0)], &[(0x6000, 64, 0, 0)], Access::Read);
    assert_eq!(after_direct.unwrap(), [(0x5000, 12), (0x6000, 64)]);
}

#[test]
fn buffers_may_straddle_adjoining_regions_but_not_a_hole() {
    let straddling = walk(&[(0xfff0, 32, 0, 0)], &[], Access::Read);
    assert_eq!(straddling.unwrap(), [(0xfff0, 16), (0x1_0000, 16)], "a piece for each region");
    assert!(walk(&[(0x1_fff0, 32, 0, 0)], &[], Access::Read).is_none());
}

#[test]
fn empty_buffers_count_as_buffers_whatever_their_address() {
    let chain = walk(&[(u64::MAX, 0, NEXT, 1), (0x5000, 60, 0, 0)], &[], Access::Read);
    assert_eq!(chain.unwrap()[1], (0x5000, 60));
    assert!(walk(&[(0x5000, 0, 0, 0)], &[], Access::Read).is_none(), "a chain without a byte is no chain");
}

#[test]
fn loops_and_bad_indices_are_rejected() {
    assert!(walk(&[(0x5000, 1, NEXT, 0)], &[], Access::Read).is_none(), "a loop of one");
    assert!(walk(&[(0x5000, 1, NEXT, 1), (0x5000, 1, NEXT, 0)], &[], Access::Read).is_none(), "a loop of two");
    assert!(walk(&[(0x5000, 1, NEXT, 16)], &[], Access::Read).is_none(), "past the table");
    let looped = [(0x5000, 1, NEXT, 1), (0x5000, 1, NEXT, 0)];
    assert!(walk(&[(0x4000, 32, INDIRECT, 0)], &looped, Access::Read).is_none(), "a loop in an indirect table");
    let past = [(0x5000, 1, NEXT, 2), (0x5000, 1, 0, 0)];
    assert!(walk(&[(0x4000, 32, INDIRECT, 0)], &past, Access::Read).is_none(), "past an indirect table");
}

#[test]
fn malformed_indirect_tables_are_rejected() {
    let one = [(0x5000, 60, 0, 0)];
    for len in [0, 8, 17, 16 * (MAX_CHAIN as u32 + 1)] {
        assert!(walk(&[(0x4000, len, INDIRECT, 0)], &one, Access::Read).is_none(), "length {len}");
    }
    assert!(walk(&[(0x4000, 16, INDIRECT | NEXT, 1)], &one, Access::Read).is_none(), "must end its chain");
    assert!(walk(&[(0x4000, 16, INDIRECT, 0)], &[(0x4000, 16, INDIRECT, 0)], Access::Read).is_none(), "nested");
    assert!(walk(&[(0x20_0000, 16, INDIRECT, 0)], &one, Access::Read).is_none(), "outside memory");
}

#[test]
fn buffers_of_the_wrong_direction_are_rejected() {
    assert!(walk(&[(0x5000, 60, WRITE, 0)], &[], Access::Read).is_none());
    assert!(walk(&[(0x5000, 60, 0, 0)], &[], Access::Write).is_none());
    assert!(walk(&[(0x5000, 60, WRITE | NEXT, 1), (0x5000, 60, 0, 0)], &[], Access::Write).is_none());
}

#[test]
fn a_chain_has_no_more_buffers_than_the_limit_empty_or_not() {
    let chain = |entries: usize, len: u32| {
        let guest = Guest::new();
        let table: Vec<Desc> = (0..entries - 1).map(|at| (0x5000, len, NEXT, at as u16 + 1)).collect();
        guest.table(0x8000, &[&table[..], &[(0x5000, 1, 0, 0)]].concat());
        guest.table(LAYOUT.desc, &[(0x5000, 1, NEXT, 1), (0x8000, 16 * entries as u32, INDIRECT, 0)]);
        let (ring, mut segments) = (guest.ring(false).0, Segments::with_capacity(4 * MAX_CHAIN));
        segments.hold(ring.memory());
        ring.walk(0, Access::Read, &mut segments).is_some()
    };
    for len in [0, 1] {
        assert!(chain(MAX_CHAIN - 1, len), "one direct and the rest in a table");
        assert!(!chain(MAX_CHAIN, len), "one too many");
    }
}

#[test]
fn a_full_list_is_never_grown() {
    let guest = Guest::new();
    guest.table(LAYOUT.desc, &[(0x5000, 1, NEXT, 1), (0x5000, 1, NEXT, 2), (0x5000, 1, 0, 0)]);
    let ring = guest.ring(false).0;
    for (capacity, fits) in [(2, false), (3, true)] {
        let mut segments = Segments::with_capacity(capacity);
        segments.hold(ring.memory());
        assert_eq!(ring.walk(0, Access::Read, &mut segments).is_some(), fits, "room for {capacity}");
    }
    let mut nobodys = Segments::with_capacity(3);
    assert!(ring.walk(0, Access::Read, &mut nobodys).is_none(), "a list that keeps no memory alive takes no address");
}
