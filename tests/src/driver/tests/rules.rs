// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A device that breaks the rules is found out, each time with a text that says which rule.
use super::device::Device;
use super::{memory, options};
use crate::driver::{QueueOptions, RxQueue, Shape, TxQueue, VnetHeader};
use vm_memory::Bytes;

fn one_sent(in_order: bool) -> (Device, TxQueue) {
    let mut memory = memory();
    let mut tx = TxQueue::new(&mut memory, &QueueOptions { in_order, ..options(8, true, 0) });
    let device = Device::new(&memory, tx.queue().ring(), true);
    for _ in 0..2 {
        tx.send(&Shape::own_header(), VnetHeader::default(), &[1; 60]).unwrap();
    }
    (device, tx)
}

fn one_received(bytes: &[u8], mergeable: bool) {
    let mut memory = memory();
    let mut rx = RxQueue::new(&mut memory, &options(8, true, 0), mergeable);
    let mut device = Device::new(&memory, rx.queue().ring(), true);
    rx.post(&[200]).unwrap();
    let (head, written) = device.fill(bytes).unwrap();
    device.complete(head, written);
    rx.recv();
}

#[test]
#[should_panic(expected = "not in flight")]
fn completes_a_chain_twice() {
    let (mut device, mut tx) = one_sent(false);
    let (head, _) = device.take_bytes().unwrap();
    device.complete(head, 0);
    device.complete(head, 0);
    tx.reclaim();
}

#[test]
#[should_panic(expected = "used head 7")]
fn completes_a_foreign_head() {
    let (mut device, mut tx) = one_sent(false);
    device.complete(7, 0);
    tx.reclaim();
}

#[test]
#[should_panic(expected = "ahead of everything available")]
fn runs_ahead() {
    let (_, mut tx) = one_sent(false);
    tx.queue().ring().set_used_index(3);
    tx.reclaim();
}

#[test]
#[should_panic(expected = "IN_ORDER")]
fn completes_out_of_order() {
    let (mut device, mut tx) = one_sent(true);
    device.take_bytes().unwrap();
    let (second, _) = device.take_bytes().unwrap();
    device.complete(second, 0);
    tx.reclaim();
}

#[test]
#[should_panic(expected = "into 0 writable ones")]
fn claims_to_have_written_a_transmitted_frame() {
    let (mut device, mut tx) = one_sent(false);
    let (head, _) = device.take_bytes().unwrap();
    device.complete(head, 1);
    tx.reclaim();
}

#[test]
#[should_panic(expected = "wrote into a transmitted frame")]
fn changes_a_transmitted_frame() {
    let (mut device, mut tx) = one_sent(false);
    let (head, segments) = device.take().unwrap();
    device.memory.write_slice(&[9], segments[1].0).unwrap();
    device.complete(head, 0);
    tx.reclaim();
}

#[test]
#[should_panic(expected = "outside the posted buffer")]
fn writes_past_a_buffer() {
    let mut memory = memory();
    let mut rx = RxQueue::new(&mut memory, &options(8, true, 0), true);
    let mut device = Device::new(&memory, rx.queue().ring(), true);
    rx.post(&[200]).unwrap();
    let (head, segments) = device.take().unwrap();
    let header = VnetHeader { num_buffers: 1, ..VnetHeader::default() };
    device.memory.write_slice(&[&header.to_bytes()[..], &[0; 189]].concat(), segments[0].0).unwrap();
    device.complete(head, 200);
    rx.recv();
}

#[test]
#[should_panic(expected = "num_buffers is 2, and only 1 were used")]
fn forgets_a_merged_buffer() {
    let header = VnetHeader { num_buffers: 2, ..VnetHeader::default() };
    one_received(&[&header.to_bytes()[..], &[0; 188]].concat(), true);
}

#[test]
#[should_panic(expected = "num_buffers 0")]
fn leaves_num_buffers_empty() {
    one_received(&[0; 100], false);
}

#[test]
#[should_panic(expected = "a frame of 20 bytes")]
fn delivers_a_runt() {
    one_received(&[0; 20], true);
}
