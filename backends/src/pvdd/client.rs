// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One client: its connection and its dialogue.

use super::desk::Desk;
use super::dialogue::Dialogue;
use super::listen::Stream;
use super::{AT_ONCE, STALL_MAX};
use crate::ctl_server::access::Access;
use std::io::{self, ErrorKind};
use std::time::Instant;
use vmm_sys_util::epoll::EventSet;

/// Bytes that are read at once.
const CHUNK: usize = 16 << 10;

/// Why a client goes.
#[derive(Debug, thiserror::Error)]
pub(super) enum Gone {
    #[error("it closed the connection")]
    Closed,
    #[error("{0}")]
    Io(#[from] io::Error),
}

pub(super) struct Client {
    stream: Stream,
    dialogue: Dialogue,
    /// Of what is to be sent, so much is.
    written: usize,
    /// Since when it leaves something unread.
    waits: Option<Instant>,
    /// There may be more to read.
    readable: bool,
    /// When it came, or last sent something.
    heard: Instant,
}

impl Client {
    pub(super) fn new(stream: Stream, dialogue: Dialogue) -> Client {
        Client { stream, dialogue, written: 0, waits: None, readable: false, heard: Instant::now() }
    }

    /// It has sent something, or gone.
    pub(super) fn has_sent(&mut self) {
        (self.readable, self.heard) = (true, Instant::now());
    }

    /// Whom somebody who may do `access` may take the place of, and who goes first: those that may do less, and those that may
    /// do as much and do nothing. `None`: it stays.
    pub(super) fn yields_to(&self, access: Access) -> Option<(Access, bool, Instant)> {
        let (own, engaged) = (self.dialogue.access(), self.dialogue.is_engaged());
        (own < access || own == access && !engaged).then_some((own, engaged, self.heard))
    }

    /// Answers, reads and tells news as far as that goes without waiting. True: others should have their turn, and then it
    /// goes on.
    pub(super) fn turn(&mut self, desk: &mut dyn Desk) -> Result<bool, Gone> {
        for _ in 0..AT_ONCE {
            if !self.send()? {
                return Ok(false);
            }
            if !self.dialogue.advance(desk) && !self.read()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What the loop should wait for.
    pub(super) fn interest(&self) -> EventSet {
        if self.dialogue.to_send().is_empty() { EventSet::IN } else { EventSet::OUT }
    }

    /// It has left something unread for too long.
    pub(super) fn is_stalled(&self, now: Instant) -> bool {
        self.waits.is_some_and(|since| now.saturating_duration_since(since) > STALL_MAX)
    }

    /// Sends what there is to be sent. False: the client has to read first.
    fn send(&mut self) -> Result<bool, Gone> {
        while let Some(rest @ [_, ..]) = self.dialogue.to_send().get(self.written..) {
            match self.stream.write(rest) {
                Ok(n) => self.written += n,
                Err(why) => {
                    would_block(why)?;
                    self.waits.get_or_insert_with(Instant::now);
                    return Ok(false);
                }
            }
        }
        self.dialogue.sent();
        (self.written, self.waits) = (0, None);
        Ok(true)
    }

    /// Reads once. False: there is nothing to read now.
    fn read(&mut self) -> Result<bool, Gone> {
        if !self.readable {
            return Ok(false);
        }
        let mut chunk = [0; CHUNK];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(Gone::Closed),
            Ok(n) => {
                self.dialogue.push(&chunk[..n]);
                Ok(true)
            }
            Err(why) => {
                self.readable = false;
                would_block(why).map(|()| false)
            }
        }
    }
}

fn would_block(why: io::Error) -> Result<(), Gone> {
    match why.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Err(Gone::Closed),
        _ => Err(Gone::Io(why)),
    }
}
