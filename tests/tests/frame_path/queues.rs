// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Several queues, doorbells, and indices that wrap around.

use std::collections::BTreeMap;

use dataplane::DropReason;
use tests::driver::{QueueOptions, Shape, VnetHeader};
use tests::memory::Layout;
use tests::rig::{Moved, PortOptions, Rig, feature, mac};
use wire::build::{Ether, Ip};

use super::{frame, numbered};

const PAIRS: u16 = 4;

fn multi_queue(filled: u16) -> Rig {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::default());
    let memory = Layout::flat(64 << 20);
    rig.add(0, &PortOptions { pairs: PAIRS, filled, memory, ..PortOptions::default() });
    rig
}

/// Datagram `number` of a flow.
fn datagram(flow: u16, number: u32) -> Vec<u8> {
    let payload = [&number.to_be_bytes()[..], &[0; 40]].concat();
    match flow % 2 {
        0 => Ether::new(mac(1), mac(0)).ip(Ip::v4([10, 0, 0, 1], [10, 0, 0, 2])).udp(flow, 53, &payload),
        _ => Ether::new(mac(1), mac(0)).ip(Ip::v6([1; 16], [2; 16])).udp(flow, 53, &payload),
    }
}

/// Flow and number of a datagram.
fn read(frame: &[u8]) -> (u16, u32) {
    let at = if frame[12..14] == [8, 0] { 34 } else { 54 };
    let number = u32::from_be_bytes(frame[at + 8..at + 12].try_into().expect("four bytes"));
    (u16::from_be_bytes([frame[at], frame[at + 1]]), number)
}

/// Sends `rounds` datagrams of each of 64 flows and returns what each pair got.
fn spread(rig: &mut Rig, rounds: u32) -> Vec<Vec<(u16, u32)>> {
    let mut got = vec![Vec::new(); PAIRS.into()];
    for number in 0..rounds {
        (0..64).for_each(|flow| rig.send(0, &datagram(flow, number)));
        for (pair, queue) in rig.port(1).rx.iter_mut().enumerate() {
            got[pair].extend(std::iter::from_fn(|| queue.recv()).map(|received| read(&received.frame)));
        }
    }
    got
}

#[test]
fn a_flow_stays_in_its_queue_and_in_order_and_flows_spread() {
    let mut rig = multi_queue(PAIRS);
    let got = spread(&mut rig, 20);
    let mut home = BTreeMap::new();
    let mut next = BTreeMap::new();
    for (pair, frames) in got.iter().enumerate() {
        assert!(!frames.is_empty(), "64 flows leave pair {pair} idle");
        for &(flow, number) in frames {
            assert_eq!(*home.entry(flow).or_insert(pair), pair, "flow {flow} changed its queue");
            let expected = next.entry(flow).or_insert(0);
            assert_eq!(number, *expected, "flow {flow} is out of order");
            *expected += 1;
        }
    }
    assert_eq!(home.len(), 64);
}

#[test]
fn a_pair_that_the_guest_never_filled_gets_nothing_and_loses_nothing() {
    // Some VMMs enable all pairs while the guest uses the first alone.
    let mut rig = multi_queue(1);
    let got = spread(&mut rig, 2);
    assert_eq!(got.iter().map(Vec::len).collect::<Vec<_>>(), [128, 0, 0, 0]);
    assert_eq!(rig.moved(1).drops, []);
}

#[test]
fn a_pair_in_use_that_is_empty_for_the_moment_keeps_its_flows() {
    // The index of each queue wraps to 0 just when its last buffer is taken: that must not look like "never used".
    let got = spread(&mut multi_queue(PAIRS), 1);
    let (flow, _) = got[1..].concat()[0];
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::default());
    let queue = QueueOptions { size: 64, start_index: 65_472, heap_len: 1 << 20, ..QueueOptions::default() };
    rig.add(0, &PortOptions { pairs: PAIRS, queue, ..PortOptions::default() });
    (0..65).for_each(|number| rig.send(0, &datagram(flow, number)));
    assert_eq!(rig.moved(1).drops, [(DropReason::RingFull, 1)], "no other queue is asked");
}

#[test]
fn a_stopped_pair_hands_its_flows_to_the_others() {
    let mut rig = multi_queue(PAIRS);
    drop(rig.port(1).port().detach_receiver(2));
    let got = spread(&mut rig, 2);
    assert_eq!(got.iter().map(Vec::len).sum::<usize>(), 128);
    assert!(got[2].is_empty());
}

#[test]
fn fragments_of_a_datagram_stay_together() {
    let mut rig = multi_queue(PAIRS);
    let ip = || Ip::v4([10, 0, 0, 1], [10, 0, 0, 2]).id(7);
    let fragments = [
        Ether::new(mac(1), mac(0)).ip(ip().fragment(0x2000)).udp(1000, 2000, &[0; 64]),
        Ether::new(mac(1), mac(0)).ip(ip().fragment(0x2009)).raw(17, &[1; 72]),
        Ether::new(mac(1), mac(0)).ip(ip().fragment(0x0012)).raw(17, &[2; 72]),
    ];
    fragments.iter().for_each(|fragment| rig.send(0, fragment));
    let counts: Vec<_> = rig.port(1).rx.iter_mut().map(|queue| std::iter::from_fn(|| queue.recv()).count()).collect();
    assert_eq!(counts.iter().max(), Some(&3), "{counts:?}");
}

#[test]
fn every_transmit_queue_of_a_port_is_served() {
    let mut rig = multi_queue(PAIRS);
    for pair in 0..usize::from(PAIRS) {
        let sent = numbered(mac(0), mac(1), pair as u64, 100);
        rig.port(1).tx[pair].send(&Shape::whole(), VnetHeader::default(), &sent).unwrap();
    }
    assert_eq!(rig.poll(), 4);
    assert_eq!(rig.received(0).len(), 4);
}

#[test]
fn indices_wrap_around_in_both_directions() {
    let queue = QueueOptions { size: 64, start_index: 65_500, in_order: true, heap_len: 1 << 20, ..Default::default() };
    let mut rig = Rig::with_ports(2, &PortOptions { queue, ..PortOptions::default() });
    for number in 0..70_000 {
        let sent = numbered(mac(1), mac(0), number, 60);
        rig.send(0, &sent);
        assert_eq!(rig.received(1), [sent]);
    }
    assert_eq!(rig.moved(0), Moved::sent(70_000, 70_000 * 60));
}

#[test]
fn a_receiver_is_rung_once_a_burst_and_only_when_it_asks() {
    for features in [feature::BASIC, feature::BASIC & !feature::EVENT_IDX] {
        let mut rig = Rig::with_ports(2, &PortOptions::with_features(features));
        // Starting may ring: nobody knows what the rings' previous owner still owed.
        rig.port(1).take_calls();
        rig.send(0, &frame(mac(1), mac(0)));
        rig.received(1);
        assert_eq!(rig.port(1).take_calls(), 1, "the first ring after a start is unconditional");

        rig.port(1).rx[0].queue().disarm();
        (0..10).for_each(|_| rig.send(0, &frame(mac(1), mac(0))));
        assert_eq!((rig.received(1).len(), rig.port(1).take_calls()), (10, 0));

        assert!(!rig.port(1).rx[0].queue().arm());
        for _ in 0..10 {
            rig.port(0).tx[0].enqueue(&Shape::whole(), VnetHeader::default(), &frame(mac(1), mac(0))).unwrap();
        }
        rig.port(0).tx[0].flush();
        assert_eq!(rig.poll(), 10);
        assert_eq!((rig.received(1).len(), rig.port(1).take_calls()), (10, 1));
    }
}

#[test]
fn a_wish_is_heard_after_a_turn_of_the_index_without_one() {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    let sent = frame(mac(1), mac(0));
    let deliver = |rig: &mut Rig, count: usize| {
        for _ in 0..count {
            rig.port(0).tx[0].enqueue(&Shape::whole(), VnetHeader::default(), &sent).unwrap();
        }
        rig.port(0).tx[0].flush();
        rig.poll();
        rig.port(0).tx[0].reclaim();
    };
    deliver(&mut rig, 1);
    rig.received(1);
    rig.port(1).take_calls();
    for _ in 0..2047 {
        rig.port(1).rx[0].queue().disarm();
        deliver(&mut rig, 32);
        rig.received(1);
    }
    rig.port(1).rx[0].queue().disarm();
    deliver(&mut rig, 28);
    rig.received(1);
    assert_eq!(rig.port(1).take_calls(), 0, "a guest that polls is left in peace");
    assert!(!rig.port(1).rx[0].queue().arm());
    deliver(&mut rig, 32);
    assert_eq!(rig.port(1).take_calls(), 1, "65536 frames after the last ring");
}

#[test]
fn an_armed_worker_is_kicked_and_a_polling_one_is_not() {
    for features in [feature::BASIC, feature::BASIC & !feature::EVENT_IDX] {
        let mut rig = Rig::with_ports(2, &PortOptions::with_features(features));
        let sent = frame(mac(1), mac(0));
        assert!(!rig.worker().arm(), "nothing to do");
        rig.port(0).tx[0].enqueue(&Shape::whole(), VnetHeader::default(), &sent).unwrap();
        assert!(rig.port(0).tx[0].flush(), "the sleeper wants the kick");
        rig.worker().disarm();
        assert_eq!(rig.poll(), 1);
        rig.port(0).tx[0].enqueue(&Shape::whole(), VnetHeader::default(), &sent).unwrap();
        assert!(!rig.port(0).tx[0].flush(), "who polls does not");
        assert!(rig.worker().arm(), "and does not sleep over it");
        assert_eq!(rig.poll(), 1);
    }
}

#[test]
fn a_restart_of_the_rings_loses_and_repeats_nothing() {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    for number in 0..200 {
        let sent = numbered(mac(1), mac(0), number, 200);
        rig.port(0).tx[0].send(&Shape::whole(), VnetHeader::default(), &sent).unwrap();
        if number % 3 == 0 {
            rig.stop(0);
            rig.start(0);
        }
        if number % 7 == 0 {
            rig.stop(1);
            rig.start(1);
        }
        rig.poll();
        rig.port(0).tx[0].reclaim();
        assert_eq!(rig.received(1), [sent]);
    }
}
