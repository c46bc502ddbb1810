// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where connections come from, and the one that waits.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Mode, Notice, OpenError};
use crate::dispose::Connection;
use crate::place::Place;
use crate::vhost_user::connect::BackOff;
use crate::vhost_user::listen::{Listener, check_length};

/// Where the next frontend comes from.
pub(super) enum Source {
    /// It connects to us. One connection may wait for the session before it to end.
    Listener { listener: Listener, waiting: Option<Connection> },
    /// We connect to it.
    Dial { place: Place, back_off: BackOff },
}

impl Source {
    /// `inherited` is a listening socket that systemd has made, `left` one that a process before this one had, and whether its
    /// file goes with it.
    pub(super) fn open(
        mode: Mode,
        place: Place,
        inherited: Option<OwnedFd>,
        left: Option<(OwnedFd, bool)>,
    ) -> Result<Self, OpenError> {
        let listener = match (mode, left, inherited) {
            (Mode::Client, ..) => {
                // Its directory may come with the frontend.
                check_length(place.path())?;
                return Ok(Self::Dial { place, back_off: BackOff::new() });
            }
            (Mode::Server, Some((fd, true)), _) => Listener::share_in(fd, place)?,
            (Mode::Server, Some((fd, false)), _) | (Mode::Server, None, Some(fd)) => Listener::inherit(fd)?,
            (Mode::Server, None, None) => Listener::bind(&place)?,
        };
        Ok(Self::Listener { listener, waiting: None })
    }

    /// The listening socket for a process after this one, if there is one.
    pub(super) fn share(&self) -> io::Result<Option<(OwnedFd, bool)>> {
        match self {
            // One that waits is lost to the next process, and comes again.
            Self::Listener { listener, .. } => listener.share().map(Some),
            Self::Dial { .. } => Ok(None),
        }
    }

    /// The listening socket is nobody else's any more.
    pub(super) fn take_over(&mut self) {
        if let Self::Listener { listener, .. } = self {
            listener.take_over();
        }
    }

    /// What to tell when there is no session.
    pub(super) fn notice(&self) -> Notice {
        match self {
            Self::Listener { .. } => Notice::Listening,
            Self::Dial { .. } => Notice::Connecting,
        }
    }

    pub(super) fn listener(&self) -> Option<&Listener> {
        match self {
            Self::Listener { listener, .. } => Some(listener),
            Self::Dial { .. } => None,
        }
    }

    /// The connection that waited, if its peer is still there.
    pub(super) fn take_waiting(&mut self) -> Option<Connection> {
        match self {
            Self::Listener { waiting, .. } => waiting.take().filter(|stream| !hung_up(stream)),
            Self::Dial { .. } => None,
        }
    }

    /// Lets a connection wait. It comes back when another one waits already.
    pub(super) fn keep(&mut self, stream: Connection) -> Option<Connection> {
        match self {
            Self::Listener { waiting, .. } if waiting.as_ref().is_none_or(|stream| hung_up(stream)) => {
                *waiting = Some(stream);
                None
            }
            _ => Some(stream),
        }
    }

    /// Client mode: connects, or says when to try again and why.
    pub(super) fn dial(&mut self) -> Option<Result<Connection, (Duration, io::Error)>> {
        let Self::Dial { place, back_off } = self else { return None };
        Some(place.connect().map_err(|error| (back_off.next_pause(), error)))
    }

    /// Client mode: how long to wait after a session.
    pub(super) fn pause(&mut self) -> Option<Duration> {
        match self {
            Self::Listener { .. } => None,
            Self::Dial { back_off, .. } => Some(back_off.next_pause()),
        }
    }

    /// The frontend has talked to us, so it is worth a quick attempt when it goes.
    pub(super) fn encourage(&mut self) {
        if let Self::Dial { back_off, .. } = self {
            *back_off = BackOff::new();
        }
    }
}

/// Whether the peer of a connection is gone.
pub(super) fn hung_up(stream: &UnixStream) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::RDHUP)];
    let polled = poll(&mut fds, Some(&Timespec::default()));
    polled.is_ok() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::RDHUP | PollFlags::ERR)
}
