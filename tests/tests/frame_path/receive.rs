// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every shape of buffer that a receiver may post.

use dataplane::DropReason;
use tests::driver::{QueueOptions, Shape, VnetHeader};
use tests::memory::Layout;
use tests::rig::{Moved, PortOptions, Rig, feature, mac};

use super::{frame, numbered};

/// A rig whose second port has these receive buffers, and an MTU for large frames.
fn receiver(features: u64, shape: Shape, len: usize, size: u16) -> Rig {
    let roomy = QueueOptions { size, heap_len: 24 << 20, in_order: true, ..QueueOptions::default() };
    let memory = Layout::adjacent(160 << 20);
    let options =
        PortOptions { mtu: 65_535, features, queue: roomy, buffers: (shape, len), memory, ..Default::default() };
    let mut rig = Rig::new();
    rig.add(0, &PortOptions { mtu: 65_535, ..PortOptions::default() });
    rig.add(0, &options);
    rig
}

#[test]
fn frames_fit_into_buffers_of_any_shape() {
    for features in [feature::BASIC, feature::VERSION_1, feature::VERSION_1 | feature::EVENT_IDX] {
        for shape in [Shape::whole(), Shape::own_header(), Shape::cut(&[1; 20]), Shape::cut(&[12, 3]).indirect_from(0)]
        {
            let mut rig = receiver(features, shape.clone(), 1526, 64);
            for len in [60, 128, 1514] {
                let sent = numbered(mac(1), mac(0), 1, len);
                rig.send(0, &sent);
                let arrived = rig.received_with_headers(1);
                let plain = VnetHeader { num_buffers: 1, ..VnetHeader::default() };
                assert_eq!(arrived, [(plain, sent)], "{len} bytes in {shape:?}");
            }
        }
    }
}

#[test]
fn a_frame_spreads_over_many_small_mergeable_buffers() {
    for buffer in [26, 60, 64, 100, 1000] {
        let mut rig = receiver(feature::BASIC, Shape::whole(), buffer, 256);
        let sent = numbered(mac(1), mac(0), 1, 1514);
        rig.send(0, &sent);
        let arrived = rig.received_with_headers(1);
        let takes = 1526_usize.div_ceil(buffer);
        assert_eq!((arrived[0].0.num_buffers as usize, &arrived[0].1), (takes, &sent), "buffers of {buffer} bytes");
    }
}

#[test]
fn the_largest_frame_spreads_over_merged_buffers() {
    for (shape, buffer) in [(Shape::whole(), 1526), (Shape::own_header(), 4096), (Shape::cut(&[100; 10]), 1100)] {
        let mut rig = receiver(feature::BASIC, shape, buffer, 1024);
        let sent = numbered(mac(1), mac(0), 1, 65_549);
        for _ in 0..3 {
            rig.send(0, &sent);
            assert_eq!(rig.received(1), [&sent[..]], "buffers of {buffer} bytes");
        }
    }
}

#[test]
fn a_receiver_that_cannot_merge_needs_one_buffer_that_holds_all() {
    let mut rig = receiver(feature::VERSION_1 | feature::EVENT_IDX, Shape::whole(), 200, 64);
    rig.send(0, &numbered(mac(1), mac(0), 1, 188));
    rig.moved(1);
    rig.send(0, &numbered(mac(1), mac(0), 2, 189));
    assert_eq!(rig.moved(1), Moved::default().dropped(DropReason::BufferTooSmall, 1));
    rig.send(0, &numbered(mac(1), mac(0), 3, 188));
    assert_eq!(rig.received(1).len(), 2, "the small ones get through");
}

#[test]
fn a_full_ring_drops_and_goes_on_when_buffers_come_back() {
    let mut rig = receiver(feature::BASIC, Shape::whole(), 2048, 8);
    (0..10).for_each(|_| rig.send(0, &frame(mac(1), mac(0))));
    assert_eq!(rig.moved(1), Moved::received(8, 800).dropped(DropReason::RingFull, 2));
    assert_eq!(rig.received(1).len(), 8);
    rig.send(0, &frame(mac(1), mac(0)));
    assert_eq!(rig.moved(1), Moved::received(1, 100));
}

#[test]
fn a_receiver_that_is_full_does_not_hold_up_another() {
    let mut rig = receiver(feature::BASIC, Shape::whole(), 2048, 8);
    rig.add(0, &PortOptions::default());
    for _ in 0..100 {
        rig.send(0, &frame(mac(1), mac(0)));
        rig.send(0, &frame(mac(2), mac(0)));
    }
    assert_eq!(rig.received(2).len(), 100);
    assert_eq!(rig.moved(1).drops, [(DropReason::RingFull, 92)]);
}
