// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes that are not virtio rings, as the frame path sees them: somewhere to put frames, and somewhere they come from.
//!
//! What such a lane is (a socket, a network device of the host, nothing at all) is no matter here. Each end is owned like a ring
//! of the same direction: a sink by its port, behind a lock that is taken once a burst; a source by one worker. Neither may
//! block, allocate or log.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use sys::MemoryMap;
use wire::VnetHeader;

use crate::drops::DropReason;
use crate::features::Negotiated;
use crate::payload::Payload;
use crate::stats::Traffic;

/// What became of the frames that were put into a sink since the last time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Frames that went out.
    pub sent: Traffic,
    /// Frames that did not: the far end is slow, or not there.
    pub lost: u64,
}

/// Frames towards a lane.
pub trait LaneSink: Send {
    /// What frames may leave undone for it (virtio's GUEST_CSUM, GUEST_TSO4 and so on); `Negotiated(0)`: nothing. It may
    /// not change while the sink is attached.
    fn negotiated(&self) -> Negotiated;

    /// Takes a frame in. When there is no more room, what was put before may be sent first.
    ///
    /// # Errors
    /// Why it can never be sent: it is then no part of what [`LaneSink::flush`] says.
    fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason>;

    /// Says whether what is put from now on is spare: another lane carries it as well, and the guest takes it from one. A lane
    /// whose other end may not be taking in anything yet had better lose it than bring it late.
    fn set_spare(&mut self, _spare: bool) {}

    /// Sends what was put, at the end of a burst; says what became of all that was put since the last call.
    fn flush(&mut self) -> Flushed;

    /// Whether all that was put is out of the way, so that what comes next is not lost for want of room. Who has time waits for it.
    fn is_clear(&mut self) -> bool {
        true
    }

    /// Whether the far end was there when this was last asked, and was seen since not to be there any more: whoever decides about
    /// lanes is to be told at once. Not all kinds can tell.
    fn has_parted(&mut self) -> bool {
        false
    }
}

/// Frames from a lane.
pub trait LaneSource: Send {
    /// Reads frames that have come, at most [`limits::BURST`](crate::limits::BURST), each with a virtio-net header of
    /// [`VnetHeader::LEN`] bytes before it; returns how many. What an earlier call has read was released before.
    ///
    /// # Errors
    /// The lane will bring no more frames.
    fn receive(&mut self) -> Result<usize, LaneGone>;

    /// Where those frames lie.
    fn memory(&self) -> &Arc<MemoryMap>;

    /// Address and length, in bytes, of header and frame together, of frame `number` of those that were read.
    fn frame(&self, number: usize) -> (u64, u32);

    /// What was read is delivered: its place may be used again.
    fn release(&mut self);

    /// What its frames may leave undone (virtio's CSUM, HOST_TSO4 and so on).
    fn negotiated(&self) -> Negotiated;

    /// What is readable while there are frames; `None`: they come without one, and who waits for them must poll.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

/// A lane is no more: the device or socket behind it has vanished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneGone;
