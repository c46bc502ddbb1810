// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::{frame, number, send, turn};
use crate::lane::{Kind, LinkState, Plan, open};

/// What comes back over a faulty loopback of 2000 frames that are sent in bursts of ten, both ways being as bad.
fn through(plan: Plan) -> Vec<u32> {
    let mut lane = open(&Kind::Fault { inner: Box::new(Kind::Loopback), plan }).unwrap();
    let mut heard = Vec::new();
    for burst in 0..210 {
        let first = burst * 10;
        let frames: Vec<_> =
            if burst < 200 { (first..first + 10).map(|at| frame(at, 60)).collect() } else { Vec::new() };
        let flushed = send(lane.sinks[0].as_mut(), &frames);
        assert_eq!((flushed.sent.frames, flushed.lost), (frames.len() as u64, 0), "it says that all went well");
        heard.extend(turn(lane.sources[0].as_mut()).unwrap().iter().map(|(_, frame)| number(frame)));
    }
    heard
}

fn missing(heard: &[u32]) -> usize {
    (0..2000).filter(|number| !heard.contains(number)).count()
}

fn backwards(heard: &[u32]) -> usize {
    heard.windows(2).filter(|pair| pair[1] < pair[0]).count()
}

const WELL: Plan = Plan { seed: 7, lost: 0, twice: 0, late: 0, swapped: 0, stalled: 0, dies_after: None };

#[test]
fn each_trouble_is_of_its_kind() {
    let all: Vec<u32> = (0..2000).collect();
    assert_eq!(through(WELL), all);
    let lossy = through(Plan { lost: 100, ..WELL });
    assert!((200..600).contains(&missing(&lossy)) && backwards(&lossy) == 0, "{}", missing(&lossy));
    let double = through(Plan { twice: 100, ..WELL });
    assert!((2200..2900).contains(&double.len()) && missing(&double) == 0 && backwards(&double) == 0);
    for shuffled in [through(Plan { swapped: 100, ..WELL }), through(Plan { late: 100, ..WELL })] {
        assert!(missing(&shuffled) == 0 && shuffled.len() == 2000 && backwards(&shuffled) > 100);
    }
    assert_eq!(through(Plan { stalled: 500, ..WELL }), all, "what waits comes later");
}

#[test]
fn the_same_seed_has_the_same_trouble_and_another_has_another() {
    let bad = Plan { seed: 3, lost: 30, twice: 30, late: 30, swapped: 30, stalled: 50, dies_after: None };
    assert_eq!(through(bad), through(bad));
    assert_ne!(through(bad), through(Plan { seed: 4, ..bad }));
}

#[test]
fn a_lane_that_dies_has_brought_what_crossed_it_before() {
    let plan = Plan { dies_after: Some(15), ..WELL };
    let mut lane = open(&Kind::Fault { inner: Box::new(Kind::Loopback), plan }).unwrap();
    let frames: Vec<_> = (0..10).map(|at| frame(at, 60)).collect();
    assert_eq!(send(lane.sinks[0].as_mut(), &frames).lost, 0);
    let heard = turn(lane.sources[0].as_mut()).unwrap();
    assert_eq!((heard.len(), lane.link.state()), (5, LinkState::Gone));
    assert!(turn(lane.sources[0].as_mut()).is_err());
    assert_eq!(send(lane.sinks[0].as_mut(), &frames).lost, 10);
}
