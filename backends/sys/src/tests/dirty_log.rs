// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The dirty log, byte for byte as whoever migrates a guest reads it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, memfd_create};

use super::{Guest, LAYOUT, SIZE, WRITE};
use crate::{Access, Buffers, DirtyLog, Ring, RingFault, RingLog, Segments, install_fault_guard};

/// Bytes of a log that has a bit for each page of the tests' guest.
const LEN: usize = 64;

/// A log in a file of its own that goes on behind it.
struct Log {
    file: File,
    log: Arc<DirtyLog>,
}

impl Log {
    fn new(len: usize) -> Self {
        let file = File::from(memfd_create("log", MemfdFlags::CLOEXEC).unwrap());
        file.set_len(4096).unwrap();
        let log = DirtyLog::map(file.try_clone().unwrap().into(), 0, len).unwrap();
        Self { file, log }
    }

    /// The log of a ring whose used ring is marked where it lies.
    fn of_ring(&self) -> RingLog {
        RingLog { log: Arc::clone(&self.log), used: LAYOUT.used }
    }

    /// Pages that are marked; none is afterwards.
    fn take(&self) -> Vec<u64> {
        let mut bytes = [0_u8; 4096];
        self.file.read_exact_at(&mut bytes, 0).unwrap();
        self.file.write_all_at(&[0; 4096], 0).unwrap();
        (0..8 * 4096).filter(|page| bytes[page / 8] >> (page % 8) & 1 == 1).map(|page| page as u64).collect()
    }
}

fn page(address: u64) -> u64 {
    address / 4096
}

/// A ring that marks, and has marked its beginning.
fn ring(guest: &Guest, log: &Log) -> Ring {
    let (mut ring, _) = guest.ring(false);
    ring.set_log(Some(log.of_ring()));
    assert_eq!(log.take(), [page(LAYOUT.used)], "who served the ring before may have died over a mark");
    ring
}

#[test]
fn the_used_ring_is_marked_by_each_write_and_by_nothing_else() {
    let (guest, log) = (Guest::new(), Log::new(LEN));
    let mut ring = ring(&guest, &log);
    ring.complete(3, 0);
    assert_eq!(log.take(), [0_u64; 0], "nothing is published");
    ring.publish();
    assert_eq!(log.take(), [page(LAYOUT.used)]);
    ring.disarm();
    assert_eq!(log.take(), [page(LAYOUT.used)], "its flags are in it");
    ring.disarm();
    assert_eq!(log.take(), [0_u64; 0], "and are as they are to be");
    assert!(!ring.arm().unwrap());
    assert_eq!(log.take(), [page(LAYOUT.used)]);
    ring.set_log(None);
    ring.complete(4, 0);
    ring.publish();
    ring.disarm();
    assert_eq!(log.take(), [0_u64; 0], "the log is not wanted any more");
}

#[test]
fn elements_on_both_sides_of_the_wrap_are_marked_where_the_log_address_says() {
    let (guest, log) = (Guest::new(), Log::new(LEN));
    let (mut ring, _) = guest.ring(false);
    (0..SIZE - 2).for_each(|_| ring.complete(0, 0));
    ring.publish();
    // Element 12 of 16 begins a page, so the last four are on the second one.
    let used = 8 * 4096 - 4 - 8 * 12;
    ring.set_log(Some(RingLog { log: Arc::clone(&log.log), used }));
    assert_eq!(log.take(), [7, 8]);
    ring.complete(0, 0);
    ring.publish();
    assert_eq!(log.take(), [7, 8], "the index and element 14");
    (0..2).for_each(|_| ring.complete(0, 0));
    ring.publish();
    assert_eq!(log.take(), [7, 8], "elements 15 and 0");
    (0..2).for_each(|_| ring.complete(0, 0));
    ring.publish();
    assert_eq!(log.take(), [7]);
}

#[test]
fn what_is_written_into_buffers_is_marked_before_it_is_published_and_no_byte_more() {
    let (guest, log) = (Guest::new(), Log::new(LEN));
    let mut ring = ring(&guest, &log);
    // One descriptor over the border of two regions, and one apart.
    guest.table(LAYOUT.desc, &[(0xf000, 0x3000, WRITE | 1, 1), (0x10_0ff0, 0x20, WRITE, 0)]);
    guest.offer(&[0]);
    let mut segments = Segments::with_capacity(2 * crate::MAX_CHAIN);
    segments.hold(ring.memory());
    let chain = ring.walk(0, Access::Write, &mut segments).unwrap();
    assert_eq!(ring.waiting(1), Ok(1));
    for (len, pages) in [
        (0, vec![]),
        (1, vec![0xf]),
        (0x1000, vec![0xf]),
        (0x1001, vec![0xf, 0x10]),
        (0x3000, vec![0xf, 0x10, 0x11]),
        (0x3010, vec![0xf, 0x10, 0x11, 0x100]),
        (0x3011, vec![0xf, 0x10, 0x11, 0x100, 0x101]),
        (0x3020, vec![0xf, 0x10, 0x11, 0x100, 0x101]),
    ] {
        ring.mark_written(segments.all(), len);
        ring.complete(chain.head, len as u32);
        ring.publish();
        let marked: Vec<u64> = log.take().into_iter().filter(|&marked| marked != page(LAYOUT.used)).collect();
        assert_eq!(marked, pages, "{len:#x} bytes");
    }
}

#[test]
fn a_log_has_no_bit_beyond_its_end_whatever_the_address() {
    let (guest, log) = (Guest::new(), Log::new(3));
    let (mut ring, _) = guest.ring(false);
    for used in [23 * 4096, 24 * 4096, 25 * 4096, 64 * 4096, u64::MAX - 1, u64::MAX] {
        ring.set_log(Some(RingLog { log: Arc::clone(&log.log), used }));
        assert_eq!(log.take(), if used == 23 * 4096 { vec![23] } else { vec![] }, "{used:#x}");
    }
}

#[test]
fn nothing_goes_to_an_old_log() {
    let (guest, old, new) = (Guest::new(), Log::new(LEN), Log::new(LEN));
    let mut ring = ring(&guest, &old);
    ring.complete(0, 0);
    ring.set_log(Some(new.of_ring()));
    new.take();
    ring.publish();
    ring.disarm();
    assert_eq!((old.take(), new.take()), (vec![], vec![page(LAYOUT.used)]));
}

#[test]
fn a_buffer_that_was_found_ahead_is_marked_as_far_as_it_was_written() {
    let (guest, log) = (Guest::new(), Log::new(LEN));
    guest.table(LAYOUT.desc, &[(0x5ff0, 0x2000, WRITE, 0), (0x9000, 0x100, WRITE, 0)]);
    guest.offer(&[0, 1]);
    let mut buffers = Buffers::new(guest.ring(false).0);
    buffers.prepare(2);
    buffers.ring_mut().set_log(Some(log.of_ring()));
    for (len, pages) in [(0x1010, vec![5, 6]), (1, vec![9])] {
        log.take();
        assert!(buffers.next(len).is_some());
        buffers.mark(len);
        buffers.complete(len as u32);
        buffers.ring_mut().publish();
        let marked: Vec<u64> = log.take().into_iter().filter(|&marked| marked != page(LAYOUT.used)).collect();
        assert_eq!(marked, pages);
    }
}

#[test]
fn a_log_that_is_cut_short_is_a_fault_of_its_ring_and_of_nobody_else() {
    install_fault_guard().unwrap();
    let (guest, log) = (Guest::new(), Log::new(LEN));
    let mut ring = ring(&guest, &log);
    assert_eq!(ring.late_fault(), None);
    log.file.set_len(0).unwrap();
    ring.publish();
    assert_eq!(ring.late_fault(), Some(RingFault::Log));
    ring.set_log(None);
    assert_eq!(ring.late_fault(), None);
}
