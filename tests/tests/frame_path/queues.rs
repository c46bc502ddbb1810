// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Doorbells, rings that start anew, and indices that wrap around.

use tests::driver::{QueueOptions, Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, Rig, feature, mac};

use super::{frame, numbered};

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
