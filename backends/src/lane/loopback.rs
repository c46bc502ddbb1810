// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A lane to itself: what goes in comes out again, in order, with all that it leaves undone.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataplane::limits::BURST;
use dataplane::{DropReason, Flushed, LaneGone, LaneSink, LaneSource, Negotiated, Payload};
use rustix::event::{EventfdFlags, eventfd};
use sys::MemoryMap;
use wire::VnetHeader;

use super::error::LaneError;
use super::link::{Link, LinkState};
use super::offloads::{INTO, OUT_OF};
use super::pool::Pool;
use super::queue::Queue;
use super::{Opened, WITHIN};

/// Frames that are under way at most, and how many of the longest.
const UNDER_WAY: usize = 4 * BURST;
const WHOLE: usize = 16;

/// Opens the lane.
///
/// # Errors
/// The process has no descriptors left.
pub(super) fn open() -> Result<Opened, LaneError> {
    let on = |why| WITHIN.on("a loopback lane", why);
    let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(|why| on(why.into()))?;
    let link = Arc::new(Link::new(LinkState::Up));
    let way = Mutex::new(Queue::new(UNDER_WAY, WHOLE, VnetHeader::LEN));
    let shared = Arc::new(Shared { link: Arc::clone(&link), bell, way });
    let source = Source { shared: Arc::clone(&shared), pool: Pool::new().map_err(on)? };
    let sink = Sink { shared, burst: Queue::new(BURST, WHOLE, VnetHeader::LEN) };
    Ok(Opened::single(Box::new(sink), Box::new(source), link))
}

struct Shared {
    link: Arc<Link>,
    /// Rung while frames are under way.
    bell: OwnedFd,
    way: Mutex<Queue>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Sink {
    shared: Arc<Shared>,
    burst: Queue,
}

impl Sink {
    fn send(&mut self) {
        let waiting = self.burst.len() as u64;
        let lost = self.shared.lock().append(&mut self.burst);
        self.shared.link.sent.add(waiting - lost);
        self.shared.link.lost.add(lost);
        // It is full only when it was rung often enough.
        let _ = rustix::io::write(&self.shared.bell, &1_u64.to_ne_bytes());
    }
}

impl LaneSink for Sink {
    fn negotiated(&self) -> Negotiated {
        Negotiated(INTO)
    }

    fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        if !self.burst.has_room(payload.len()) {
            self.send();
        }
        if self.burst.push(&header.to_bytes(), payload) { Ok(()) } else { Err(DropReason::TooBig) }
    }

    fn flush(&mut self) -> Flushed {
        if !self.burst.is_empty() {
            self.send();
        }
        self.burst.outcome()
    }
}

struct Source {
    shared: Arc<Shared>,
    pool: Pool,
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        self.pool.clear();
        let mut way = self.shared.lock();
        while self.pool.has_room() {
            let Some(frame) = way.pop() else { break };
            if !self.pool.put_whole(frame) {
                self.shared.link.malformed.add(1);
            }
        }
        if way.is_empty() {
            // It was not rung, or not since.
            let _ = rustix::io::read(&self.shared.bell, &mut [0; 8]);
        }
        drop(way);
        self.shared.link.received.add(self.pool.len() as u64);
        Ok(self.pool.len())
    }

    fn memory(&self) -> &Arc<MemoryMap> {
        self.pool.memory()
    }

    fn frame(&self, number: usize) -> (u64, u32) {
        self.pool.frame(number)
    }

    fn release(&mut self) {
        self.pool.clear();
    }

    fn negotiated(&self) -> Negotiated {
        Negotiated(OUT_OF)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.shared.bell.as_fd())
    }
}
