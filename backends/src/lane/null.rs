// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A lane to nowhere: what goes in is counted, nothing ever comes out.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use dataplane::{DropReason, Flushed, LaneGone, LaneSink, LaneSource, Negotiated, Payload};
use rustix::event::{EventfdFlags, eventfd};
use sys::MemoryMap;
use wire::VnetHeader;

use super::error::LaneError;
use super::link::{Link, LinkState};
use super::offloads::{INTO, OUT_OF};
use super::pool::Pool;
use super::queue::count;
use super::{Opened, WITHIN};

/// Opens the lane.
///
/// # Errors
/// The process has no descriptors left.
pub(super) fn open() -> Result<Opened, LaneError> {
    let on = |why| WITHIN.on("a null lane", why);
    let link = Arc::new(Link::new(LinkState::Up));
    let never = eventfd(0, EventfdFlags::CLOEXEC).map_err(|why| on(why.into()))?;
    let source = Source { pool: Pool::new().map_err(on)?, never };
    Ok(Opened::single(sink(&link), Box::new(source), link))
}

/// What counts, and does nothing else.
pub(super) fn sink(link: &Arc<Link>) -> Box<dyn LaneSink> {
    Box::new(Sink { link: Arc::clone(link), flushed: Flushed::default() })
}

struct Sink {
    link: Arc<Link>,
    flushed: Flushed,
}

impl LaneSink for Sink {
    fn negotiated(&self) -> Negotiated {
        Negotiated(INTO)
    }

    fn put(&mut self, _header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        count(&mut self.flushed.sent, payload.len());
        Ok(())
    }

    fn flush(&mut self) -> Flushed {
        self.link.sent.add(self.flushed.sent.frames);
        std::mem::take(&mut self.flushed)
    }
}

struct Source {
    pool: Pool,
    /// Nobody writes to it, so who waits for it sleeps.
    never: OwnedFd,
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        Ok(0)
    }

    fn memory(&self) -> &Arc<MemoryMap> {
        self.pool.memory()
    }

    fn frame(&self, number: usize) -> (u64, u32) {
        self.pool.frame(number)
    }

    fn release(&mut self) {}

    fn negotiated(&self) -> Negotiated {
        Negotiated(OUT_OF)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.never.as_fd())
    }
}
