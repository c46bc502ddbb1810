// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Taps.

use backends::lane::{Kind, LaneError, LinkState, Opened};
use tests::netns::{Netns, can_have_namespaces};

use crate::burst::{frame, send, sleep, turn};
use crate::hosts::{Host, converse, open_in};
use crate::pump::Pump;

fn tap(queues: u16) -> Kind {
    Kind::Tap { name: "weft0".into(), queues }
}

/// A host whose netdev is a tap.
fn host(number: u8, queues: u16) -> (Host, Opened) {
    let netns = Netns::make();
    let lane = open_in(&netns, &tap(queues)).expect("root may have a tap");
    (Host::new(netns, "weft0", number), lane)
}

fn talk(queues: u16) {
    let ((one, left), (other, right)) = (host(1, queues), host(2, queues));
    assert_eq!((left.sinks.len(), left.sources.len()), (queues.into(), queues.into()));
    let pump = Pump::start([left, right]);
    converse(&one.connect(&other));
    let (crossed, lanes) = pump.stop();
    assert!(crossed.large > 0 && crossed.unfinished > crossed.large, "{crossed:?}");
    assert!(lanes.iter().all(|lane| lane.link.counts().malformed == 0 && lane.link.counts().lost == 0));
}

#[test]
fn hosts_talk_over_taps_with_checksums_and_segmentation_left_to_the_end() {
    if can_have_namespaces() {
        talk(1);
    }
}

#[test]
fn a_tap_of_several_queues_has_a_sink_and_a_source_for_each() {
    if can_have_namespaces() {
        talk(4);
    }
}

#[test]
fn a_tap_that_is_deleted_ends_its_lane() {
    if !can_have_namespaces() {
        return;
    }
    let (host, mut lane) = host(1, 1);
    host.netns.ip("link del weft0");
    let mut turns = 0;
    while turn(lane.sources[0].as_mut()).is_ok() {
        sleep(&[lane.sources[0].as_ref()]);
        turns += 1;
        assert!(turns < 1000, "the lane goes on without its tap");
    }
    let flushed = send(lane.sinks[0].as_mut(), &[(wire::VnetHeader::PLAIN, frame(1, 60))]);
    assert_eq!((flushed.lost, lane.link.state()), (1, LinkState::Gone));
}

#[test]
fn a_tap_that_is_down_loses_frames_and_lives_on() {
    if !can_have_namespaces() {
        return;
    }
    let netns = Netns::make();
    let mut lane = open_in(&netns, &tap(1)).expect("root may have a tap");
    let burst = [(wire::VnetHeader::PLAIN, frame(1, 60))];
    assert_eq!(send(lane.sinks[0].as_mut(), &burst).lost, 1);
    assert_eq!((lane.link.state(), turn(lane.sources[0].as_mut())), (LinkState::Down, Ok(vec![])));
    netns.ip("link set weft0 up");
    assert_eq!(send(lane.sinks[0].as_mut(), &burst).lost, 0);
    assert_eq!(lane.link.state(), LinkState::Up);
}

#[test]
fn what_cannot_be_a_tap_is_refused_in_words() {
    if !can_have_namespaces() {
        return;
    }
    let netns = Netns::make();
    let refused = |kind: &Kind| open_in(&netns, kind).err().expect("it cannot be");
    for queues in [0, 17] {
        assert!(matches!(refused(&tap(queues)), LaneError::Described { .. }));
    }
    let long = Kind::Tap { name: "a-name-of-16-byte".into(), queues: 1 };
    assert!(matches!(refused(&long), LaneError::Described { .. }));
    netns.ip("link add weft0 type veth peer name other");
    let (first, second) = (refused(&tap(1)), refused(&tap(2)));
    assert!(matches!(first, LaneError::Described { .. }) && first.to_string().contains("weft0"), "{first}, {second}");
    netns.ip("link del weft0");
    let _held = open_in(&netns, &tap(1)).expect("root may have a tap");
    let taken = refused(&tap(1));
    assert!(matches!(taken, LaneError::Taken { .. }), "{taken}");
}
