// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes that have no other end.
use dataplane::limits::{BURST, FRAME_MAX};
use dataplane::{DropReason, Payload};
use wire::VnetHeader;

use super::{frame, receive, send, turn, wait};
use crate::lane::{Kind, open};

const TSO: VnetHeader =
    VnetHeader { flags: 1, gso_type: 4, hdr_len: 74, gso_size: 1428, csum_start: 54, csum_offset: 16, num_buffers: 1 };

#[test]
fn what_goes_into_a_loopback_comes_out_with_all_that_it_leaves_undone() {
    let mut lane = open(&Kind::Loopback).unwrap();
    let large = frame(1, 9000);
    lane.sinks[0].put(&TSO, &Payload::held(&large, &[])).unwrap();
    assert_eq!(turn(lane.sources[0].as_mut()), Ok(vec![]), "nothing goes before the end of the burst");
    lane.sinks[0].flush();
    wait(lane.sources[0].as_ref());
    assert_eq!(turn(lane.sources[0].as_mut()), Ok(vec![(TSO, large)]));
    let frames: Vec<_> = (0..BURST as u32).map(|at| frame(at, 60)).collect();
    (0..4).for_each(|_| assert_eq!(send(lane.sinks[0].as_mut(), &frames).lost, 0));
    assert_eq!(send(lane.sinks[0].as_mut(), &frames).lost, BURST as u64, "nobody takes them");
    assert_eq!(receive(lane.sources[0].as_mut(), 4 * BURST), vec![frames; 4].concat());
    let counts = lane.link.counts();
    assert_eq!((counts.sent, counts.received, counts.lost), (257, 257, 64));
}

#[test]
fn nothing_comes_out_of_a_null_lane() {
    let mut lane = open(&Kind::Null).unwrap();
    let flushed = send(lane.sinks[0].as_mut(), &[frame(0, 60), frame(1, 1514)]);
    assert_eq!((flushed.sent.frames, flushed.sent.bytes, flushed.lost), (2, 1574, 0));
    assert_eq!(turn(lane.sources[0].as_mut()), Ok(vec![]));
    assert_eq!(lane.link.counts().sent, 2);
}

#[test]
fn a_frame_that_no_lane_can_take_is_refused_and_the_others_go() {
    let mut lane = open(&Kind::Loopback).unwrap();
    let (long, sink) = (vec![0; 17 * FRAME_MAX], lane.sinks[0].as_mut());
    assert_eq!(sink.put(&VnetHeader::PLAIN, &Payload::held(&long, &[])), Err(DropReason::TooBig));
    assert_eq!(send(sink, &[frame(1, 60)]).sent.frames, 1);
    assert_eq!(receive(lane.sources[0].as_mut(), 1), [frame(1, 60)]);
}
