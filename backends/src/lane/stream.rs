// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! QEMU's `-netdev stream` over Unix sockets: a connection on which each frame stands behind its length, without a virtio-net
//! header.
//!
//! A lane lives as long as its connection. As a server it takes one, the first that comes; whoever opens the lane anew after it
//! has gone gets the next one. A length that no frame has ends the connection: nobody could say where the next frame begins.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use dataplane::limits::BURST;
use dataplane::{DropReason, Flushed, LaneGone, LaneSink, LaneSource, Negotiated, Payload};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SocketFlags, SocketType, accept_with, listen, recv};
use sys::MemoryMap;
use wire::VnetHeader;

use super::Opened;
use super::error::LaneError;
use super::framing::{BadLength, LENGTH, Stage, length};
use super::legacy::{Keeper, LaneLegacy};
use super::link::LinkState;
use super::outlet::Shared;
use super::pool::Pool;
use super::queue::{Queue, Style};
use super::spare::Spare;
use super::unix::{ADVICE, Bound, described};
use crate::dispose::Connection;
use crate::place::Place;

/// Connections that may wait until the first is taken. Those behind it end with the lane.
const BACKLOG: i32 = 1;
/// Room for the longest frames in a burst; of ordinary ones there is room for all.
const WHOLE: usize = 4;

/// Waits for a connection at `place`.
///
/// # Errors
/// The place is in use, or cannot be had.
pub(super) fn serve(place: &Place) -> Result<Opened, LaneError> {
    let on = |why: io::Error| ADVICE.on(&described(place), why);
    let bound = Bound::at(place, SocketType::STREAM)?;
    listen(&bound, BACKLOG).map_err(|why| on(why.into()))?;
    let shared = Arc::new(Shared::new(Style::Stream).map_err(on)?);
    shared.watch(&bound).map_err(on)?;
    opened(shared, Inlet { listener: Some(bound), connection: None }, Stage::new()).map_err(on)
}

/// Connects to who listens at `place`.
///
/// # Errors
/// Nobody does.
pub(super) fn connect(place: &Place) -> Result<Opened, LaneError> {
    let on = |why: io::Error| match why.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::CONNREFUSED) => ADVICE.on(&described(place), Errno::NOENT.into()),
        _ => ADVICE.on(&described(place), why),
    };
    let connection = place.connect().map_err(on)?;
    let shared = Arc::new(Shared::new(Style::Stream).map_err(on)?);
    let mut inlet = Inlet { listener: None, connection: None };
    inlet.take(connection, &shared).map_err(on)?;
    opened(shared, inlet, Stage::new()).map_err(on)
}

/// Goes on with what a lane at `place` has left; `None`: it is of no use.
pub(super) fn adopt(place: &Place, listens: bool, mut left: LaneLegacy) -> Option<Opened> {
    let bound = left.bound.take().and_then(|bound| Bound::adopted(place, bound));
    let connection = left.others.pop();
    if bound.is_some() != listens || !listens && connection.is_none() {
        return None;
    }
    resumed(bound, connection, &left).ok()
}

fn resumed(listener: Option<Bound>, connection: Option<OwnedFd>, left: &LaneLegacy) -> io::Result<Opened> {
    let shared = Arc::new(Shared::new(Style::Stream)?);
    listener.as_ref().map_or(Ok(()), |listener| shared.watch(listener))?;
    let (mut inlet, mut stage) = (Inlet { listener, connection: None }, Stage::new());
    if let Some(connection) = connection {
        inlet.take(UnixStream::from(connection).into(), &shared)?;
        if !stage.put_back(&left.came) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        shared.put_back(&left.waiting);
    }
    opened(shared, inlet, stage)
}

fn opened(shared: Arc<Shared<Way>>, inlet: Inlet, stage: Stage) -> io::Result<Opened> {
    let link = Arc::clone(&shared.link);
    let spare = Spare::new(|len| length(len).to_vec());
    let sink = Sink { shared: Arc::clone(&shared), burst: Queue::new(BURST, WHOLE, LENGTH), spare };
    let keeper = Arc::default();
    let source = Source { shared, inlet, stage, pool: Pool::new()?, keeper: Arc::clone(&keeper) };
    Ok(Opened { keeper, ..Opened::single(Box::new(sink), Box::new(source), link) })
}

/// One connection, for both directions.
#[derive(Clone)]
struct Way(Arc<Connection>);

impl AsFd for Way {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Where frames come from, now or later.
struct Inlet {
    /// `None` of a client.
    listener: Option<Bound>,
    connection: Option<Way>,
}

impl Inlet {
    /// Takes the first connection that waits, if one does and none was taken.
    fn accept(&mut self, shared: &Shared<Way>) {
        let first = self.connection.is_none() && shared.link.state() == LinkState::Down;
        let Some(listener) = self.listener.as_ref().filter(|_| first) else { return };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        if let Ok(socket) = accept_with(listener, flags) {
            // Without room for it in the set it would never be heard: whoever it is tries again.
            let _ = self.take(UnixStream::from(socket).into(), shared);
        }
    }

    fn take(&mut self, connection: Connection, shared: &Shared<Way>) -> io::Result<()> {
        // Where the kernel knows how: nobody has descriptors to send here.
        sys::fd::refuse_rights(connection.as_fd());
        let way = Way(Arc::new(connection));
        shared.connect(way.clone())?;
        self.connection = Some(way);
        self.listener.iter().for_each(|listener| shared.ignore(listener));
        Ok(())
    }
}

struct Sink {
    shared: Arc<Shared<Way>>,
    burst: Queue,
    spare: Spare,
}

impl Sink {
    fn send(&mut self) {
        if !self.spare.admits(&self.shared) || !self.shared.flush(&mut self.burst) {
            self.shared.link.lost.add(self.burst.clear());
        }
    }
}

impl LaneSink for Sink {
    fn negotiated(&self) -> Negotiated {
        Negotiated(0)
    }

    fn put(&mut self, _header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        if !self.burst.has_room(payload.len()) {
            self.send();
        }
        if self.burst.push(&length(payload.len()), payload) { Ok(()) } else { Err(DropReason::TooBig) }
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
}

struct Source {
    shared: Arc<Shared<Way>>,
    inlet: Inlet,
    stage: Stage,
    pool: Pool,
    keeper: Arc<Keeper>,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.keeper.leave(|left| {
            let (_, waiting) = self.shared.take();
            left.bound = self.inlet.listener.as_mut().and_then(Bound::leave);
            let connection = self.inlet.connection.as_ref().and_then(|way| way.0.leave().ok());
            left.others = Vec::from_iter(connection);
            (left.came, left.waiting) = (self.stage.rest().to_vec(), waiting);
        });
    }
}

impl Source {
    /// Moves whole frames from the stage to where they are delivered from, up to a bad length.
    fn sort(&mut self) -> Result<(), BadLength> {
        while self.pool.has_room() {
            match self.stage.take()? {
                Some(frame) if self.pool.put(frame) => {}
                Some(_) => self.shared.link.malformed.add(1),
                None => break,
            }
        }
        Ok(())
    }

    /// Reads what has come, as much as there is room for.
    fn read(&mut self) -> Result<(), LaneGone> {
        self.inlet.accept(&self.shared);
        let Some(connection) = &self.inlet.connection else {
            let gone = self.shared.link.state() == LinkState::Gone;
            return if gone { Err(LaneGone) } else { Ok(()) };
        };
        match recv(connection, self.stage.room(), RecvFlags::DONTWAIT) {
            Ok((_, 0)) => Err(self.end()),
            Ok((_, len)) => {
                self.stage.filled(len);
                Ok(())
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(_) => Err(self.end()),
        }
    }

    #[cold]
    fn end(&mut self) -> LaneGone {
        self.inlet.connection = None;
        self.shared.disconnect(LinkState::Gone);
        LaneGone
    }
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        self.shared.resume();
        self.pool.clear();
        let mut sorted = self.sort();
        if self.pool.len() == 0 && sorted.is_ok() {
            self.read()?;
            sorted = self.sort();
        }
        // What came before a bad length is delivered first; it is found again.
        if sorted.is_err() && self.pool.len() == 0 {
            self.shared.link.malformed.add(1);
            return Err(self.end());
        }
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
        Negotiated(0)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.shared.ready())
    }
}
