// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use dataplane::limits::{BURST, FRAME_MAX};

use super::{frame, number, receive, receive_end, send, turn, wait};
use crate::lane::{Kind, LaneError, LinkState, Opened, open};
use crate::place::Place;

fn kind(path: &Path, listen: bool) -> Kind {
    Kind::Stream { place: Place::new(path, None), listen }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lane");
    (folder, path)
}

/// A lane that has been connected to.
fn connected(path: &Path) -> (Opened, UnixStream) {
    let mut lane = open(&kind(path, true)).unwrap();
    let peer = UnixStream::connect(path).unwrap();
    peer.set_read_timeout(Some(super::SOON)).unwrap();
    assert_eq!(turn(lane.sources[0].as_mut()), Ok(vec![]));
    (lane, peer)
}

fn say(peer: &mut UnixStream, frame: &[u8]) {
    peer.write_all(&[&(frame.len() as u32).to_be_bytes()[..], frame].concat()).unwrap();
}

fn hear(peer: &mut UnixStream) -> Vec<u8> {
    let mut length = [0; 4];
    peer.read_exact(&mut length).unwrap();
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    peer.read_exact(&mut frame).unwrap();
    frame
}

#[test]
fn frames_go_both_ways_whoever_listens() {
    let (_folder, path) = folder();
    let (served, peer) = connected(&path);
    let (_other, path) = folder();
    let listener = UnixListener::bind(&path).unwrap();
    let client = open(&kind(&path, false)).unwrap();
    for (mut lane, mut peer) in [(served, peer), (client, listener.accept().unwrap().0)] {
        assert_eq!(lane.link.state(), LinkState::Up);
        for len in [14, 60, 1514, FRAME_MAX] {
            say(&mut peer, &frame(1, len));
            assert_eq!(receive(lane.sources[0].as_mut(), 1), [frame(1, len)]);
            assert_eq!(send(lane.sinks[0].as_mut(), &[frame(2, len), frame(3, 60)]).lost, 0);
            while hear(&mut peer) != frame(3, 60) {
                let _ = turn(lane.sources[0].as_mut());
            }
        }
    }
}

#[test]
fn a_peer_who_reads_late_gets_whole_frames_in_order() {
    let (_folder, path) = folder();
    let (mut lane, mut peer) = connected(&path);
    let (mut sent, mut lost) = (0, 0);
    for burst in 0..60 {
        let frames: Vec<_> = (0..BURST as u32).map(|at| frame(burst * BURST as u32 + at, 1514)).collect();
        let flushed = send(lane.sinks[0].as_mut(), &frames);
        sent += flushed.sent.frames;
        lost += flushed.lost;
    }
    assert!(lost > 0 && sent > BURST as u64, "{sent} sent, {lost} lost");
    let reader = std::thread::spawn(move || {
        let heard: Vec<_> = (0..sent).map(|_| hear(&mut peer)).collect();
        (heard, peer)
    });
    while lane.link.counts().sent < sent {
        wait(lane.sources[0].as_ref());
        assert_eq!(turn(lane.sources[0].as_mut()), Ok(vec![]));
    }
    let (heard, _peer) = reader.join().unwrap();
    assert!(heard.iter().all(|one| *one == frame(number(one), 1514)));
    assert!(heard.is_sorted_by_key(|one| number(one)));
    assert_eq!(lane.link.counts().lost, lost);
}

#[test]
fn what_was_said_before_the_end_is_heard_and_then_the_lane_is_gone_for_good() {
    let (_folder, path) = folder();
    let (mut lane, mut peer) = connected(&path);
    (0..200).for_each(|at| say(&mut peer, &frame(at, 60)));
    drop(peer);
    let heard = receive_end(lane.sources[0].as_mut());
    assert_eq!(heard.iter().map(|frame| number(frame)).collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
    assert_eq!(lane.link.state(), LinkState::Gone);
    let _next = UnixStream::connect(&path).unwrap();
    assert!(turn(lane.sources[0].as_mut()).is_err(), "who comes next needs a lane of his own");
    assert_eq!(send(lane.sinks[0].as_mut(), &[frame(0, 60)]).lost, 1);
    drop(lane);
    let (mut lane, mut peer) = connected(&path);
    say(&mut peer, &frame(9, 60));
    assert_eq!(receive(lane.sources[0].as_mut(), 1), [frame(9, 60)]);
}

#[test]
fn a_length_that_no_frame_has_ends_the_lane_after_what_came_before_it() {
    let (_folder, path) = folder();
    let (mut lane, mut peer) = connected(&path);
    say(&mut peer, &frame(1, 60));
    say(&mut peer, &[1; 5]);
    say(&mut peer, &frame(2, 60));
    peer.write_all(&[0xff; 40]).unwrap();
    assert_eq!(receive_end(lane.sources[0].as_mut()), [frame(1, 60), frame(2, 60)]);
    assert_eq!(lane.link.counts().malformed, 2, "the short one, and the end");
    assert_eq!(peer.read(&mut [0; 8]).unwrap_or(0), 0, "the peer sees it");
}

#[test]
fn lengths_of_nothing_are_counted_and_what_stands_behind_them_is_heard() {
    const NOTHINGS: usize = 20_000;
    let (_folder, path) = folder();
    let (mut lane, mut peer) = connected(&path);
    peer.write_all(&vec![0; 4 * NOTHINGS]).unwrap();
    say(&mut peer, &frame(1, 60));
    peer.write_all(&[0; 4]).unwrap();
    say(&mut peer, &frame(2, 60));
    assert_eq!(receive(lane.sources[0].as_mut(), 2), [frame(1, 60), frame(2, 60)]);
    assert_eq!((lane.link.counts().malformed, lane.link.state()), (NOTHINGS as u64 + 1, LinkState::Up));
}

#[test]
fn a_peer_who_is_gone_is_seen_when_something_is_sent() {
    let (_folder, path) = folder();
    let (mut lane, peer) = connected(&path);
    drop(peer);
    assert_eq!(send(lane.sinks[0].as_mut(), &[frame(0, 60)]).lost, 1);
    assert_eq!(lane.link.state(), LinkState::Gone);
    assert!(turn(lane.sources[0].as_mut()).is_err());
}

#[test]
fn before_somebody_comes_frames_are_lost_and_where_nobody_listens_it_is_said() {
    let (_folder, path) = folder();
    let refused = open(&kind(&path, false)).err().unwrap();
    assert!(matches!(refused, LaneError::Missing { .. }), "{refused}");
    let mut lane = open(&kind(&path, true)).unwrap();
    assert_eq!((lane.link.state(), send(lane.sinks[0].as_mut(), &[frame(0, 60)]).lost), (LinkState::Down, 1));
    let second = open(&kind(&path, true)).err().unwrap();
    assert!(matches!(second, LaneError::Taken { .. }), "{second}");
}
