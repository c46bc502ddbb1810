// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A dialogue and its socket, on the control loop.

use super::cloud::Cloud;
use super::dialogue::Dialogue;
use super::event::Event;
use super::qmp::Qmp;
use super::spec::{Dialect, Identity, Vf};
use super::trouble::Trouble;
use crate::dispose::{Connection, Descriptors};
use crate::place::Place;
use crate::vhost_user::connect::BackOff;
use rustix::event::epoll;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

/// Octets that are read at once.
const CHUNK: usize = 4 << 10;

/// How often is read in a turn: then others have theirs.
const AT_ONCE: usize = 64;

/// Events that wait until nothing more is read; what was read with the last of them may bring some hundred more.
const EVENTS_MAX: usize = 64;

/// weft's channel to a VMM, for the VF of one port.
pub struct Channel {
    place: Place,
    dialect: Dialect,
    dialogue: Box<dyn Dialogue>,
    link: Link,
    /// Watches the connection, if there is one: it comes and goes, and this stays.
    epoll: OwnedFd,
    back_off: BackOff,
    /// What [`Event::Lost`] has told since the VMM was last ready.
    told: Option<Trouble>,
}

/// The connection.
enum Link {
    /// There is none, and when the next attempt is due.
    Down(Duration),
    Up(Connection),
}

impl Channel {
    /// A channel to who listens at `place`. It connects at its first turn.
    ///
    /// # Errors
    /// The system is out of descriptors.
    pub fn new(place: Place, dialect: Dialect, identity: Identity) -> io::Result<Channel> {
        let dialogue = in_dialect(dialect, identity);
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let (link, back_off) = (Link::Down(Duration::ZERO), BackOff::new());
        Ok(Channel { place, dialect, dialogue, link, epoll, back_off, told: None })
    }

    /// Does all that can be done without waiting: connects, reads, sends, gives up what is overdue. To be called when
    /// the descriptor is readable and when something is [due](Channel::due). `now` is a time since an origin that is
    /// the same in all calls.
    pub fn turn(&mut self, now: Duration) {
        if let Err(why) = self.advance(now) {
            self.lose(why, now);
        }
    }

    /// When [`Channel::turn`] is to be called at the latest; `None`: when the descriptor is readable.
    pub fn due(&self) -> Option<Duration> {
        match self.link {
            Link::Down(at) => Some(at),
            Link::Up(_) => self.dialogue.due(),
        }
    }

    /// Plugs a VF in. [`Event::Plugged`], [`Event::Waiting`] or [`Event::PlugFailed`] follows, or [`Event::Lost`].
    pub fn plug(&mut self, vf: Vf, now: Duration) {
        self.dialogue.plug(vf, now);
        self.flush(now);
    }

    /// Takes the VF out, if there is one. [`Event::Unplugged`] or [`Event::UnplugFailed`] follows, or [`Event::Lost`]. What is
    /// being plugged in is taken out as soon as it is there.
    pub fn unplug(&mut self, now: Duration) {
        self.dialogue.unplug(now);
        self.flush(now);
    }

    /// What has happened next. Nothing more is read while too much waits here.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.dialogue.events().pop_front()
    }

    /// The VMM has said where the VF is, and takes commands.
    pub fn is_ready(&self) -> bool {
        self.dialogue.is_ready()
    }

    fn advance(&mut self, now: Duration) -> Result<(), Trouble> {
        self.connect(now)?;
        // Before what is overdue is given up: it may have come while we had no turn.
        self.receive(now)?;
        self.dialogue.handle_due(now)?;
        self.send()
    }

    fn connect(&mut self, now: Duration) -> Result<(), Trouble> {
        let Link::Down(at) = self.link else { return Ok(()) };
        if now < at {
            return Ok(());
        }
        let failed = |why: io::Error| {
            let full = why.kind() == ErrorKind::WouldBlock;
            let why = if full { "too many others wait there".to_owned() } else { why.to_string() };
            Trouble::NoSocket { vmm: self.dialect, path: self.place.path().to_owned(), why }
        };
        let connection = self.place.connect().map_err(failed)?;
        let readable = epoll::EventFlags::IN;
        epoll::add(&self.epoll, &*connection, epoll::EventData::new_u64(0), readable)
            .map_err(|why| failed(why.into()))?;
        self.link = Link::Up(connection);
        self.dialogue.begin(now);
        Ok(())
    }

    /// Reads what has come.
    fn receive(&mut self, now: Duration) -> Result<(), Trouble> {
        let Link::Up(connection) = &self.link else { return Ok(()) };
        let mut chunk = [0; CHUNK];
        for _ in 0..AT_ONCE {
            if self.dialogue.events().len() >= EVENTS_MAX {
                break;
            }
            // A plain read would have the kernel close descriptors, which mean nothing here, in this thread.
            let mut fds = Descriptors::default();
            match sys::fd::recv_with_fds(connection.as_fd(), &mut chunk, &mut fds) {
                Ok(0) => return Err(self.closed("it closed it")),
                Ok(len) => self.dialogue.push(&chunk[..len], now)?,
                Err(why) if is_pause(&why) => break,
                Err(why) => return Err(self.closed(&why.to_string())),
            }
        }
        Ok(())
    }

    /// Sends what there is to be sent: a few hundred octets, which a socket takes whole unless nobody reads what came before.
    fn send(&mut self) -> Result<(), Trouble> {
        let Link::Up(connection) = &self.link else { return Ok(()) };
        let output = std::mem::take(self.dialogue.output());
        if output.is_empty() {
            return Ok(());
        }
        match (&**connection).write(&output) {
            Ok(len) if len == output.len() => Ok(()),
            Ok(_) => Err(self.closed("it does not read")),
            Err(why) if why.kind() == ErrorKind::WouldBlock => Err(self.closed("it does not read")),
            Err(why) => Err(self.closed(&why.to_string())),
        }
    }

    /// Sends what a command has brought, without reading.
    fn flush(&mut self, now: Duration) {
        if let Err(why) = self.send() {
            self.lose(why, now);
        }
    }

    /// Gives the connection up, or the attempt to make one.
    fn lose(&mut self, why: Trouble, now: Duration) {
        if self.told.is_none() || self.dialogue.is_ready() {
            (self.told, self.back_off) = (None, BackOff::new());
        }
        if self.told.as_ref() != Some(&why) {
            self.told = Some(why.clone());
            self.dialogue.events().push_back(Event::Lost(why));
        }
        let down = Link::Down(now + self.back_off.next_pause());
        if let Link::Up(connection) = std::mem::replace(&mut self.link, down) {
            // Another thread may close it later. It fails only for what is not watched.
            let _ = epoll::delete(&self.epoll, &*connection);
        }
        self.dialogue.end();
    }

    fn closed(&self, why: &str) -> Trouble {
        Trouble::Closed { vmm: self.dialect, why: why.to_owned() }
    }
}

/// Readable when there is something to do.
impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

/// The same, for the control loop.
impl AsRawFd for Channel {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }
}

fn is_pause(why: &io::Error) -> bool {
    matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// A dialogue in that language, with nobody yet.
pub(super) fn in_dialect(dialect: Dialect, identity: Identity) -> Box<dyn Dialogue> {
    match dialect {
        Dialect::Qmp => Box::new(Qmp::new(identity)),
        Dialect::CloudHypervisor => Box::new(Cloud::new(identity.device)),
    }
}
