// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::{Guest, LAYOUT, SIZE};
use crate::{Doorbells, Ring, RingError, RingFault, RingLayout};

const AVAIL_IDX: u64 = LAYOUT.avail + 2;
const USED_EVENT: u64 = LAYOUT.avail + 4 + 2 * SIZE as u64;
const USED_IDX: u64 = LAYOUT.used + 2;
const AVAIL_EVENT: u64 = LAYOUT.used + 4 + 8 * SIZE as u64;

fn open(layout: RingLayout) -> Result<Ring, RingError> {
    Ring::new(Guest::new().map(), layout, false, Doorbells::default())
}

#[test]
fn layouts_that_cannot_be_a_ring_are_refused() {
    assert_eq!(open(RingLayout { size: 0, ..LAYOUT }).unwrap_err(), RingError::Size(0));
    assert_eq!(open(RingLayout { size: 3, ..LAYOUT }).unwrap_err(), RingError::Size(3));
    assert_eq!(open(RingLayout { desc: 0x1008, ..LAYOUT }).unwrap_err(), RingError::Unaligned("descriptor table"));
    assert_eq!(open(RingLayout { avail: 0x2001, ..LAYOUT }).unwrap_err(), RingError::Unaligned("available ring"));
    assert_eq!(open(RingLayout { used: 0x3002, ..LAYOUT }).unwrap_err(), RingError::Unaligned("used ring"));
    let edge = RingLayout { used: 0x1_fffc, ..LAYOUT };
    assert_eq!(open(edge).unwrap_err(), RingError::Outside("used ring"));
    let straddling = RingLayout { desc: 0xfff0, ..LAYOUT };
    assert_eq!(open(straddling).unwrap_err(), RingError::Outside("descriptor table"));
}

#[test]
fn a_ring_resumes_where_the_used_index_stands() {
    let guest = Guest::new();
    guest.set_word(USED_IDX, 65530);
    guest.set_word(AVAIL_IDX, 3);
    let (ring, _call) = guest.ring(false);
    assert_eq!(ring.next_avail(), 65530);
    assert_eq!(ring.available(), Ok(9), "65530 to 3 with wrap-around");
}

#[test]
fn impossible_indices_break_the_ring() {
    let guest = Guest::new();
    let (ring, _call) = guest.ring(false);
    for index in [SIZE + 1, 32768, 65535] {
        guest.set_word(AVAIL_IDX, index);
        assert_eq!(ring.available(), Err(RingFault::AvailIndex), "index {index}");
    }
    guest.set_word(AVAIL_IDX, SIZE);
    assert_eq!(ring.available(), Ok(SIZE));
    guest.set_word(LAYOUT.avail + 4, SIZE);
    assert_eq!(ring.head(0), Err(RingFault::Head));
}

#[test]
fn completions_are_seen_at_publish_and_wrap_around() {
    let guest = Guest::new();
    guest.set_word(USED_IDX, 65535);
    guest.set_word(AVAIL_IDX, 65535);
    let (mut ring, _call) = guest.ring(false);
    guest.offer(&[7, 9]);
    assert_eq!(ring.available(), Ok(2));
    assert_eq!((ring.head(0), ring.head(1)), (Ok(7), Ok(9)));
    ring.consume(2);
    ring.complete(7, 70);
    ring.complete(9, 90);
    assert_eq!(guest.word(USED_IDX), 65535, "not before publish");
    ring.publish();
    assert_eq!(guest.word(USED_IDX), 1);
    let element = |slot: u64| guest.get::<8>(LAYOUT.used + 4 + 8 * slot);
    assert_eq!(element(15), [7, 0, 0, 0, 70, 0, 0, 0]);
    assert_eq!(element(0), [9, 0, 0, 0, 90, 0, 0, 0]);
}

#[test]
fn what_a_guest_writes_into_the_used_ring_changes_nothing() {
    let guest = Guest::new();
    let (mut ring, _call) = guest.ring(false);
    guest.set_word(USED_IDX, 4711);
    ring.complete(1, 0);
    ring.publish();
    assert_eq!(guest.word(USED_IDX), 1);
}

/// Completes one chain and asks for a signal.
fn used(ring: &mut Ring) -> bool {
    ring.complete(0, 0);
    ring.publish();
    ring.signal()
}

#[test]
fn the_first_signal_is_unconditional_then_the_guest_decides_by_flag() {
    let guest = Guest::new();
    guest.set_word(LAYOUT.avail, 1);
    let (mut ring, call) = guest.ring(false);
    assert!(used(&mut ring), "nobody knows what the previous owner signalled");
    assert!(!used(&mut ring), "NO_INTERRUPT");
    guest.set_word(LAYOUT.avail, 0);
    assert!(used(&mut ring));
    assert!(!ring.signal(), "nothing new to tell");
    assert_eq!(call.read().unwrap(), 2);
}

#[test]
fn with_event_idx_a_signal_comes_when_the_index_passes_the_wish() {
    let guest = Guest::new();
    let (mut ring, _call) = guest.ring(true);
    assert!(used(&mut ring));
    guest.set_word(USED_EVENT, 2);
    assert!(!used(&mut ring), "index 2 has not passed 2");
    assert!(used(&mut ring), "index 3 has");
    guest.set_word(USED_EVENT, 10);
    assert!((4..=10).all(|_| !used(&mut ring)));
    assert!(used(&mut ring));
}

#[test]
fn a_wish_is_heard_after_the_index_wrapped_around_without_one() {
    let guest = Guest::new();
    let (mut ring, _call) = guest.ring(true);
    assert!(used(&mut ring));
    // The guest polls for nearly a whole turn and moves its wish out of the way, as Linux does.
    for index in 2..65_530_u16 {
        guest.set_word(USED_EVENT, index.wrapping_add(100));
        assert!(!used(&mut ring));
    }
    guest.set_word(USED_EVENT, 65_535);
    (0..10).for_each(|_| ring.complete(0, 0));
    ring.publish();
    assert!(ring.signal(), "from 65529 to 3 the index has passed 65535");
}

#[test]
fn arming_asks_for_the_next_kick_and_sees_what_came_meanwhile() {
    let guest = Guest::new();
    let (mut ring, _call) = guest.ring(true);
    guest.offer(&[0]);
    assert_eq!(ring.arm(), Ok(true), "work is waiting");
    ring.consume(1);
    assert_eq!(ring.arm(), Ok(false));
    assert_eq!(guest.word(AVAIL_EVENT), 1);
    let (mut plain, _call) = Guest::new().ring(false);
    plain.disarm();
    assert_eq!(plain.arm(), Ok(false));
}

#[test]
fn without_event_idx_the_flag_says_whether_to_kick() {
    let guest = Guest::new();
    let (mut ring, _call) = guest.ring(false);
    ring.disarm();
    assert_eq!(guest.word(LAYOUT.used), 1);
    ring.arm().unwrap();
    assert_eq!(guest.word(LAYOUT.used), 0);
}

#[test]
fn a_ring_that_starts_tells_its_guest_to_look() {
    let guest = Guest::new();
    guest.set_word(LAYOUT.avail, 1);
    let (mut ring, call) = guest.ring(false);
    assert!(ring.nudge(), "whatever the guest wishes: a signal may have been lost with the previous owner");
    assert_eq!(call.read().unwrap(), 1);
}

#[test]
fn completions_can_be_published_in_part() {
    let guest = Guest::new();
    let (mut ring, _call) = guest.ring(false);
    ring.complete(1, 0);
    let first = ring.completed();
    ring.complete(2, 0);
    ring.publish_to(first);
    assert_eq!(guest.word(USED_IDX), 1);
    ring.publish();
    assert_eq!(guest.word(USED_IDX), 2);
}
