// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::Guest;
use crate::{OutsideMemory, Segment, copy};

#[test]
fn ranges_may_straddle_regions_that_adjoin() {
    let map = Guest::new().map();
    let bytes: Vec<u8> = (0..200).collect();
    map.write(0xff80, &bytes).unwrap();
    let mut back = vec![0; 200];
    map.read(0xff80, &mut back).unwrap();
    assert_eq!(back, bytes);
    assert!(map.contains(Segment { address: 0xff80, len: 200 }));
}

#[test]
fn a_byte_outside_memory_is_an_error_and_not_an_access() {
    let map = Guest::new().map();
    let mut out = [0; 16];
    for address in [0x2_0000, 0x1_fff8, 0xf_ffff, 0x11_0000, u64::MAX, u64::MAX - 15] {
        assert_eq!(map.read(address, &mut out), Err(OutsideMemory), "{address:#x}");
        assert_eq!(map.write(address, &out), Err(OutsideMemory), "{address:#x}");
        assert_eq!(copy((&map, address), (&map, 0), 16), Err(OutsideMemory), "{address:#x}");
        assert_eq!(copy((&map, 0), (&map, address), 16), Err(OutsideMemory), "{address:#x}");
    }
}

#[test]
fn copies_between_guests_straddle_on_both_sides() {
    let (from, to) = (Guest::new(), Guest::new());
    let bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
    from.map().write(0x1_0000 - 1000, &bytes).unwrap();
    copy((&from.map(), 0x1_0000 - 1000), (&to.map(), 0x1_0000 - 2000), 3000).unwrap();
    let mut back = vec![0; 3000];
    to.map().read(0x1_0000 - 2000, &mut back).unwrap();
    assert_eq!(back, bytes);
}

#[test]
fn copies_within_one_guest_may_overlap() {
    let guest = Guest::new();
    guest.put(0x100, b"abcdefgh");
    let map = guest.map();
    copy((&map, 0x100), (&map, 0x102), 6).unwrap();
    assert_eq!(&guest.get::<8>(0x100), b"ababcdef");
}
