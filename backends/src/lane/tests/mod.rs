// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Each kind of lane that needs no right, against the peer that it is for.

mod capture;
mod dgram;
mod fault;
mod left;
mod stream;
mod within;

use std::time::{Duration, Instant};

use dataplane::{Flushed, LaneGone, LaneSink, LaneSource, Payload};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use vm_memory::{Bytes, GuestAddress};
use wire::VnetHeader;

/// How long something may take that takes no time.
const SOON: Duration = Duration::from_secs(20);

/// A frame of `len` bytes that says its number.
fn frame(number: u32, len: usize) -> Vec<u8> {
    let mut frame = vec![number as u8; len];
    frame[10..14].copy_from_slice(&number.to_be_bytes());
    frame
}

/// The number of a frame.
fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(frame[10..14].try_into().unwrap())
}

/// A burst of frames that leave nothing undone.
fn send(sink: &mut dyn LaneSink, frames: &[Vec<u8>]) -> Flushed {
    frames.iter().for_each(|frame| sink.put(&VnetHeader::PLAIN, &Payload::held(frame, &[])).unwrap());
    sink.flush()
}

/// What one turn brings: each frame with its header.
fn turn(source: &mut dyn LaneSource) -> Result<Vec<(VnetHeader, Vec<u8>)>, LaneGone> {
    let frames = source.receive()?;
    let read = |at| {
        let (address, len) = source.frame(at);
        let mut whole = vec![0; len as usize];
        source.memory().mapping().read_slice(&mut whole, GuestAddress(address)).unwrap();
        let (header, frame) = whole.split_first_chunk().unwrap();
        (VnetHeader::from_bytes(header), frame.to_vec())
    };
    let burst = (0..frames).map(read).collect();
    source.release();
    Ok(burst)
}

/// Waits until `wanted` frames have come.
fn receive(source: &mut dyn LaneSource, wanted: usize) -> Vec<Vec<u8>> {
    let (start, mut all) = (Instant::now(), Vec::new());
    while all.len() < wanted {
        assert!(start.elapsed() < SOON, "{} of {wanted} frames came", all.len());
        let burst = turn(source).unwrap();
        assert!(burst.iter().all(|(header, _)| header.is_plain()));
        if burst.is_empty() {
            wait(source);
        }
        all.extend(burst.into_iter().map(|(_, frame)| frame));
    }
    all
}

/// Waits until the lane says that it has gone.
fn receive_end(source: &mut dyn LaneSource) -> Vec<Vec<u8>> {
    let (start, mut all) = (Instant::now(), Vec::new());
    while let Ok(burst) = turn(source) {
        assert!(start.elapsed() < SOON, "it has not gone");
        if burst.is_empty() {
            wait(source);
        }
        all.extend(burst.into_iter().map(|(_, frame)| frame));
    }
    all
}

/// Sleeps until there is something to do for the lane.
fn wait(source: &dyn LaneSource) {
    if let Some(fd) = source.fd() {
        let soon = Timespec { tv_sec: SOON.as_secs() as i64, tv_nsec: 0 };
        poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&soon)).unwrap();
    }
}
