// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames that control says to one port.

use dataplane::DropReason;
use tests::driver::{QueueOptions, Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, Rig, feature, mac};

use super::numbered;

/// Delivers a frame of control's to a port.
fn emit(rig: &mut Rig, port: usize, frame: &[u8]) -> bool {
    rig.port(port).port().emit(frame)
}

#[test]
fn it_comes_to_that_port_alone_and_counts_as_delivered() {
    for features in [feature::BASIC, feature::VERSION_1, feature::VERSION_1 | feature::EVENT_IDX] {
        let mut rig = Rig::new();
        rig.add(0, &PortOptions::default());
        rig.add(0, &PortOptions { features, ..PortOptions::default() });
        let said = numbered(mac(1), mac(7), 1, 1514);
        assert!(emit(&mut rig, 1, &said));
        let plain = VnetHeader { num_buffers: 1, ..VnetHeader::default() };
        assert_eq!(rig.received_with_headers(1), [(plain, said)]);
        assert!(rig.received(0).is_empty());
        assert_eq!(rig.moved(1), Moved::received(1, 1514));
        // Nothing was learnt from it: what the address is sent goes to all.
        let back = numbered(mac(7), mac(1), 2, 60);
        rig.send(1, &back);
        assert_eq!(rig.received(0), [back]);
    }
}

#[test]
fn it_keeps_its_place_among_what_others_send() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::default());
    rig.add(0, &PortOptions::default());
    let frames: Vec<_> = (0..5).map(|number| numbered(mac(1), mac(0), number, 100)).collect();
    rig.send(0, &frames[0]);
    assert!(emit(&mut rig, 1, &frames[1]) && emit(&mut rig, 1, &frames[2]));
    rig.send_all(0, &frames[3..]);
    assert_eq!(rig.received(1), frames);
}

#[test]
fn what_a_port_cannot_take_is_a_drop_with_its_reason() {
    let mut rig = Rig::new();
    let small = QueueOptions { size: 2, ..QueueOptions::default() };
    rig.add(0, &PortOptions { queue: small, buffers: (Shape::whole(), 1526), ..PortOptions::default() });
    let frame = numbered(mac(0), mac(7), 1, 1514);
    assert!(!emit(&mut rig, 0, &numbered(mac(0), mac(7), 1, 1515)));
    assert!(emit(&mut rig, 0, &frame) && emit(&mut rig, 0, &frame));
    assert!(!emit(&mut rig, 0, &frame));
    rig.stop(0);
    assert!(!emit(&mut rig, 0, &frame));
    let reasons = [DropReason::TooBig, DropReason::RingFull, DropReason::PortDown];
    let expected = reasons.into_iter().fold(Moved::received(2, 2 * 1514), |moved, reason| moved.dropped(reason, 1));
    assert_eq!(rig.moved(0), expected);
}
