// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes that are closed and opened again with what they have left: nothing is lost, doubled or cut between the two.

use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};

use dataplane::limits::BURST;

use super::{frame, number, receive, send, turn};
use crate::lane::{Kind, LinkState, Opened, adopt, open};
use crate::place::Place;

/// Closes a lane as the process does that leaves it, and opens it as the next one does.
fn pass_on(lane: Opened, kind: &Kind) -> Opened {
    let Opened { sinks, sources, keeper, .. } = lane;
    keeper.keep();
    drop((sinks, sources));
    adopt(kind, keeper.take()).unwrap()
}

fn burst(first: u32) -> Vec<Vec<u8>> {
    (first..first + BURST as u32).map(|number| frame(number, 1514)).collect()
}

#[test]
fn a_connection_goes_on_in_the_middle_of_a_frame_each_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lane");
    let kind = Kind::Stream { place: Place::new(&path, None), listen: true };
    let mut lane = open(&kind).unwrap();
    let mut peer = UnixStream::connect(&path).unwrap();
    peer.set_read_timeout(Some(super::SOON)).unwrap();
    let whole = |number| [&60_u32.to_be_bytes()[..], &frame(number, 60)].concat();
    peer.write_all(&[whole(1), whole(2)[..30].to_vec()].concat()).unwrap();
    assert_eq!(receive(lane.sources[0].as_mut(), 1), [frame(1, 60)]);
    // As much as has room, and what waits for it.
    let (mut sent, mut burst_of) = (0, 0);
    while send(lane.sinks[0].as_mut(), &burst(burst_of)).lost == 0 {
        sent = burst_of + BURST as u32;
        burst_of = sent;
    }
    lane = pass_on(lane, &kind);
    assert!(path.exists() && lane.link.state() == LinkState::Up);
    peer.write_all(&whole(2)[30..]).unwrap();
    assert_eq!(receive(lane.sources[0].as_mut(), 1), [frame(2, 60)]);
    for wanted in 0..sent {
        let mut length = [0; 4];
        // What waits goes when there is room.
        let _ = turn(lane.sources[0].as_mut());
        peer.read_exact(&mut length).unwrap();
        let mut heard = vec![0; u32::from_be_bytes(length) as usize];
        peer.read_exact(&mut heard).unwrap();
        assert_eq!((heard.len(), number(&heard)), (1514, wanted));
    }
    drop(lane);
    assert!(!path.exists(), "who has it last removes it");
}

#[test]
fn datagrams_that_wait_go_and_those_that_came_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let [near, far] = ["near", "far"].map(|name| folder.path().join(name));
    let kind = Kind::Dgram { local: Place::new(&near, None), remote: Place::new(&far, None) };
    let peer = UnixDatagram::bind(&far).unwrap();
    let mut lane = open(&kind).unwrap();
    let mut sent = 0;
    while send(lane.sinks[0].as_mut(), &burst(sent)).lost == 0 {
        sent += BURST as u32;
    }
    peer.send_to(&frame(7, 60), &near).unwrap();
    lane = pass_on(lane, &kind);
    assert_eq!(receive(lane.sources[0].as_mut(), 1), [frame(7, 60)]);
    let mut heard = [0; 2000];
    for wanted in 0..sent {
        let _ = turn(lane.sources[0].as_mut());
        let len = peer.recv(&mut heard).unwrap();
        assert_eq!((len, number(&heard)), (1514, wanted));
    }
}

#[test]
fn what_is_of_no_use_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lane");
    let stream = |listen| Kind::Stream { place: Place::new(&path, None), listen };
    let lane = open(&stream(true)).unwrap();
    let left = lane.keeper.take();
    drop(lane);
    let lane = adopt(&stream(true), left).unwrap();
    assert!(path.exists(), "nothing was left, so it was made");
    drop(lane);
    assert!(adopt(&stream(false), Default::default()).is_err(), "nobody listens there");
}
