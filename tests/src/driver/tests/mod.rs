// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The driver against the `virtio-queue` crate's device side over the same memory: whatever one side writes the other
//! must read, whatever one side breaks the other must notice.
mod device;
mod rules;

use std::collections::VecDeque;

use virtio_queue::QueueT;

use device::Device;

use super::{QueueOptions, RxQueue, Shape, TxQueue, VNET_HEADER_LEN, VnetHeader};
use crate::memory::{GuestMemory, Layout};
use crate::seed::Rng;

fn memory() -> GuestMemory {
    GuestMemory::new(&Layout::holed(64 << 20)).unwrap()
}

fn options(size: u16, event_idx: bool, start_index: u16) -> QueueOptions {
    QueueOptions { size, event_idx, start_index, ..QueueOptions::default() }
}

/// A chain of up to six descriptors cut anywhere, indirect from anywhere or not at all.
fn random_shape(rng: &mut Rng) -> Shape {
    let cuts: Vec<usize> = (0..rng.between(0, 5)).map(|_| rng.between(1, 400)).collect();
    let shape = Shape::cut(&cuts);
    if rng.one_in(2) { shape } else { shape.indirect_from(rng.between(0, cuts.len())) }
}

fn random_frame(rng: &mut Rng) -> Vec<u8> {
    let len = if rng.one_in(20) { rng.between(14, 65550) } else { rng.between(14, 1514) };
    rng.bytes(len)
}

/// Sends `count` random frames; the device completes them in random order and sees every byte.
fn transmit(count: usize, options: &QueueOptions, rng: &mut Rng) {
    let mut memory = memory();
    let mut tx = TxQueue::new(&mut memory, options);
    let mut device = Device::new(&memory, tx.queue().ring(), options.event_idx);
    let (mut sent, mut held, mut done) = (VecDeque::new(), Vec::new(), 0);
    while done < count {
        for _ in 0..rng.between(0, 20) {
            let header = VnetHeader { hdr_len: rng.between(0, 65535) as u16, ..VnetHeader::default() };
            let frame = random_frame(rng);
            if let Ok(token) = tx.enqueue(&random_shape(rng), header, &frame) {
                sent.push_back((token, [&header.to_bytes()[..], &frame].concat()));
            }
        }
        tx.flush();
        while let Some((head, bytes)) = device.take_bytes() {
            let (token, expected) = sent.pop_front().expect("the device takes nothing that was not sent");
            assert!(bytes == expected, "the device reads what the driver wrote");
            held.push((head, token));
        }
        let mut expected = Vec::new();
        while !held.is_empty() && !rng.one_in(6) {
            let (head, token) = held.swap_remove(rng.between(0, held.len() - 1));
            device.complete(head, 0);
            expected.push(token);
        }
        done += expected.len();
        assert_eq!(tx.reclaim(), expected, "each completion once and in the device's order");
    }
}

/// The device delivers `count` random frames over as many buffers as each needs.
fn receive(count: usize, options: &QueueOptions, mergeable: bool, rng: &mut Rng) {
    let mut memory = memory();
    let mut rx = RxQueue::new(&mut memory, options, mergeable);
    let mut device = Device::new(&memory, rx.queue().ring(), options.event_idx);
    let buffer = if mergeable { 1526 } else { 70_000 };
    assert!(rx.keep_filled(&random_shape(rng), buffer) > 0);
    let mut expected = VecDeque::new();
    for _ in 0..count {
        let frame = random_frame(rng);
        let num_buffers = (VNET_HEADER_LEN + frame.len()).div_ceil(buffer) as u16;
        let header = VnetHeader { csum_start: rng.between(0, 99) as u16, num_buffers, ..VnetHeader::default() };
        let bytes = [&header.to_bytes()[..], &frame].concat();
        let mut at = 0;
        while at < bytes.len() {
            let Some((head, written)) = device.fill(&bytes[at..]) else { panic!("a buffer for every part") };
            device.complete(head, written);
            at += written;
        }
        expected.push_back((header, frame));
        if rng.one_in(3) || device.queue.next_avail().wrapping_sub(rx.queue().used_seen()) > 60 {
            drain(&mut rx, &mut expected);
        }
    }
    drain(&mut rx, &mut expected);
}

fn drain(rx: &mut RxQueue, expected: &mut VecDeque<(VnetHeader, Vec<u8>)>) {
    while let Some(received) = rx.recv() {
        let (header, frame) = expected.pop_front().expect("no frame that was not delivered");
        assert_eq!((received.header, received.buffers.len()), (header, usize::from(header.num_buffers)));
        assert!(received.frame == frame, "the driver reads what the device wrote");
    }
    assert!(expected.is_empty(), "{} frames were delivered and not received", expected.len());
}

#[test]
fn thousands_of_random_chains_reach_the_device() {
    let mut rng = Rng::from_env(11);
    transmit(4000, &options(64, true, 0), &mut rng);
    transmit(4000, &options(64, false, 0), &mut rng);
}

#[test]
fn indices_wrap_at_any_queue_size() {
    let mut rng = Rng::from_env(12);
    for size in [1, 2, 8, 1024, 32768] {
        let options = QueueOptions { heap_len: 16 << 20, ..options(size, true, 65500) };
        transmit(300, &options, &mut rng);
    }
}

#[test]
fn more_than_65536_chains_go_both_ways() {
    let mut memory = memory();
    let mut tx = TxQueue::new(&mut memory, &options(16, true, 0));
    let mut rx = RxQueue::new(&mut memory, &options(16, true, 0), false);
    rx.keep_filled(&Shape::own_header(), 128);
    let mut from = Device::new(&memory, tx.queue().ring(), true);
    let mut to = Device::new(&memory, rx.queue().ring(), true);
    for number in 0..70_000_u32 {
        let frame = [&number.to_le_bytes()[..], &[0x5a; 30]].concat();
        let header = VnetHeader { num_buffers: 1, ..VnetHeader::default() };
        let token = tx.send(&Shape::own_header(), header, &frame).unwrap();
        let (head, bytes) = from.take_bytes().unwrap();
        let (buffer, written) = to.fill(&bytes).unwrap();
        from.complete(head, 0);
        to.complete(buffer, written);
        assert_eq!(tx.reclaim(), [token]);
        assert_eq!(rx.recv().unwrap().frame, frame);
    }
}

#[test]
fn random_frames_arrive_whole_and_merged() {
    let mut rng = Rng::from_env(13);
    receive(2000, &options(256, true, 65000), true, &mut rng);
    receive(2000, &options(256, false, 0), true, &mut rng);
    receive(500, &QueueOptions { heap_len: 24 << 20, ..options(256, true, 0) }, false, &mut rng);
}

#[test]
fn interrupts_come_when_armed_and_not_before() {
    for event_idx in [true, false] {
        let mut memory = memory();
        let mut tx = TxQueue::new(&mut memory, &options(16, event_idx, 65530));
        let mut device = Device::new(&memory, tx.queue().ring(), event_idx);
        for _ in 0..100 {
            let mut finish = |tx: &mut TxQueue| {
                tx.send(&Shape::whole(), VnetHeader::default(), &[0; 14]).unwrap();
                let (head, _) = device.take_bytes().unwrap();
                device.complete(head, 0);
                device.wants_to_interrupt()
            };
            assert!(!tx.queue().arm());
            assert!(finish(&mut tx), "armed");
            tx.reclaim();
            tx.queue().disarm();
            // The crate ignores NO_INTERRUPT, so without EVENT_IDX there is no device here to ask.
            assert!(!finish(&mut tx) || !event_idx, "not armed");
            tx.reclaim();
        }
    }
}

#[test]
fn the_device_is_rung_only_when_it_asked() {
    for event_idx in [true, false] {
        let mut memory = memory();
        let mut tx = TxQueue::new(&mut memory, &options(16, event_idx, 65530));
        let mut device = Device::new(&memory, tx.queue().ring(), event_idx);
        for _ in 0..100 {
            device.queue.enable_notification(&device.memory).unwrap();
            tx.enqueue(&Shape::whole(), VnetHeader::default(), &[0; 14]).unwrap();
            tx.enqueue(&Shape::whole(), VnetHeader::default(), &[0; 14]).unwrap();
            assert!(tx.flush(), "the device waits for a kick");
            device.queue.disable_notification(&device.memory).unwrap();
            tx.enqueue(&Shape::whole(), VnetHeader::default(), &[0; 14]).unwrap();
            assert!(!tx.flush(), "the device polls");
            while let Some((head, _)) = device.take_bytes() {
                device.complete(head, 0);
            }
            assert_eq!(tx.reclaim().len(), 3);
        }
    }
}
