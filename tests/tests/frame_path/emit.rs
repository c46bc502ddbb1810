// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames that control says to one port.

use dataplane::{DropReason, Limit, Limits, Rate};
use tests::driver::{QueueOptions, Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, Rig, feature, mac};

use super::numbered;

/// Delivers a frame of control's to a port.
fn emit(rig: &mut Rig, port: usize, frame: &[u8]) -> bool {
    let now = rig.now();
    rig.port(port).port().emit(frame, now)
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
    let limit = Rate { per_second: 1, burst: 65_557 };
    let mut limits = Limits::default();
    limits.set(Limit::RxBytes, Some(limit));
    rig.port(0).port().set_limits(&limits);
    (0..43).for_each(|_| _ = emit(&mut rig, 0, &frame));
    assert!(!emit(&mut rig, 0, &frame), "43 such frames are within its burst, and it takes no 44th");
    rig.port(0).port().set_limits(&Limits::default());
    rig.stop(0);
    assert!(!emit(&mut rig, 0, &frame));
    let reasons =
        [(DropReason::TooBig, 1), (DropReason::RingFull, 44), (DropReason::PortDown, 1), (DropReason::RxPoliced, 1)];
    let received = Moved::received(2, 2 * 1514);
    assert_eq!(rig.moved(0), reasons.into_iter().fold(received, |moved, (reason, count)| moved.dropped(reason, count)));
}
