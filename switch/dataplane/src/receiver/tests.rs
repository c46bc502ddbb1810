// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Two bursts of two workers in one receive ring.

use sys::{Doorbells, MemoryMap, Ring, RingLayout};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::*;
use crate::port::{MacPolicy, Port, PortConfig, PortSlot, Role};

const LAYOUT: RingLayout = RingLayout { size: 8, desc: 0x1000, avail: 0x2000, used: 0x3000 };
const A: SourceId = SourceId(1);
const B: SourceId = SourceId(2);

/// A guest with eight writable buffers available, and its receiver.
fn receiver() -> (GuestMemoryMmap<()>, Receiver) {
    let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x1_0000)]).unwrap();
    for index in 0..8_u16 {
        let entry = GuestAddress(LAYOUT.desc + 16 * u64::from(index));
        memory.write_obj(0x4000 + 0x100 * u64::from(index), entry).unwrap();
        memory.write_obj(0x100_u32, GuestAddress(entry.0 + 8)).unwrap();
        memory.write_obj(2_u16, GuestAddress(entry.0 + 12)).unwrap();
        memory.write_obj(index, GuestAddress(LAYOUT.avail + 4 + 2 * u64::from(index))).unwrap();
    }
    memory.write_obj(8_u16, GuestAddress(LAYOUT.avail + 2)).unwrap();
    let ring = Ring::new(MemoryMap::new(&memory), LAYOUT, false, Doorbells::default()).unwrap();
    (memory, Receiver::new(ring, Negotiated(1 << 32)))
}

fn put(receiver: &mut Receiver, owner: SourceId) {
    receiver.begin(owner, 1);
    receiver.put(&VnetHeader::default(), &Payload::held(&[7; 60], &[])).unwrap();
    receiver.end();
}

fn used(memory: &GuestMemoryMmap<()>) -> u16 {
    memory.read_obj(GuestAddress(LAYOUT.used + 2)).unwrap()
}

#[test]
fn a_burst_does_not_publish_another_whose_sender_still_owns_its_chains() {
    let (memory, mut receiver) = receiver();
    put(&mut receiver, A);
    put(&mut receiver, B);
    receiver.publish(B).unwrap();
    assert_eq!(used(&memory), 0, "A's frame stands before B's and would be sent again after a kill");
    receiver.publish(A).unwrap();
    assert_eq!(used(&memory), 2, "A takes B's along");
    assert!(!receiver.is_busy());
}

#[test]
fn a_burst_publishes_up_to_the_next_open_one() {
    let (memory, mut receiver) = receiver();
    put(&mut receiver, A);
    put(&mut receiver, A);
    put(&mut receiver, B);
    receiver.publish(A).unwrap();
    assert_eq!(used(&memory), 2);
    assert!(receiver.is_busy(), "a ring with an open burst must not be taken away");
    receiver.publish(B).unwrap();
    assert_eq!(used(&memory), 3);
}

#[test]
fn buffers_whose_lengths_overflow_are_counted_as_enough() {
    let (memory, mut receiver) = receiver();
    receiver.negotiated = Negotiated(1 << 32 | 1 << 15);
    // One byte, then an indirect table of as many bytes as a length can say.
    memory.write_obj(1_u32, GuestAddress(LAYOUT.desc + 8)).unwrap();
    let (table, entries) = (0x8000_u64, 0x1_0000_u32);
    memory.write_obj(table, GuestAddress(LAYOUT.desc + 16)).unwrap();
    memory.write_obj(16 * 1024_u32, GuestAddress(LAYOUT.desc + 24)).unwrap();
    memory.write_obj(4_u16, GuestAddress(LAYOUT.desc + 28)).unwrap();
    for index in 0..1024_u64 {
        let entry = table + 16 * index;
        memory.write_obj(0_u64, GuestAddress(entry)).unwrap();
        memory.write_obj(entries, GuestAddress(entry + 8)).unwrap();
        memory.write_obj(if index < 1023 { 3_u16 } else { 2 }, GuestAddress(entry + 12)).unwrap();
        memory.write_obj(index as u16 + 1, GuestAddress(entry + 14)).unwrap();
    }
    put(&mut receiver, A);
    receiver.publish(A).unwrap();
    assert_eq!(used(&memory), 2);
}

#[test]
fn no_burst_begins_in_a_ring_that_is_being_stopped() {
    let (_memory, receiver) = receiver();
    let mac = wire::MacAddr([2, 0, 0, 0, 0, 1]);
    let config = PortConfig { mac, role: Role::Host, macs: MacPolicy::Own, mtu: 1500, queue_pairs: 1 };
    let port = Port::new(PortSlot(0), &config);
    port.attach_receiver(0, receiver.into_ring());
    assert!(port.runs(0));
    put(port.lock(0).as_mut().unwrap(), A);
    assert!(port.detach_receiver(0).is_err(), "a burst is open");
    assert!(!port.runs(0), "the next one must not open, or the ring might be busy for ever");
    port.lock(0).as_mut().unwrap().publish(A).unwrap();
    assert!(port.detach_receiver(0).is_ok());
}
