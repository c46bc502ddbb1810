// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames that wait for a guest which hears nothing just now: none lost, none twice, all in order.

use std::time::Duration;

use dataplane::{DropReason, LaneNews, LaneSet, Steering, limits};
use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, RawQueue, Rig, feature, mac, writable};
use wire::MacAddr;
use wire::build::{Ether, Ip};

use super::numbered;

/// Frames `numbers` from port 0 to port 1, as they are.
fn frames(numbers: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    numbers.map(|number| numbered(mac(1), mac(0), number, 100)).collect()
}

/// Ports 0 and 1, the guest of which is held.
fn scene() -> Rig {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    steer(&mut rig, Steering::HELD);
    rig
}

fn steer(rig: &mut Rig, steering: Steering) {
    rig.port(1).port().steer_lanes(steering);
}

/// What a worker does when it is told to.
fn release(rig: &mut Rig) -> bool {
    let now = rig.now();
    rig.port(1).port().release(now)
}

#[test]
fn what_comes_while_a_guest_is_deaf_waits_and_comes_in_order_before_what_comes_later() {
    let mut rig = scene();
    rig.send_all(0, &frames(0..5));
    assert!(rig.received(1).is_empty());
    assert_eq!(rig.moved(1), Moved::default(), "neither received nor dropped");
    steer(&mut rig, Steering::default());
    // No worker was told as yet, and who delivers does not overtake.
    rig.send_all(0, &frames(5..8));
    assert!(rig.received(1).is_empty() && rig.port(1).port().wants_release());
    assert!(release(&mut rig));
    rig.send_all(0, &frames(8..10));
    assert_eq!(rig.received(1), frames(0..10));
    assert_eq!(rig.moved(1), Moved::received(10, 1000));
    assert!(!rig.port(1).port().wants_release());
}

#[test]
fn nothing_is_released_while_it_has_to_wait() {
    let mut rig = scene();
    rig.send_all(0, &frames(0..2));
    assert!(release(&mut rig), "there is nothing to be done");
    assert!(rig.received(1).is_empty() && !rig.port(1).port().wants_release());
    steer(&mut rig, Steering::default());
    steer(&mut rig, Steering::HELD);
    assert!(release(&mut rig) && rig.received(1).is_empty(), "deaf again before anything was done");
    steer(&mut rig, Steering::default());
    assert!(release(&mut rig));
    assert_eq!(rig.received(1), frames(0..2));
}

#[test]
fn what_has_waited_goes_by_the_lanes_of_now() {
    let mut rig = scene();
    let far = rig.add_lane(1, 0);
    let group = numbered(MacAddr::BROADCAST, mac(0), 9, 100);
    rig.send_all(0, &[frames(0..3), vec![group.clone()]].concat());
    steer(&mut rig, Steering { unicast: LaneSet::VF, ..Steering::default() });
    assert!(release(&mut rig));
    assert_eq!((rig.received(1), far.received()), (vec![group], frames(0..3)));
    steer(&mut rig, Steering::HELD);
    rig.send_all(0, &frames(3..6));
    steer(&mut rig, Steering::all(LaneSet::BOTH));
    assert!(release(&mut rig));
    assert_eq!((rig.received(1), far.received()), (frames(3..6), frames(3..6)));
    assert_eq!(rig.moved(1), Moved::received(7, 700), "each frame counts once");
    assert!(rig.port(1).port().replace_sinks(Vec::new()).len() == 1);
    steer(&mut rig, Steering::HELD);
    rig.send_all(0, &frames(6..7));
    steer(&mut rig, Steering::all(LaneSet::VF));
    assert!(release(&mut rig));
    assert_eq!(rig.received(1), frames(6..7), "a lane that is gone loses nothing");
}

#[test]
fn what_control_says_waits_like_everything_else() {
    let mut rig = scene();
    let said = numbered(mac(1), mac(0), 1, 100);
    rig.send_all(0, &frames(0..1));
    let now = rig.now();
    assert!(rig.port(1).port().emit(&said, now));
    assert!(rig.received(1).is_empty());
    steer(&mut rig, Steering::default());
    assert!(release(&mut rig));
    assert_eq!(rig.received(1), [frames(0..1), vec![said]].concat());
}

#[test]
fn more_than_may_wait_is_dropped_and_control_hears_of_it() {
    let mut rig = scene();
    let all = frames(0..limits::HELD_FRAMES as u64 + 3);
    all.chunks(limits::BURST).for_each(|burst| rig.send_all(0, burst));
    assert_eq!(rig.moved(1), Moved { drops: vec![(DropReason::HoldFull, 3)], ..Moved::default() });
    assert!(rig.take_news());
    assert_eq!(rig.port(1).port().take_lane_news(), LaneNews { overflowed: true, ..LaneNews::default() });
    steer(&mut rig, Steering::default());
    let mut got = Vec::new();
    // The ring is shorter than what waits: what does not fit stays, for as long as the guest goes on.
    while !release(&mut rig) {
        got.extend(rig.received(1));
    }
    got.extend(rig.received(1));
    assert_eq!(got, all[..limits::HELD_FRAMES]);
    assert_eq!(rig.moved(1), Moved::received(limits::HELD_FRAMES as u64, 100 * limits::HELD_FRAMES));
}

/// Descriptors of as many buffers as the ring has places, and space for them.
fn describe(ring: &RawQueue) {
    let place = |number: u16| ring.buffers().gpa() + 2048 * u64::from(number);
    (0..ring.ring().size()).for_each(|number| ring.chain(number, &[writable(place(number), 2048)]));
}

/// It runs, and its processor has other things to do.
#[test]
fn what_comes_for_a_guest_that_takes_nothing_yet_waits_though_all_before_is_in_its_ring() {
    let mut rig = scene();
    let mut ring = rig.raw_receive(1, 16);
    describe(&ring);
    ring.offer(&(0..16).collect::<Vec<_>>());
    rig.send_all(0, &frames(0..10));
    steer(&mut rig, Steering::default());
    assert!(!release(&mut rig), "its ring is nearly full");
    assert_eq!(ring.take_used().len(), 10, "and it has them");
    rig.send_all(0, &frames(10..40));
    rig.pass(Duration::from_millis(1500));
    assert!(!release(&mut rig));
    assert_eq!((ring.take_used().len(), rig.moved(1).drops), (6, Vec::new()), "the rest waits");
    for expected in [(false, 16), (true, 8)] {
        ring.offer(&(0..16).collect::<Vec<_>>());
        assert_eq!(
            (release(&mut rig), ring.take_used().len()),
            expected,
            "until it has given more than there is for it"
        );
    }
    assert_eq!(rig.moved(1), Moved::received(24, 2400));
    rig.send_all(0, &frames(40..41));
    assert_eq!((ring.take_used().len(), rig.port(1).port().is_held()), (1, false));
}

#[test]
fn a_guest_that_takes_nothing_is_waited_for_no_longer_than_a_moment() {
    let mut rig = scene();
    let ring = rig.raw_receive(1, 4);
    rig.send_all(0, &frames(0..9));
    steer(&mut rig, Steering::default());
    assert!(!release(&mut rig));
    rig.pass(Duration::from_secs(1));
    assert!(!release(&mut rig), "a guest that is emulated may take that long");
    rig.pass(Duration::from_secs(1));
    assert!(release(&mut rig));
    assert_eq!(rig.moved(1).drops, [(DropReason::RingFull, 9)]);
    rig.send_all(0, &frames(9..10));
    assert_eq!(rig.moved(1).drops, [(DropReason::RingFull, 1)], "and then it is a port like any other");
    drop(ring);
}

#[test]
fn what_comes_for_a_guest_that_has_just_come_goes_by_the_hold_until_it_is_at_work() {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    rig.stop(1);
    let now = rig.now();
    rig.port(1).port().land(now);
    rig.send_all(0, &frames(0..2));
    rig.start(1);
    assert!(rig.port(1).port().settle(false, now), "a worker is to be told");
    assert!(!release(&mut rig), "it has had no time to take anything");
    rig.send_all(0, &frames(2..4));
    assert!(!release(&mut rig));
    assert_eq!(rig.received(1), frames(0..4));
    assert!(release(&mut rig) && !rig.port(1).port().is_held());
    rig.send_all(0, &frames(4..5));
    assert_eq!((rig.received(1), rig.moved(1).drops), (frames(4..5), Vec::new()));
}

/// However much comes and goes while the last of it has not gone.
#[test]
fn what_has_gone_makes_room_for_what_comes() {
    let mut rig = scene();
    let mut ring = rig.raw_receive(1, 16);
    describe(&ring);
    let long = |number| numbered(mac(1), mac(0), number, 1400);
    let most = limits::HELD_BYTES as u64 / 1400;
    (0..most).for_each(|number| rig.send(0, &long(number)));
    steer(&mut rig, Steering::default());
    for number in most..2 * most {
        ring.offer(&[(number % 16) as u16]);
        assert!(!release(&mut rig), "there is more");
        assert_eq!(ring.take_used().len(), 1);
        rig.send(0, &long(number));
    }
    assert_eq!(rig.moved(1).drops, []);
    rig.send(0, &long(0));
    assert_eq!(rig.moved(1).drops, [(DropReason::HoldFull, 1)]);
}

#[test]
fn a_frame_that_is_unfinished_is_finished_when_it_comes_out() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_features(feature::SENDER));
    rig.add(0, &PortOptions::default());
    steer(&mut rig, Steering::HELD);
    let packet = Ether::new(mac(1), mac(0)).ip(Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]));
    let (header, unfinished) = packet.clone().udp_offloaded((5, 6), &[7; 300], None);
    rig.send_as(0, &Shape::whole(), VnetHeader::from_bytes(&header.to_bytes()), &unfinished);
    steer(&mut rig, Steering::default());
    assert!(release(&mut rig));
    let finished = packet.udp(5, 6, &[7; 300]);
    assert_eq!(rig.moved(1), Moved { checksums: 1, ..Moved::received(1, finished.len()) });
    assert_eq!(rig.received(1), [finished]);
}

#[test]
fn a_guest_whose_rings_are_gone_meanwhile_gets_nothing() {
    let mut rig = scene();
    rig.send_all(0, &frames(0..2));
    rig.stop(1);
    steer(&mut rig, Steering::default());
    assert!(release(&mut rig));
    assert_eq!(rig.moved(1).drops, [(DropReason::PortDown, 2)]);
}
