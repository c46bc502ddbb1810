// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use dataplane::limits::{BURST, FRAME_MAX};

use super::{frame, number, receive, send, turn};
use crate::lane::{Counts, Kind, LaneError, LinkState, Opened, open};
use crate::place::Place;

/// A lane in a directory of its own, as QEMU would be told of it, and where its peer is to be.
struct Lane {
    opened: Opened,
    local: PathBuf,
    remote: PathBuf,
    _folder: tempfile::TempDir,
}

impl Lane {
    fn open() -> Lane {
        let folder = tempfile::tempdir().unwrap();
        let [local, remote] = ["weft", "qemu"].map(|name| folder.path().join(name));
        Lane { opened: open(&kind(&local, &remote)).unwrap(), local, remote, _folder: folder }
    }

    /// A VMM that is started, or started anew.
    fn peer(&self) -> UnixDatagram {
        let _ = std::fs::remove_file(&self.remote);
        let peer = UnixDatagram::bind(&self.remote).unwrap();
        peer.set_read_timeout(Some(super::SOON)).unwrap();
        peer
    }

    fn send(&mut self, frames: &[Vec<u8>]) -> dataplane::Flushed {
        send(self.opened.sinks[0].as_mut(), frames)
    }

    fn counts(&self) -> Counts {
        self.opened.link.counts()
    }
}

fn kind(local: &std::path::Path, remote: &std::path::Path) -> Kind {
    Kind::Dgram { local: Place::new(local, None), remote: Place::new(remote, None) }
}

fn heard(peer: &UnixDatagram) -> Vec<u8> {
    let mut bytes = vec![0; FRAME_MAX];
    let len = peer.recv(&mut bytes).unwrap();
    bytes.truncate(len);
    bytes
}

#[test]
fn a_datagram_is_a_frame_both_ways_whatever_its_length() {
    let mut lane = Lane::open();
    let peer = lane.peer();
    for len in [14, 60, 1514, 9018, FRAME_MAX] {
        assert_eq!(lane.send(&[frame(1, len)]).lost, 0);
        assert_eq!(heard(&peer), frame(1, len));
        peer.send_to(&frame(2, len), &lane.local).unwrap();
        assert_eq!(receive(lane.opened.sources[0].as_mut(), 1), [frame(2, len)]);
    }
    assert_eq!((lane.counts().sent, lane.counts().received, lane.counts().lost), (5, 5, 0));
}

#[test]
fn who_is_not_there_costs_frames_and_nothing_else_and_is_found_when_he_comes() {
    let mut lane = Lane::open();
    assert_eq!(lane.opened.link.state(), LinkState::Down);
    let flushed = lane.send(&[frame(0, 60), frame(1, 70)]);
    assert_eq!((flushed.lost, flushed.sent.frames, flushed.sent.bytes), (2, 0, 0));
    let first = lane.peer();
    // He is looked for again before long, whether he says something or not.
    let tries = (0..1000).take_while(|_| lane.send(&[frame(2, 60)]).lost > 0).count();
    assert!(tries < 1000);
    assert_eq!((number(&heard(&first)), lane.opened.link.state()), (2, LinkState::Up));
    drop(first);
    let second = lane.peer();
    assert_eq!(lane.send(&[frame(3, 60)]).lost, 0, "a VMM that was started anew is found at once");
    assert_eq!(number(&heard(&second)), 3);
    drop(second);
    std::fs::remove_file(&lane.remote).unwrap();
    assert_eq!(lane.send(&[frame(4, 60)]).lost, 1);
    assert_eq!(lane.opened.link.state(), LinkState::Down);
}

#[test]
fn who_is_heard_is_sent_to_at_once() {
    let mut lane = Lane::open();
    (0..300).for_each(|_| assert_eq!(lane.send(&[frame(0, 60)]).lost, 1));
    let peer = lane.peer();
    peer.send_to(&frame(1, 60), &lane.local).unwrap();
    receive(lane.opened.sources[0].as_mut(), 1);
    assert_eq!(lane.send(&[frame(2, 60)]).lost, 0);
    assert_eq!(number(&heard(&peer)), 2);
}

#[test]
fn what_a_slow_peer_has_no_room_for_waits_in_order_and_beyond_that_is_lost_and_counted() {
    let mut lane = Lane::open();
    let peer = lane.peer();
    let (mut sent, mut lost) = (0, 0);
    for burst in 0..40 {
        let frames: Vec<_> = (0..BURST as u32).map(|at| frame(burst * BURST as u32 + at, 60)).collect();
        let flushed = lane.send(&frames);
        assert_eq!(flushed.sent.bytes, 60 * flushed.sent.frames);
        sent += flushed.sent.frames;
        lost += flushed.lost;
    }
    assert!(lost > 0 && sent + lost == 40 * BURST as u64);
    let mut all = Vec::new();
    while lane.counts().sent < sent {
        all.push(number(&heard(&peer)));
        // The lane's descriptor says that there is room again; no frame needs to come.
        super::wait(lane.opened.sources[0].as_ref());
        assert_eq!(turn(lane.opened.sources[0].as_mut()), Ok(vec![]));
    }
    all.extend((all.len() as u64..sent).map(|_| number(&heard(&peer))));
    assert!(all.is_sorted_by(|one, next| one < next));
    assert_eq!((lane.counts().sent, lane.counts().lost), (sent, lost));
}

#[test]
fn what_is_no_frame_is_counted_and_takes_nobodys_place() {
    let mut lane = Lane::open();
    let peer = lane.peer();
    for bytes in [vec![], vec![1; 13], frame(7, 60), vec![1; FRAME_MAX + 1], frame(8, 14)] {
        peer.send_to(&bytes, &lane.local).unwrap();
    }
    let source = lane.opened.sources[0].as_mut();
    assert_eq!(receive(source, 2), [frame(7, 60), frame(8, 14)]);
    assert_eq!(lane.counts().malformed, 3);
}

#[test]
fn two_lanes_cannot_have_one_path() {
    let lane = Lane::open();
    let second = open(&kind(&lane.local, &lane.remote)).err().unwrap();
    assert!(matches!(second, LaneError::Taken { .. }), "{second}");
    let Lane { opened, local, remote, _folder } = lane;
    drop(opened);
    open(&kind(&local, &remote)).unwrap();
}

/// Numbers of the frames that the peer finds in its socket, without waiting.
fn found(peer: &UnixDatagram) -> Vec<u32> {
    peer.set_nonblocking(true).unwrap();
    let mut bytes = [0; 60];
    let numbers = std::iter::from_fn(|| peer.recv(&mut bytes).ok().map(|_| number(&bytes))).collect();
    peer.set_nonblocking(false).unwrap();
    numbers
}

#[test]
fn what_is_spare_is_lost_before_a_closed_nic_and_waits_before_an_open_one() {
    let mut lane = Lane::open();
    let peer = lane.peer();
    assert!((0..1000).any(|_| lane.send(&[frame(0, 60)]).lost == 0));
    assert_eq!(found(&peer), [0]);
    lane.opened.sinks[0].set_spare(true);
    let lost: u64 = (1..100).map(|number| lane.send(&[frame(number, 60)]).lost).sum();
    assert_eq!(lost, 99, "old frames are of no use to it");
    let probes = [heard(&peer), heard(&peer)];
    assert!(probes.iter().all(|probe| probe.len() == 60 && probe[12..14] == [0x88, 0xb5]), "{probes:?}");
    // It has been opened, and is slow.
    let mut got = Vec::new();
    for number in 100..130 {
        assert_eq!(lane.send(&[frame(number, 60)]).lost, 0);
        if number % 10 == 0 {
            got.extend(found(&peer));
        }
    }
    assert_eq!(got, (100..=111).collect::<Vec<_>>(), "never more on the way than it has to take in at once");
    // It was closed again: what waits is given up in the end, but for what was on its way.
    let lost: u64 = (130..400).map(|number| lane.send(&[frame(number, 60)]).lost).sum();
    let left = found(&peer);
    assert!(lost >= 200 && left.len() <= 10 && left.is_sorted(), "{lost} lost, {left:?}");
    assert_eq!(lane.send(&[frame(400, 60)]).lost, 0, "it reads again");
    assert_eq!(lane.send(&[frame(401, 60)]).lost, 0);
    lane.opened.sinks[0].set_spare(false);
    assert_eq!(found(&peer), [400, 401], "nothing waits when there is no other lane");
}
