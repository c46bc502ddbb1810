// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::{Desc, Guest, LAYOUT, NEXT, SIZE, WRITE};
use crate::{Buffers, RingFault};

const BUFFER: u32 = 0x100;

fn place(index: u16) -> u64 {
    0x4000 + u64::from(BUFFER) * u64::from(index)
}

/// A guest whose descriptors are writable buffers, each of its own.
fn guest() -> Guest {
    let guest = Guest::new();
    let entries: Vec<Desc> = (0..SIZE).map(|index| (place(index), BUFFER, WRITE, 0)).collect();
    guest.table(LAYOUT.desc, &entries);
    guest
}

/// Writes `byte` into the next buffer and gives it back; `false`: it was not looked up, or is too small.
fn fill(buffers: &mut Buffers, byte: u8, len: usize) -> bool {
    let Some(mut place) = buffers.next(len) else { return false };
    place.write(&vec![byte; len]);
    buffers.complete(len as u32);
    true
}

#[test]
fn buffers_are_used_in_the_order_in_which_they_were_offered_round_after_round() {
    let guest = guest();
    let mut buffers = Buffers::new(guest.ring(false).0);
    for round in 0..40_u8 {
        let heads: Vec<u16> = (0..SIZE).map(|at| (at * 7 + u16::from(round)) % SIZE).collect();
        guest.offer(&heads);
        buffers.prepare(SIZE);
        for (number, &head) in (0..).zip(&heads) {
            assert!(fill(&mut buffers, round ^ number, 60), "round {round}, buffer {number}");
            assert_eq!(guest.get::<60>(place(head)), [round ^ number; 60]);
        }
        assert!(buffers.next(1).is_none(), "no more than there are");
    }
}

#[test]
fn what_is_no_single_buffer_is_left_to_who_walks_chains() {
    let guest = guest();
    // Of two descriptors; too small; outside memory; straddling a hole.
    guest.table(LAYOUT.desc, &[(place(0), 8, WRITE | NEXT, 5), (place(1), 8, WRITE, 0), (0x9_0000, BUFFER, WRITE, 0)]);
    let mut buffers = Buffers::new(guest.ring(false).0);
    guest.offer(&[0, 1, 2, 3]);
    buffers.prepare(4);
    for chain in ["two descriptors", "too small", "nowhere"] {
        assert!(buffers.next(60).is_none(), "{chain}");
        buffers.consume(1);
    }
    assert!(fill(&mut buffers, 9, 60), "the one behind them");
    assert_eq!(guest.get::<60>(place(3)), [9; 60]);
}

#[test]
fn an_index_that_moves_back_adds_nothing_and_breaks_the_ring_in_the_end() {
    let guest = guest();
    let mut buffers = Buffers::new(guest.ring(false).0);
    guest.offer(&[0, 1, 2, 3]);
    buffers.prepare(4);
    guest.set_word(LAYOUT.avail + 2, 1);
    let used = (0..SIZE).take_while(|_| fill(&mut buffers, 1, 60)).count();
    assert_eq!(used, 4, "what was known, once");
    assert_eq!(buffers.ring_mut().waiting(1), Err(RingFault::AvailIndex));
}

#[test]
fn a_head_past_the_table_ends_the_look_ahead_and_not_what_stands_before_it() {
    let guest = guest();
    let mut buffers = Buffers::new(guest.ring(false).0);
    guest.offer(&[0, 1, SIZE, 2]);
    buffers.prepare(4);
    assert!(fill(&mut buffers, 1, 60) && fill(&mut buffers, 2, 60));
    assert!(buffers.next(60).is_none());
    assert_eq!(buffers.ring().head(0), Err(RingFault::Head));
}

#[test]
fn chains_that_were_taken_unseen_are_not_found_again() {
    let guest = guest();
    let mut buffers = Buffers::new(guest.ring(false).0);
    guest.offer(&[0, 1]);
    buffers.prepare(2);
    guest.offer(&[2, 3, 4]);
    assert_eq!(buffers.ring_mut().waiting(5), Ok(5));
    // One more than were looked up.
    buffers.consume(3);
    assert!(fill(&mut buffers, 7, 60));
    assert_eq!((guest.get::<1>(place(2)), guest.get::<1>(place(3))), ([0], [7]));
}
