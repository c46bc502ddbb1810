// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One client of the control socket: read a call, wait for its answer, write the replies, and again.

use super::Replies;
use super::access::Access;
use ctl::codec::{Call, CodecError, Decoder, MESSAGE_MAX, encode};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
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
    /// The replies to its call are being written.
    Replying(Replies),
}

pub(super) struct Client {
    stream: UnixStream,
    access: Access,
    state: State,
    decoder: Decoder<Call>,
    out: Vec<u8>,
    written: usize,
    /// When the last byte was written, while some wait.
    moved: Option<Instant>,
}

impl Client {
    pub(super) fn new(stream: UnixStream, access: Access) -> Client {
        let decoder = Decoder::new(MESSAGE_MAX);
        Client { stream, access, state: State::Reading, decoder, out: Vec::new(), written: 0, moved: None }
    }

    pub(super) fn access(&self) -> Access {
        self.access
    }

    /// Takes the answer of the call that [`Client::advance`] gave out.
    pub(super) fn answer(&mut self, replies: Replies, oneway: bool) {
        self.state = if oneway { State::Reading } else { State::Replying(replies) };
    }

    /// Writes and reads as far as that goes without waiting. A call that has come in whole is given out; it must be
    /// answered before there is another.
    pub(super) fn advance(&mut self) -> Result<Option<Call>, Gone> {
        if let State::Replying(_) = self.state {
            self.write_replies()?;
        }
        let State::Reading = self.state else { return Ok(None) };
        loop {
            if let Some(call) = self.decoder.pull()? {
                self.state = State::Calling;
                return Ok(Some(call));
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
            State::Calling => EventSet::empty(),
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

    /// How long the client has left a reply unread.
    pub(super) fn stalled_for(&self, now: Instant) -> Duration {
        self.moved.map_or(Duration::ZERO, |moved| now.saturating_duration_since(moved))
    }

    /// Reads once. False: there is nothing to read now.
    fn read(&mut self) -> Result<bool, Gone> {
        let mut chunk = [0; CHUNK];
        match self.stream.read(&mut chunk) {
            Ok(0) => {
                self.decoder.finish()?;
                Err(Gone::Closed)
            }
            Ok(n) => {
                self.decoder.push(&chunk[..n])?;
                Ok(true)
            }
            Err(why) => would_block(why).map(|()| false),
        }
    }

    /// Writes replies, making the next only when the one before is gone.
    fn write_replies(&mut self) -> Result<(), Gone> {
        loop {
            while self.written < self.out.len() {
                match self.stream.write(&self.out[self.written..]) {
                    Ok(n) => (self.written, self.moved) = (self.written + n, None),
                    Err(why) => {
                        would_block(why)?;
                        self.moved.get_or_insert_with(Instant::now);
                        return Ok(());
                    }
                }
            }
            self.out.clear();
            self.written = 0;
            let State::Replying(replies) = &mut self.state else { return Ok(()) };
            match replies.next() {
                Some(reply) => encode(&reply, &mut self.out)?,
                None => {
                    self.state = State::Reading;
                    return Ok(());
                }
            }
        }
    }
}

fn would_block(why: std::io::Error) -> Result<(), Gone> {
    match why.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Err(Gone::Closed),
        _ => Err(Gone::Io(why)),
    }
}
