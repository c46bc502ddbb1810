// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where a worker sleeps: an epoll set of the kicks of its sources and its own doorbell.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use dataplane::SourceId;
use epoll::{ControlOptions, Event, Events};
use vmm_sys_util::eventfd::EventFd;

/// Longest sleep in milliseconds: a worker shows that it lives at least this often.
pub(super) const HEARTBEAT_MS: i32 = 1000;

/// The same while frames wait for a guest that has no room for them yet: nobody says when it has.
pub(super) const GLANCE_MS: i32 = 1;

/// The doorbell's number in the epoll set; sources count from 0 and never get there.
const DOORBELL: u64 = u64::MAX;

/// An epoll set. Level-triggered: whoever wakes up clears the kick.
pub(super) struct Sleeper {
    epoll: RawFd,
    doorbell: EventFd,
    ready: Vec<Event>,
    /// How many of them ended the last sleep.
    count: usize,
}

impl Sleeper {
    pub(super) fn new(doorbell: EventFd) -> io::Result<Self> {
        let ready = vec![Event::new(Events::empty(), 0); 64];
        let sleeper = Self { epoll: epoll::create(true)?, doorbell, ready, count: 0 };
        sleeper.add(sleeper.doorbell.as_raw_fd(), DOORBELL)?;
        Ok(sleeper)
    }

    /// Wakes on this source's kick from now on.
    pub(super) fn watch(&self, id: SourceId, kick: BorrowedFd<'_>) -> io::Result<()> {
        self.add(kick.as_raw_fd(), id.0)
    }

    fn add(&self, fd: RawFd, number: u64) -> io::Result<()> {
        epoll::ctl(self.epoll, ControlOptions::EPOLL_CTL_ADD, fd, Event::new(Events::EPOLLIN, number))
    }

    /// Ends watching; must be called while the descriptor is open, for a duplicate elsewhere would keep the entry.
    pub(super) fn forget(&self, kick: BorrowedFd<'_>) {
        let nothing = Event::new(Events::empty(), 0);
        // Not watched: nothing to forget.
        let _ = epoll::ctl(self.epoll, ControlOptions::EPOLL_CTL_DEL, kick.as_raw_fd(), nothing);
    }

    /// Sleeps until something happens, or for so many milliseconds.
    pub(super) fn sleep(&mut self, most: i32) {
        // EINTR is a wake-up like any other.
        self.count = epoll::wait(self.epoll, most, &mut self.ready).unwrap_or(0);
        if self.rung().any(|number| number == DOORBELL) {
            // Level-triggered: an unread doorbell would wake us for ever. It is readable, so this cannot fail.
            let _ = self.doorbell.read();
        }
    }

    /// The sources whose kicks ended the last sleep; they are to be cleared.
    pub(super) fn kicked(&self) -> impl Iterator<Item = SourceId> + '_ {
        self.rung().filter(|&number| number != DOORBELL).map(SourceId)
    }

    fn rung(&self) -> impl Iterator<Item = u64> + '_ {
        self.ready[..self.count].iter().map(|event| event.data)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // The only owner of the descriptor; closing cannot fail in a way that anyone could mend.
        let _ = epoll::close(self.epoll);
    }
}
