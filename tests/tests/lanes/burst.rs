// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The frame path's part of a lane, as a test plays it.

use dataplane::{Flushed, LaneGone, LaneSink, LaneSource, Payload};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tests::wait::Deadline;
use vm_memory::{Bytes, GuestAddress};
use wire::VnetHeader;

/// A protocol that no stack knows (IEEE 802, for experiments).
const EXPERIMENT: [u8; 2] = [0x88, 0xb5];

/// A frame and what it leaves undone.
pub(crate) type Whole = (VnetHeader, Vec<u8>);

/// A frame of `len` bytes to everybody, with a number.
pub(crate) fn frame(number: u8, len: usize) -> Vec<u8> {
    let head = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 7], &EXPERIMENT, &[number]].concat();
    head.into_iter().chain(std::iter::repeat(number)).take(len).collect()
}

/// Whether a frame is one of ours, and no stack's.
pub(crate) fn is_ours(frame: &[u8]) -> bool {
    frame.get(6..12) == Some(&[2, 0, 0, 0, 0, 7])
}

/// Sends a burst.
pub(crate) fn send(sink: &mut dyn LaneSink, frames: &[Whole]) -> Flushed {
    for (header, frame) in frames {
        sink.put(header, &Payload::held(frame, &[])).expect("no frame is too long");
    }
    sink.flush()
}

/// What one turn brings.
pub(crate) fn turn(source: &mut dyn LaneSource) -> Result<Vec<Whole>, LaneGone> {
    let frames = source.receive()?;
    let read = |at| {
        let (address, len) = source.frame(at);
        let mut whole = vec![0; len as usize];
        source.memory().mapping().read_slice(&mut whole, GuestAddress(address)).expect("it lies where it was said");
        let (header, frame) = whole.split_first_chunk().expect("a header stands before it");
        // How many buffers it took is said to guests only.
        (VnetHeader { num_buffers: 1, ..VnetHeader::from_bytes(header) }, frame.to_vec())
    };
    let burst = (0..frames).map(read).collect();
    source.release();
    Ok(burst)
}

/// Waits until so many of our frames have come, and returns those.
pub(crate) fn collect(source: &mut dyn LaneSource, wanted: usize) -> Vec<Whole> {
    let (deadline, mut all) = (Deadline::patient(), Vec::new());
    while all.len() < wanted {
        assert!(!deadline.left().is_zero(), "{} of {wanted} frames came", all.len());
        let burst = turn(source).expect("the lane is there");
        if burst.is_empty() {
            sleep(&[source]);
        }
        all.extend(burst.into_iter().filter(|(_, frame)| is_ours(frame)));
    }
    all
}

/// Sleeps until one of them has something to do, or for a moment.
pub(crate) fn sleep(sources: &[&dyn LaneSource]) {
    let mut fds: Vec<_> = sources.iter().filter_map(|source| source.fd()).map(watched).collect();
    let moment = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    let _ = poll(&mut fds, Some(&moment));
}

fn watched(fd: std::os::fd::BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::from_borrowed_fd(fd, PollFlags::IN)
}
