// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Addresses into places, and bytes from place to place.

use std::sync::Arc;

use super::Guest;
use crate::{MemoryMap, NoRoom, OutsideMemory, Segments, Writer, gather};

fn list(map: &Arc<MemoryMap>, ranges: &[(u64, u32)]) -> Result<Segments, OutsideMemory> {
    let mut segments = Segments::with_capacity(16);
    segments.hold(map);
    ranges.iter().try_for_each(|&(address, len)| segments.append(address, len))?;
    Ok(segments)
}

#[test]
fn ranges_may_straddle_regions_that_adjoin() {
    let map = Guest::new().map();
    let bytes: Vec<u8> = (0..200).collect();
    let place = list(&map, &[(0xff80, 200)]).unwrap();
    Writer::new(place.all()).write(&bytes).unwrap();
    let mut back = vec![0; 200];
    assert_eq!(gather(place.all(), &mut back), Some(200));
    assert_eq!(back, bytes);
    assert!(map.contains(0xff80, 200) && !map.contains(0x1_fff0, 17));
}

#[test]
fn a_byte_outside_memory_is_an_error_and_not_an_access() {
    let map = Guest::new().map();
    for address in [0x2_0000, 0x1_fff8, 0xf_ffff, 0x11_0000, u64::MAX, u64::MAX - 15] {
        assert!(list(&map, &[(address, 16)]).is_err(), "{address:#x}");
    }
    assert!(list(&map, &[(0, u32::MAX)]).is_err());
}

#[test]
fn what_is_written_is_what_was_read_whatever_the_lengths() {
    let (from, to) = (Guest::new(), Guest::new());
    let bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
    for len in (0..600).chain([1000, 1499, 2999, 3000]) {
        let (source, target) = (0x1_0000 - len as u64 / 3, 0x1_0000 - len as u64 / 2);
        from.put(source, &bytes[..len]);
        to.put(target - 1, &vec![0xee; len + 2]);
        let source = list(&from.map(), &[(source, len as u32)]).unwrap();
        let place =
            list(&to.map(), &[(target, len as u32 / 4), (target + len as u64 / 4, len as u32 - len as u32 / 4)]);
        let place = place.unwrap();
        let mut out = Writer::new(place.all());
        source.all().iter().try_for_each(|segment| out.copy(segment)).unwrap();
        let mut back = vec![0; len];
        assert_eq!(gather(place.all(), &mut back), Some(len));
        assert_eq!(back, bytes[..len], "{len}");
        let around = (to.get::<1>(target - 1)[0], to.get::<1>(target + len as u64)[0]);
        assert_eq!(around, (0xee, 0xee), "{len}: nothing beside it");
    }
}

#[test]
fn bytes_are_pulled_off_the_front_once() {
    let guest = Guest::new();
    guest.put(0xfffc, b"abcdefgh");
    guest.put(0x500, b"xyz");
    let mut segments = list(&guest.map(), &[(0xfffc, 8), (0x500, 3)]).unwrap();
    let (mut first, mut second) = ([0; 5], [0; 4]);
    let at = segments.pull(0, &mut first).unwrap();
    let at = segments.pull(at, &mut second).unwrap();
    assert_eq!((&first, &second), (b"abcde", b"fghx"));
    let mut rest = [0; 2];
    assert_eq!(gather(segments.get(at..segments.len()), &mut rest), Some(2));
    assert_eq!(&rest, b"yz");
    assert_eq!(segments.pull(at, &mut [0; 3]), None, "the list ends before");
}

#[test]
fn a_writer_stops_at_the_end_of_the_buffers() {
    let guest = Guest::new();
    let place = list(&guest.map(), &[(0x100, 4), (0x200, 0), (0x300, 4)]).unwrap();
    let mut out = Writer::new(place.all());
    out.write(b"abcdef").unwrap();
    assert_eq!(out.write(b"ghi"), Err(NoRoom));
    assert_eq!((guest.get::<4>(0x100), guest.get::<5>(0x300)), (*b"abcd", *b"efgh\0"));
    assert!(gather(place.all(), &mut [0; 7]).is_none());
}

#[test]
fn copies_within_one_guest_may_overlap() {
    let guest = Guest::new();
    guest.put(0x100, b"abcdefgh");
    let (source, place) = (list(&guest.map(), &[(0x100, 6)]).unwrap(), list(&guest.map(), &[(0x108, 6)]).unwrap());
    Writer::new(place.all()).copy(&source.all()[0]).unwrap();
    let shifted = list(&guest.map(), &[(0x102, 6)]).unwrap();
    Writer::new(shifted.all()).copy(&source.all()[0]).unwrap();
    assert_eq!(&guest.get::<2>(0x100), b"ab", "what was not written stays");
    assert_eq!(&guest.get::<6>(0x108), b"abcdef");
}
