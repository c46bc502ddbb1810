// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One client of the control socket: read a call, wait for its answer, write the replies, and again.

use super::access::Access;
use super::{Answer, Mark};
use crate::dispose::{Connection, Descriptors};
use ctl::codec::{Call, CodecError, Decoder, MESSAGE_MAX, encode};
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use vmm_sys_util::epoll::EventSet;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// Why a client goes.
#[derive(Debug, thiserror::Error)]
pub(super) enum Gone {
    /// It closed its side, or there is nothing to be written to it any more.
    #[error("it closed the connection")]
    Closed,
    /// What it sent is not varlink.
    #[error("{0}")]
    Codec(#[from] CodecError),
    /// The socket failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Where a client is in its cycle.
enum State {
    /// Its next call has not come in whole.
    Reading,
    /// Its call is being carried out.
    Calling,
    /// Its call is to be answered from there on when something has happened.
    Waiting(Asked),
    /// A reply to its call is being written. Then the answer goes on from a place, or is over.
    Replying(Option<Asked>),
}

/// A call, and from where on it is to be answered when a part of the answer has been given.
pub(super) type Asked = (Call, Option<Mark>);

pub(super) struct Client {
    stream: Connection,
    access: Access,
    state: State,
    decoder: Decoder<Call>,
    out: Vec<u8>,
    written: usize,
    /// Since when a reply waits to be read to its end.
    waits: Option<Instant>,
    /// When it last said something.
    heard: Instant,
}

impl Client {
    pub(super) fn new(stream: Connection, access: Access) -> Client {
        let decoder = Decoder::new(MESSAGE_MAX);
        Client {
            stream,
            access,
            state: State::Reading,
            decoder,
            out: Vec::new(),
            written: 0,
            waits: None,
            heard: Instant::now(),
        }
    }

    pub(super) fn access(&self) -> Access {
        self.access
    }

    /// Whether nothing of it is under way.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Reading)
    }

    /// Whether it waits for something to happen.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting(_))
    }

    /// When it last said something.
    pub(super) fn heard(&self) -> Instant {
        self.heard
    }

    /// Takes the answer of the call that [`Client::advance`] gave out.
    ///
    /// # Errors
    /// The reply cannot be written down.
    pub(super) fn answer(&mut self, answer: Answer, call: &Call) -> Result<(), Gone> {
        self.state = State::Reading;
        if call.oneway {
            return Ok(());
        }
        let (reply, rest) = match answer {
            Answer::Whole(reply) => (reply, None),
            Answer::Part(reply, from) => (reply, Some((call.clone(), Some(from)))),
            Answer::Later(from) => {
                self.state = State::Waiting((call.clone(), Some(from)));
                return Ok(());
            }
        };
        encode(&reply, &mut self.out)?;
        self.state = State::Replying(rest);
        Ok(())
    }

    /// Gives out the call that waits for something to happen, which has: it must be answered.
    pub(super) fn wake(&mut self) -> Option<Asked> {
        match std::mem::replace(&mut self.state, State::Calling) {
            State::Waiting(asked) => Some(asked),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Writes and reads as far as that goes without waiting. A call that has come in whole is given out, and again for
    /// the next part of its answer when the one before is read; it must be answered before there is another.
    pub(super) fn advance(&mut self) -> Result<Option<Asked>, Gone> {
        if !self.write_reply()? {
            return Ok(None);
        }
        if let State::Replying(rest) = &mut self.state {
            let rest = rest.take();
            self.state = if rest.is_some() { State::Calling } else { State::Reading };
            if rest.is_some() {
                return Ok(rest);
            }
        }
        let State::Reading = self.state else { return Ok(None) };
        loop {
            if let Some(call) = self.decoder.pull()? {
                self.state = State::Calling;
                return Ok(Some((call, None)));
            }
            if !self.read()? {
                return Ok(None);
            }
        }
    }

    /// What the loop should wait for. Nothing is read while a call is outstanding, so a client cannot fill our memory.
    pub(super) fn interest(&self) -> EventSet {
        match self.state {
            State::Reading => EventSet::IN,
            State::Calling | State::Waiting(_) => EventSet::empty(),
            State::Replying(_) => EventSet::OUT,
        }
    }

    /// A hang-up is reported whatever one waits for; a client that hung up will not read a reply either.
    pub(super) fn note_hangup(&mut self, events: EventSet) {
        if events.intersects(EventSet::HANG_UP | EventSet::ERROR) && !matches!(self.state, State::Reading) {
            self.state = State::Reading;
            self.out.clear();
            self.written = 0;
        }
    }

    /// How long the client has left a reply unread, be it only the end of one.
    pub(super) fn stalled_for(&self, now: Instant) -> Duration {
        self.waits.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Reads once. False: there is nothing to read now.
    fn read(&mut self) -> Result<bool, Gone> {
        let mut chunk = [0; CHUNK];
        // Descriptors mean nothing here. A plain read would have the kernel close them in this thread.
        let mut fds = Descriptors::default();
        match sys::fd::recv_with_fds(self.stream.as_fd(), &mut chunk, &mut fds) {
            Ok(0) => {
                self.decoder.finish()?;
                Err(Gone::Closed)
            }
            Ok(n) => {
                self.heard = Instant::now();
                self.decoder.push(&chunk[..n])?;
                Ok(true)
            }
            Err(why) => would_block(why).map(|()| false),
        }
    }

    /// Writes what there is of a reply. False: the client has to read first.
    fn write_reply(&mut self) -> Result<bool, Gone> {
        while self.written < self.out.len() {
            match (&*self.stream).write(&self.out[self.written..]) {
                Ok(n) => self.written += n,
                Err(why) => {
                    would_block(why)?;
                    self.waits.get_or_insert_with(Instant::now);
                    return Ok(false);
                }
            }
        }
        self.out.clear();
        (self.written, self.waits) = (0, None);
        Ok(true)
    }
}

fn would_block(why: std::io::Error) -> Result<(), Gone> {
    match why.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Err(Gone::Closed),
        _ => Err(Gone::Io(why)),
    }
}
