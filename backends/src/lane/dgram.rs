// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! QEMU's `-netdev dgram` over Unix sockets: one frame a datagram, without a virtio-net header.
//!
//! weftd receives by a socket that is bound to its own path and sends by another that is connected to the peer's path, so that
//! no path is looked up for each frame. A datagram socket does not say when its peer ends: that shows when something is sent,
//! and then the path is tried again, for a VMM that has been started anew has made a new socket there. What is sent while nobody is
//! there is lost.

use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use dataplane::limits::BURST;
use dataplane::{DropReason, Flushed, LaneGone, LaneSink, LaneSource, Negotiated, Payload};
use rustix::net::SocketType;
use sys::MemoryMap;
use wire::VnetHeader;

use super::Opened;
use super::error::LaneError;
use super::legacy::{Keeper, LaneLegacy};
use super::link::LinkState;
use super::outlet::Shared;
use super::pool::Pool;
use super::queue::{Queue, Style};
use super::spare::Spare;
use super::unix::{ADVICE, Bound, described};
use crate::place::Place;

/// Bursts that go by between two looks for a peer that is not there, at most: looking takes a system call or two.
const PATIENCE_MAX: u32 = 256;
/// Room for the longest frames in a burst; of ordinary ones there is room for all.
const WHOLE: usize = 4;

/// Opens the lane: bound to `local`, sending to `remote`, where nobody needs to be as yet.
///
/// # Errors
/// `local` is in use, or cannot be had.
pub(super) fn open(local: &Place, remote: &Place) -> Result<Opened, LaneError> {
    let on = |why| ADVICE.on(&described(local), why);
    let bound = Bound::at(local, SocketType::DGRAM)?;
    opened(bound, remote, (None, &[])).map_err(on)
}

/// Goes on with what a lane has left; `None`: it is of no use.
pub(super) fn adopt(local: &Place, remote: &Place, mut left: LaneLegacy) -> Option<Opened> {
    let bound = Bound::adopted(local, left.bound.take()?)?;
    opened(bound, remote, (left.others.pop(), &left.waiting)).ok()
}

/// The lane, with the socket to the peer, if there is one already, and what waits for it.
fn opened(bound: Bound, remote: &Place, (there, waiting): (Option<OwnedFd>, &[Vec<u8>])) -> io::Result<Opened> {
    let shared = Arc::new(Shared::new(Style::Datagrams)?);
    shared.watch(&bound)?;
    let pool = Pool::new()?;
    let mut peer = Peer { place: remote.clone(), missed: 0, patience: 0 };
    match there {
        Some(socket) => shared.connect(socket)?,
        None => _ = peer.find(&shared),
    }
    shared.put_back(waiting);
    let link = Arc::clone(&shared.link);
    let spare = Spare::new(|_| Vec::new());
    let is_there = link.state() == LinkState::Up;
    let burst = Queue::new(BURST, WHOLE, 0);
    let sink = Sink { shared: Arc::clone(&shared), peer, burst, spare, is_there };
    let keeper = Arc::default();
    let source = Source { shared, bound, pool, keeper: Arc::clone(&keeper) };
    Ok(Opened { keeper, ..Opened::single(Box::new(sink), Box::new(source), link) })
}

/// Where frames go, and how long it is left alone when nobody is there.
struct Peer {
    place: Place,
    /// Bursts since it was last looked for, and how many are to pass.
    missed: u32,
    patience: u32,
}

impl Peer {
    /// Looks for it. Whether it is there is seen by the lane's link.
    fn find(&mut self, shared: &Shared<OwnedFd>) -> bool {
        let found = self.place.connect_as(SocketType::DGRAM).and_then(|socket| shared.connect(socket)).is_ok();
        self.missed = 0;
        self.patience = if found { 0 } else { (2 * self.patience).clamp(1, PATIENCE_MAX) };
        found
    }

    /// Looks for it if it is time, or if something came from it.
    fn find_in_time(&mut self, shared: &Shared<OwnedFd>) -> bool {
        self.missed += 1;
        let heard = shared.link.state() == LinkState::Up;
        if !heard && self.missed < self.patience {
            return false;
        }
        let found = self.find(shared);
        if !found {
            shared.link.set(LinkState::Down);
        }
        found
    }
}

struct Sink {
    shared: Arc<Shared<OwnedFd>>,
    peer: Peer,
    burst: Queue,
    spare: Spare,
    /// It was when that was last asked.
    is_there: bool,
}

impl Sink {
    fn send(&mut self) {
        let Self { shared, peer, burst, spare, .. } = self;
        let waits = !spare.admits(shared) && shared.is_connected();
        let went = !waits && (shared.flush(burst) || find(peer, shared, spare) && shared.flush(burst));
        if !went {
            shared.link.lost.add(burst.clear());
        }
    }
}

/// Finds the peer anew. Whether something may go there at once.
fn find(peer: &mut Peer, shared: &Shared<OwnedFd>, spare: &mut Spare) -> bool {
    spare.begin();
    peer.find_in_time(shared) && spare.admits(shared)
}

impl LaneSink for Sink {
    fn negotiated(&self) -> Negotiated {
        Negotiated(0)
    }

    fn put(&mut self, _header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        if !self.burst.has_room(payload.len()) {
            self.send();
        }
        if self.burst.push(&[], payload) { Ok(()) } else { Err(DropReason::TooBig) }
    }

    fn set_spare(&mut self, spare: bool) {
        self.spare.set(spare, &self.shared);
    }

    fn is_clear(&mut self) -> bool {
        self.shared.is_clear()
    }

    fn flush(&mut self) -> Flushed {
        if !self.burst.is_empty() {
            self.send();
        }
        self.burst.outcome()
    }

    fn has_parted(&mut self) -> bool {
        let is_there = self.shared.link.state() == LinkState::Up;
        std::mem::replace(&mut self.is_there, is_there) && !is_there
    }
}

struct Source {
    shared: Arc<Shared<OwnedFd>>,
    bound: Bound,
    pool: Pool,
    keeper: Arc<Keeper>,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.keeper.leave(|left| {
            let (socket, waiting) = self.shared.take();
            left.bound = self.bound.leave();
            (left.others, left.waiting) = (Vec::from_iter(socket), waiting);
        });
    }
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        use std::os::fd::AsFd;
        self.shared.resume();
        self.pool.clear();
        let mut lens = [0; BURST];
        let came = sys::mmsg::receive_burst(self.bound.as_fd(), self.pool.memory(), Pool::bare_slots(), &mut lens);
        let came = match came {
            Ok(came) => came,
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Ok(0),
            // It is ours alone, and has no connection that could break.
            Err(_) => 0,
        };
        let taken = lens[..came].iter().enumerate().filter(|(slot, len)| self.pool.take(*slot, **len)).count();
        self.shared.link.received.add(taken as u64);
        self.shared.link.malformed.add((came - taken) as u64);
        if taken > 0 {
            self.shared.link.set(LinkState::Up);
        }
        Ok(taken)
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
        Negotiated(0)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.shared.ready())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_far_end_that_ends_is_told_of_once_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let [near, far] = ["near", "far"].map(|name| Place::new(path(name), None));
        let Opened { mut sinks, link, .. } = open(&near, &far).unwrap();
        let mut send = || {
            sinks[0].put(&VnetHeader::PLAIN, &Payload::held(&[1; 60], &[])).unwrap();
            let flushed = sinks[0].flush();
            (flushed.sent.frames, sinks[0].has_parted())
        };
        assert_eq!(send(), (0, false), "nobody was ever there");
        for _ in 0..2 {
            let _ = std::fs::remove_file(path("far"));
            let there = UnixDatagram::bind(path("far")).unwrap();
            // It is looked for now and then.
            while link.state() != LinkState::Up {
                send();
            }
            assert_eq!(send(), (1, false));
            drop(there);
            assert_eq!(send(), (0, true));
            assert_eq!((send(), link.state()), ((0, false), LinkState::Down));
        }
    }
}
