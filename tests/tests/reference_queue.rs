// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The virtio-queue crate as the reference for our rings: both look at the same memory.

use std::sync::Arc;

use sys::{Access, Doorbells, MemoryMap, Ring, RingLayout, Segments};
use tests::driver::{DESCRIPTOR_INDIRECT, DESCRIPTOR_NEXT, DESCRIPTOR_WRITE, Descriptor};
use tests::memory::{GuestMemory, Layout};
use tests::rig::RawQueue;
use tests::seed::Rng;
use virtio_queue::{Queue, QueueOwnedT, QueueT};
use vm_memory::{GuestAddress, GuestMemoryMmap};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

const SIZE: u16 = 16;
/// Guest memory; addresses of random buffers are drawn from a little more than that.
const MEMORY: u64 = 4 << 20;

/// Addresses and lengths of a chain's buffers.
type Buffers = Vec<(u64, u32)>;

/// One ring in one memory, seen by ours and by the reference.
struct Twins {
    raw: RawQueue,
    memory: GuestMemoryMmap<()>,
    ours: Ring,
    call: EventFd,
    reference: Queue,
}

impl Twins {
    fn new(event_idx: bool, start: u16) -> Twins {
        let mut guest = GuestMemory::new(&Layout::adjacent(MEMORY)).expect("a memfd");
        let raw = RawQueue::new(&mut guest, SIZE);
        raw.ring().set_used_index(start);
        raw.ring().set_avail_index(start);
        let memory = guest.to_vm_memory();
        let (desc, avail, used) = (raw.ring().desc().gpa(), raw.ring().avail().gpa(), raw.ring().used().gpa());
        let call = EventFd::new(EFD_NONBLOCK).expect("an eventfd");
        let bells = Doorbells { kick: None, call: call.try_clone().ok() };
        let layout = RingLayout { size: SIZE, desc, avail, used };
        let ours = Ring::new(MemoryMap::new(&memory), layout, event_idx, bells).expect("a well-formed ring");
        let mut reference = Queue::new(SIZE).expect("a power of two");
        reference.try_set_desc_table_address(GuestAddress(desc)).expect("aligned");
        reference.try_set_avail_ring_address(GuestAddress(avail)).expect("aligned");
        reference.try_set_used_ring_address(GuestAddress(used)).expect("aligned");
        reference.set_event_idx(event_idx);
        reference.set_next_avail(start);
        reference.set_next_used(start);
        reference.set_ready(true);
        Twins { raw, memory, ours, call, reference }
    }

    /// The buffers of the chain at `head` as ours sees them; `None`: malformed.
    fn walk(&self, head: u16, access: Access) -> Option<Buffers> {
        let mut segments = Segments::with_capacity(2 * sys::MAX_CHAIN);
        segments.hold(self.ours.memory());
        self.ours.walk(head, access, &mut segments)?;
        Some(joined(segments.guest_ranges()))
    }

    /// The next chain as the reference sees it: buffers, and whether it ended where it said.
    fn reference_walk(&mut self, access: Access) -> Option<(u16, Buffers, bool)> {
        let chain = self.reference.iter(&self.memory).ok()?.next()?;
        let (head, mut buffers, mut ended) = (chain.head_index(), Vec::new(), false);
        for descriptor in chain {
            let writable = descriptor.is_write_only() == (access == Access::Write);
            ended = !descriptor.has_next() && writable;
            if !writable {
                break;
            }
            buffers.push((descriptor.addr().0, descriptor.len()));
        }
        Some((head, joined(buffers), ended))
    }
}

/// Without the empty ones, and with neighbours as one: ours has a piece for each region that a buffer lies in.
fn joined(buffers: Buffers) -> Buffers {
    let mut joined = Buffers::new();
    for (address, len) in buffers.into_iter().filter(|(_, len)| *len > 0) {
        match joined.last_mut() {
            Some((before, room)) if before.checked_add((*room).into()) == Some(address) => {
                *room = room.wrapping_add(len);
            }
            _ => joined.push((address, len)),
        }
    }
    joined
}

/// A random descriptor, sound more often than not.
fn descriptor(rng: &mut Rng, flags: u16, table: u64) -> Descriptor {
    let addr = if rng.one_in(20) { rng.next_u64() } else { rng.between(0, MEMORY as usize + 2000) as u64 };
    let len = if rng.one_in(20) { rng.next_u64() as u32 } else { rng.between(0, 3000) as u32 };
    let next = rng.between(0, usize::from(SIZE)) as u16;
    let more = if rng.one_in(3) { 0 } else { DESCRIPTOR_NEXT };
    let odd = if rng.one_in(30) { DESCRIPTOR_WRITE } else { 0 };
    if rng.one_in(8) {
        let len = 16 * rng.between(0, 20) as u32 + if rng.one_in(10) { 3 } else { 0 };
        return Descriptor { addr: table, len, flags: DESCRIPTOR_INDIRECT, next };
    }
    Descriptor { addr, len, flags: flags ^ odd | more, next }
}

/// Fills the ring's table and an indirect one at random.
fn scribble(rng: &mut Rng, raw: &RawQueue, flags: u16) {
    let table = raw.buffers().gpa();
    for index in 0..SIZE {
        raw.ring().set_descriptor(index, descriptor(rng, flags, table));
        raw.fill(16 * usize::from(index), &descriptor(rng, flags, table).to_bytes());
    }
}

/// Whether all buffers are guest memory: the reference hands out addresses and leaves that to its user.
fn inside(map: &Arc<MemoryMap>, buffers: &[(u64, u32)]) -> bool {
    buffers.iter().all(|&(address, len)| map.contains(address, len))
}

#[test]
fn random_chains_are_walked_alike() {
    let mut rng = Rng::from_env(1);
    let (mut sound, mut malformed) = (0, 0);
    for round in 0..40_000 {
        let (access, flags) = if rng.one_in(2) { (Access::Read, 0) } else { (Access::Write, DESCRIPTOR_WRITE) };
        let mut twins = Twins::new(false, 0);
        scribble(&mut rng, &twins.raw, flags);
        let head = rng.between(0, usize::from(SIZE) - 1) as u16;
        twins.raw.offer(&[head]);
        let ours = twins.walk(head, access);
        let (their_head, theirs, ended) = twins.reference_walk(access).expect("one chain is available");
        assert_eq!(twins.ours.head(0), Ok(their_head));
        match ours {
            Some(ours) => {
                assert!(ended, "round {round}: ours found an end that the reference did not");
                assert_eq!(ours, theirs, "round {round}");
                sound += 1;
            }
            None => {
                let empty = theirs.is_empty();
                let usable = ended && !empty && inside(twins.ours.memory(), &theirs);
                assert!(!usable || is_stricter(&twins, head), "round {round}: ours refused {theirs:?}");
                malformed += 1;
            }
        }
    }
    assert!(sound > 100 && malformed > 100, "{sound} sound and {malformed} malformed chains");
}

/// Where ours is stricter on purpose: a reference to a table must not go on (virtio 1.2 section 2.7.5.3.1), and the
/// bytes of a chain must not be more than a length can say.
fn is_stricter(twins: &Twins, head: u16) -> bool {
    let flags = |index: u16| u16::from_le(twins.raw.ring().desc().get(16 * usize::from(index) + 12));
    let next = |index: u16| u16::from_le(twins.raw.ring().desc().get(16 * usize::from(index) + 14));
    let mut index = head;
    for _ in 0..SIZE {
        if flags(index) & DESCRIPTOR_INDIRECT != 0 {
            return flags(index) & DESCRIPTOR_NEXT != 0;
        }
        index = next(index) % SIZE;
    }
    false
}

#[test]
fn available_indices_are_judged_alike() {
    for start in [0, 1, 32_768, 65_530] {
        for ahead in (0..=SIZE + 2).chain([32_767, 32_768, 65_535]) {
            let mut twins = Twins::new(false, start);
            twins.raw.ring().set_avail_index(start.wrapping_add(ahead));
            let reference = twins.reference.iter(&twins.memory).map(|chains| chains.count() as u16);
            assert_eq!(twins.ours.available().ok(), reference.ok(), "{ahead} ahead of {start}");
        }
    }
}

#[test]
fn used_entries_are_written_alike() {
    let mut rng = Rng::from_env(2);
    let (mut ours, mut theirs) = (Twins::new(true, 65_500), Twins::new(true, 65_500));
    for _ in 0..1000 {
        for _ in 0..rng.between(1, 8) {
            let (head, len) = (rng.between(0, usize::from(SIZE) - 1) as u16, rng.next_u64() as u32);
            ours.ours.complete(head, len);
            theirs.reference.add_used(&theirs.memory, head, len).expect("a head inside the table");
        }
        ours.ours.publish();
        let bytes = |twins: &Twins| twins.raw.ring().used().read(0, 4 + 8 * usize::from(SIZE));
        assert_eq!(bytes(&ours), bytes(&theirs));
    }
}

/// Uses `burst` chains in both, with the same wish of the driver, and asks both whether to interrupt: ours, reference.
fn interrupt(ours: &mut Twins, theirs: &mut Twins, burst: usize, wish: u16) -> (bool, bool) {
    ours.raw.ring().set_used_event(wish);
    theirs.raw.ring().set_used_event(wish);
    for _ in 0..burst {
        ours.ours.complete(0, 0);
        theirs.reference.add_used(&theirs.memory, 0, 0).expect("a head inside the table");
    }
    ours.ours.publish();
    (ours.ours.signal(), theirs.reference.needs_notification(&theirs.memory).expect("readable"))
}

/// With event-idx only: without it the reference does not look at the driver's flag, which is but a hint.
#[test]
fn interrupts_are_decided_alike() {
    let mut rng = Rng::from_env(3);
    let (mut ours, mut theirs) = (Twins::new(true, 65_000), Twins::new(true, 65_000));
    let mut index = 65_000_u16;
    for step in 0..200_000 {
        let burst = rng.between(1, usize::from(SIZE));
        index = index.wrapping_add(burst as u16);
        // Wishes near the index, and for long whiles far away from it.
        let (near, far) = (rng.between(0, 40) as u16, rng.between(100, 30_000) as u16);
        let wish =
            if step % 20_000 < 10_000 { index.wrapping_add(near).wrapping_sub(20) } else { index.wrapping_add(far) };
        let (mine, reference) = interrupt(&mut ours, &mut theirs, burst, wish);
        // Ours does not know what the ring's previous owner signalled, and the first time makes sure.
        assert_eq!(mine, reference || step == 0, "step {step}, index {index}, wish {wish}");
        assert_eq!(ours.call.read().unwrap_or(0), u64::from(mine));
    }
}

#[test]
fn kicks_are_asked_for_alike() {
    for event_idx in [true, false] {
        for start in [0_u16, 65_535] {
            let (mut ours, mut theirs) = (Twins::new(event_idx, start), Twins::new(event_idx, start));
            for twins in [&mut ours, &mut theirs] {
                twins.raw.ring().set_avail_index(start.wrapping_add(3));
            }
            for consumed in 0..=3 {
                let wish = |twins: &Twins| (twins.raw.ring().used_flags(), twins.raw.ring().avail_event());
                theirs.reference.set_next_avail(start.wrapping_add(consumed));
                let more = theirs.reference.enable_notification(&theirs.memory).expect("writable");
                assert_eq!(ours.ours.arm(), Ok(more), "{consumed} consumed");
                assert_eq!(wish(&ours), wish(&theirs));
                theirs.reference.disable_notification(&theirs.memory).expect("writable");
                ours.ours.disarm();
                assert_eq!(wish(&ours), wish(&theirs));
                ours.ours.consume(u16::from(consumed < 3));
            }
        }
    }
}
