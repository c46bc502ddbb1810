// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes of several queues beside a port's rings.

use std::collections::BTreeMap;

use dataplane::{LaneSet, Steering};
use tests::memory::Layout;
use tests::rig::{FarEnd, Moved, PortOptions, Rig, mac};
use wire::build::{Ether, Ip};

use super::frame;

const PAIRS: u16 = 4;
/// Flows to the port, and frames of each.
const FLOWS: u16 = 64;
const FRAMES: u8 = 3;

/// Ports 0 and 1, of which 1 has so many queue pairs and a lane of so many queues, by which it gets all.
fn scene(queues: usize) -> (Rig, Vec<FarEnd>) {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::default());
    rig.add(0, &PortOptions { pairs: PAIRS, memory: Layout::flat(64 << 20), ..PortOptions::default() });
    let far = rig.add_lane_of(1, 0, queues);
    rig.port(1).port().steer_lanes(Steering::all(LaneSet::VF));
    (rig, far)
}

/// Sends every flow's first frame, then every flow's next. Returns which queues each flow came by, with what of it, and that it is
/// all and in order.
fn spread(rig: &mut Rig, far: &[FarEnd]) -> BTreeMap<u16, usize> {
    for number in 0..FRAMES {
        let ip = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
        let frames = (0..FLOWS).map(|flow| Ether::new(mac(1), mac(0)).ip(ip.clone()).udp(flow, 53, &[number; 60]));
        rig.send_all(0, &frames.collect::<Vec<_>>());
    }
    let mut flows = BTreeMap::new();
    for (queue, end) in far.iter().enumerate() {
        let mut came = BTreeMap::<u16, Vec<u8>>::new();
        for frame in end.received() {
            came.entry(u16::from_be_bytes([frame[34], frame[35]])).or_default().push(frame[42]);
        }
        for (flow, numbers) in came {
            assert_eq!(numbers, (0..FRAMES).collect::<Vec<_>>(), "flow {flow} at queue {queue}");
            assert_eq!(flows.insert(flow, queue), None, "flow {flow} has two queues");
        }
    }
    assert_eq!(flows.len(), usize::from(FLOWS), "each flow has come");
    flows
}

#[test]
fn each_flow_keeps_to_one_queue_and_all_queues_are_used() {
    for queues in 1..=usize::from(PAIRS) {
        let (mut rig, far) = scene(queues);
        let flows = spread(&mut rig, &far);
        for queue in 0..queues {
            let share = flows.values().filter(|by| **by == queue).count();
            assert!(share * queues * 2 >= flows.len(), "queue {queue} of {queues} has {share} flows");
        }
        assert_eq!(spread(&mut rig, &far), flows, "the same ones again");
        let frames = 2 * u64::from(FLOWS) * u64::from(FRAMES);
        assert_eq!(rig.port(1).port().lane_stats().sole.frames, frames);
        assert_eq!(rig.moved(1), Moved::received(frames, 102 * frames as usize));
    }
}

#[test]
fn queues_beyond_the_ports_pairs_are_given_back_and_a_lane_may_get_more_or_fewer() {
    let (mut rig, far) = scene(usize::from(PAIRS) + 2);
    let flows = spread(&mut rig, &far);
    assert!(flows.values().all(|queue| *queue < usize::from(PAIRS)));
    for queues in [1, 3, 2] {
        let far = rig.add_lane_of(1, 0, queues);
        let used = spread(&mut rig, &far).into_values().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(used.len(), queues, "every queue of the lane that came in its place");
    }
    assert!(far.iter().all(|end| end.received().is_empty()), "nothing went to the one that left");
}

#[test]
fn what_comes_by_any_queue_of_a_lane_is_the_ports_own() {
    let (mut rig, far) = scene(usize::from(PAIRS));
    let sent = frame(mac(0), mac(1));
    for end in &far {
        end.send(&sent);
        rig.poll();
        assert_eq!(rig.received(0), std::slice::from_ref(&sent));
    }
    assert_eq!(rig.port(1).port().lane_stats().taken.frames, u64::from(PAIRS));
    far[1].vanish();
    rig.poll();
    far[2].send(&sent);
    rig.poll();
    assert_eq!(rig.received(0), [sent]);
    assert!(rig.port(1).port().take_lane_news().gone, "control is told when one of them ends");
}
