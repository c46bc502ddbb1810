// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The way out of a lane over a Unix socket.
//!
//! The other end is a VMM with a queue that may be as short as ten messages. So what it does not take at once waits here, as
//! in the queue of a network card: the lane's descriptor becomes ready when there is room again, and the worker that polls the
//! lane for frames sends what waits. Beyond that frames are lost, and counted.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataplane::limits::BURST;
use rustix::event::epoll;

use super::link::{Link, LinkState};
use super::queue::{Queue, Stopped, Style};

/// Frames that wait for the other end: four bursts, or eight of the longest.
const WAITING: usize = 4 * BURST;
const WAITING_WHOLE: usize = 8;

/// What both halves of a lane share. `S` is the socket that frames go out by.
pub(super) struct Shared<S> {
    pub(super) link: Arc<Link>,
    style: Style,
    /// Readable when there is something to do for the lane.
    ready: OwnedFd,
    /// Something waits in the outlet: looked at without its lock.
    waits: AtomicBool,
    outlet: Mutex<Outlet<S>>,
}

/// The socket, and what waits for it.
struct Outlet<S> {
    socket: Option<S>,
    waiting: Queue,
    /// The socket is watched for room.
    watched: bool,
    /// Nothing goes there before the other end has taken in what went before: see `spare`.
    sparing: bool,
}

impl<S: AsFd> Outlet<S> {
    fn is_drained(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| sys::mmsg::unread(socket.as_fd()).is_ok_and(|bytes| bytes == 0))
    }
}

/// What waits when the lane is closed is lost.
impl<S> Drop for Shared<S> {
    fn drop(&mut self) {
        let outlet = self.outlet.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.link.lost.add(outlet.waiting.clear());
    }
}

impl<S: AsFd> Shared<S> {
    /// Without a socket as yet.
    ///
    /// # Errors
    /// The process has no descriptors left.
    pub(super) fn new(style: Style) -> io::Result<Self> {
        let outlet =
            Outlet { socket: None, waiting: Queue::new(WAITING, WAITING_WHOLE, 0), watched: false, sparing: false };
        Ok(Self {
            link: Arc::new(Link::new(LinkState::Down)),
            style,
            ready: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            waits: AtomicBool::new(false),
            outlet: Mutex::new(outlet),
        })
    }

    /// What is readable when there is something to do.
    pub(super) fn ready(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }

    /// Watches a socket for what comes in.
    ///
    /// # Errors
    /// What `epoll_ctl` says.
    pub(super) fn watch(&self, socket: impl AsFd) -> io::Result<()> {
        Ok(epoll::add(&self.ready, socket, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?)
    }

    /// Watches it no more: a connection that nobody takes would wake the worker for ever.
    pub(super) fn ignore(&self, socket: impl AsFd) {
        // It fails only for what is not watched.
        let _ = epoll::delete(&self.ready, socket);
    }

    /// Sends by this socket from now on.
    ///
    /// # Errors
    /// What `epoll_ctl` says.
    pub(super) fn connect(&self, socket: S) -> io::Result<()> {
        epoll::add(&self.ready, &socket, epoll::EventData::new_u64(0), self.interest(false))?;
        let mut outlet = self.lock();
        (outlet.socket, outlet.watched) = (Some(socket), false);
        self.link.set(LinkState::Up);
        Ok(())
    }

    /// Lets go of the socket; what waits for it is lost.
    pub(super) fn disconnect(&self, state: LinkState) {
        self.let_go(&mut self.lock(), state);
    }

    /// Sends a burst, behind what waits. What has no room waits, what has none there either is lost. False: there is no
    /// other end, and the burst is still where it was.
    pub(super) fn flush(&self, burst: &mut Queue) -> bool {
        let mut outlet = self.lock();
        let may_send = self.drain(&mut outlet);
        let Outlet { socket: Some(socket), waiting, .. } = &mut *outlet else { return false };
        if waiting.is_empty() && may_send {
            let sent = burst.send(socket.as_fd(), self.style);
            self.link.sent.add(sent.frames);
            self.link.lost.add(sent.refused);
            if let Some(Stopped::Broken(_)) = sent.stopped {
                self.let_go(&mut outlet, self.when_broken());
                return false;
            }
        }
        self.link.lost.add(outlet.waiting.append(burst));
        self.look_out(&mut outlet);
        true
    }

    /// Sends what waits, if anything does.
    #[inline]
    pub(super) fn resume(&self) {
        if self.waits.load(Ordering::Acquire) {
            let mut outlet = self.lock();
            self.drain(&mut outlet);
            self.look_out(&mut outlet);
        }
    }

    /// Takes what waits, and the socket that it waits for, for another lane to go on with.
    pub(super) fn take(&self) -> (Option<S>, Vec<Vec<u8>>) {
        let mut outlet = self.lock();
        (outlet.socket.take(), outlet.waiting.take_all())
    }

    /// Goes on with what waited elsewhere, before anything else is sent; what there is no room for is lost.
    pub(super) fn put_back(&self, waiting: &[Vec<u8>]) {
        let mut outlet = self.lock();
        let lost = waiting.iter().filter(|message| !outlet.waiting.put_back(message)).count();
        self.link.lost.add(lost as u64);
        self.drain(&mut outlet);
        self.look_out(&mut outlet);
    }

    /// Whether nothing waits: what comes next has room.
    pub(super) fn is_clear(&self) -> bool {
        let mut outlet = self.lock();
        self.drain(&mut outlet);
        self.look_out(&mut outlet);
        outlet.waiting.is_empty()
    }

    /// Whether there is another end, as far as is known.
    pub(super) fn is_connected(&self) -> bool {
        self.lock().socket.is_some()
    }

    /// Whether the other end has taken in all that it was sent.
    pub(super) fn is_drained(&self) -> bool {
        self.lock().is_drained()
    }

    /// Sends nothing from now on before the other end has taken in what went before; or sends as much as it has room for.
    pub(super) fn set_sparing(&self, sparing: bool) {
        let mut outlet = self.lock();
        outlet.sparing = sparing;
        self.drain(&mut outlet);
        self.look_out(&mut outlet);
    }

    /// Lets go of what waits. Of a stream that would tear a frame apart.
    pub(super) fn give_up(&self) {
        if self.style == Style::Datagrams {
            let mut outlet = self.lock();
            self.link.lost.add(outlet.waiting.clear());
            self.look_out(&mut outlet);
        }
    }

    /// Sends what waits. False: the other end is to take in more first.
    fn drain(&self, outlet: &mut Outlet<S>) -> bool {
        if outlet.sparing && !outlet.is_drained() {
            return false;
        }
        let Outlet { socket: Some(socket), waiting, .. } = outlet else { return true };
        if waiting.is_empty() {
            return true;
        }
        let sent = waiting.send(socket.as_fd(), self.style);
        self.link.sent.add(sent.frames);
        self.link.lost.add(sent.refused);
        if let Some(Stopped::Broken(_)) = sent.stopped {
            self.let_go(outlet, self.when_broken());
        }
        true
    }

    fn let_go(&self, outlet: &mut Outlet<S>, state: LinkState) {
        // Its place in the set goes with it.
        (outlet.socket, outlet.watched) = (None, false);
        self.link.lost.add(outlet.waiting.clear());
        self.waits.store(false, Ordering::Release);
        self.link.set(state);
    }

    /// A stream that broke has lost its place. To a path one can send again when somebody is there.
    fn when_broken(&self) -> LinkState {
        if self.style == Style::Stream { LinkState::Gone } else { LinkState::Down }
    }

    /// Watches the socket for room exactly while something waits for that.
    fn look_out(&self, outlet: &mut Outlet<S>) {
        let wanted = !outlet.waiting.is_empty() && !outlet.sparing;
        let Some(socket) = outlet.socket.as_ref().filter(|_| wanted != outlet.watched) else { return };
        // It fails for what is not in the set: then what waits goes with the next burst.
        let _ = epoll::modify(&self.ready, socket, epoll::EventData::new_u64(0), self.interest(wanted));
        outlet.watched = wanted;
        self.waits.store(wanted, Ordering::Release);
    }

    /// A stream comes in by the same socket.
    fn interest(&self, room: bool) -> epoll::EventFlags {
        let mut flags = epoll::EventFlags::empty();
        flags.set(epoll::EventFlags::IN, self.style == Style::Stream);
        flags.set(epoll::EventFlags::OUT, room);
        flags
    }

    fn lock(&self) -> MutexGuard<'_, Outlet<S>> {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
