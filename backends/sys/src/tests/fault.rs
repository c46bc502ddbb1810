// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Memory files that are too short, or become so. Without the guard each of these kills the test process.

use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, memfd_create};
use vm_memory::{FileOffset, GuestAddress, GuestMemoryMmap};

use crate::{Doorbells, MemoryMap, Ring, RingFault, RingLayout, Segments, Writer, install_fault_guard};

const LEN: u64 = 0x4000;

fn memory(file_len: u64) -> (File, GuestMemoryMmap<()>) {
    let file = File::from(memfd_create("guest", MemfdFlags::CLOEXEC).unwrap());
    file.set_len(file_len).unwrap();
    let offset = FileOffset::new(file.try_clone().unwrap(), 0);
    let ranges = [(GuestAddress(0), LEN as usize, Some(offset))];
    (file, GuestMemoryMmap::from_ranges_with_files(ranges).unwrap())
}

fn place(map: &Arc<MemoryMap>, address: u64, len: u32) -> Segments {
    let mut place = Segments::with_capacity(1);
    place.hold(map);
    place.append(address, len).unwrap();
    place
}

fn write(map: &Arc<MemoryMap>, address: u64, bytes: &[u8]) {
    Writer::new(place(map, address, bytes.len() as u32).all()).write(bytes).unwrap();
}

#[test]
fn a_file_truncated_under_us_reads_as_zeroes_and_poisons_its_map_alone() {
    install_fault_guard().unwrap();
    let (file, doomed) = memory(LEN);
    let (_other_file, other) = memory(LEN);
    let (doomed, other) = (MemoryMap::new(&doomed), MemoryMap::new(&other));
    write(&doomed, 0x2000, b"alive");
    rustix::fs::ftruncate(file.as_fd(), 0).unwrap();
    let mut bytes = [1; 5];
    place(&doomed, 0x2000, 5).pull(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 5]);
    assert!(doomed.poisoned());
    write(&other, 0x2000, b"alive");
    assert!(!other.poisoned());
}

#[test]
fn a_file_that_was_too_short_from_the_start_poisons_on_first_touch() {
    install_fault_guard().unwrap();
    let (_file, memory) = memory(0x1000);
    let map = MemoryMap::new(&memory);
    assert!(!map.poisoned());
    write(&map, 0x3000, b"x");
    assert!(map.poisoned());
    assert!(!MemoryMap::new(&self::memory(LEN).1).poisoned(), "the slot is clean for its next owner");
}

#[test]
fn every_map_of_a_truncated_mapping_is_poisoned() {
    install_fault_guard().unwrap();
    let (file, memory) = memory(LEN);
    let (old, new) = (MemoryMap::new(&memory), MemoryMap::new(&memory));
    rustix::fs::ftruncate(file.as_fd(), 0).unwrap();
    write(&new, 0x2000, b"x");
    assert!(old.poisoned() && new.poisoned(), "there is one fault for both");
}

#[test]
fn there_is_room_for_the_regions_of_every_port() {
    // Far more than one map for each of 4096 slots, which was the table once.
    let (file, small) = memory(LEN);
    let maps: Vec<_> = (0..6000).map(|_| MemoryMap::new(&small)).collect();
    assert!(maps.iter().all(|map| !map.poisoned()));
    drop((maps, file));
}

#[test]
fn a_ring_in_truncated_memory_names_the_cause_and_not_the_symptom() {
    install_fault_guard().unwrap();
    let (file, memory) = memory(LEN);
    let map = MemoryMap::new(&memory);
    write(&map, 0x2002, &40_u16.to_le_bytes());
    let layout = RingLayout { size: 16, desc: 0, avail: 0x1000, used: 0x2000 };
    let ring = Ring::new(map, layout, false, Doorbells::default()).unwrap();
    rustix::fs::ftruncate(file.as_fd(), 0).unwrap();
    assert_eq!(ring.available(), Err(RingFault::Memory), "the index reads as 0, 40 too few");
}
