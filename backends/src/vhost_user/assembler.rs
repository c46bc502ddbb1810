// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whole messages out of a byte stream, without any I/O.
//!
//! Push what `recvmsg` gave, pull messages. A stream that cannot be understood, and a message that stays unfinished for
//! longer than the limit, is an [`Unreadable`], after which nothing more can be read from that peer: the next byte could
//! mean anything. At most one message is held, so memory is bounded by [`BODY_MAX`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::message::{BODY_MAX, HEADER_LEN, Header, Message};
use crate::dispose::Descriptors;

/// Longest time from the first byte of a message to its last. Real frontends send a message in one call.
pub const MESSAGE_TIME_MAX: Duration = Duration::from_secs(5);

/// Why a stream cannot be read any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The version bits are not 1.
    #[error("message {request} has protocol version {version}, expected 1")]
    Version {
        /// Its id.
        request: u32,
        /// What it says.
        version: u32,
    },
    /// A frontend sent a reply, or a backend a request.
    #[error("message {request} travels in the wrong direction: its reply bit is wrong")]
    Direction {
        /// Its id.
        request: u32,
    },
    /// Reserved flag bits are set.
    #[error("message {request} sets reserved flag bits {bits:#x}")]
    Reserved {
        /// Its id.
        request: u32,
        /// Those bits.
        bits: u32,
    },
    /// The payload is longer than any message of the protocol.
    #[error("message {request} announces {size} bytes, at most {BODY_MAX} are taken")]
    TooLong {
        /// Its id.
        request: u32,
        /// What it announces.
        size: u32,
    },
    /// Descriptors must come with the first byte of a message.
    #[error("file descriptors came in the middle of a message; they belong to its first byte")]
    LateDescriptors,
    /// More descriptors than one message may carry.
    #[error("more file descriptors than one message may carry (32)")]
    TooManyDescriptors,
    /// The message was not finished in time.
    #[error("a message was begun and not finished within {} s", MESSAGE_TIME_MAX.as_secs())]
    TooSlow,
}

/// Which way the messages of a stream travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the frontend: requests.
    Requests,
    /// From the daemon: replies.
    Replies,
}

/// Collects the bytes and descriptors of one direction of a connection into messages.
#[derive(Debug)]
pub struct Assembler {
    direction: Direction,
    partial: Vec<u8>,
    fds: Descriptors,
    /// When the first byte of the partial message came.
    begun: Option<Instant>,
    ready: VecDeque<Message>,
}

impl Assembler {
    /// An empty assembler.
    #[must_use]
    pub fn new(direction: Direction) -> Self {
        Self { direction, partial: Vec::new(), fds: Descriptors::default(), begun: None, ready: VecDeque::new() }
    }

    /// How many bytes to read next, so that a read ends where the header or the message ends. Reading further could mix
    /// up whose descriptors are whose: the kernel says only that they came somewhere in the bytes of one read.
    #[must_use]
    pub fn wanted(&self) -> usize {
        let target = if self.partial.len() < HEADER_LEN { HEADER_LEN } else { self.target() };
        target - self.partial.len()
    }

    /// Length of the message whose header is complete.
    fn target(&self) -> usize {
        self.header().map_or(HEADER_LEN, |header| HEADER_LEN + header.size as usize)
    }

    fn header(&self) -> Option<Header> {
        Some(Header::parse(self.partial.get(..HEADER_LEN)?.try_into().ok()?))
    }

    /// Takes bytes that came at `now`, with the descriptors that came with the first of them.
    ///
    /// # Errors
    /// [`Unreadable`]: the stream is lost.
    pub fn push(&mut self, mut bytes: &[u8], fds: Descriptors, now: Instant) -> Result<(), Unreadable> {
        if !fds.is_empty() {
            if !self.partial.is_empty() {
                return Err(Unreadable::LateDescriptors);
            }
            if fds.len() > sys::fd::MAX_FDS {
                return Err(Unreadable::TooManyDescriptors);
            }
            self.fds = fds;
        }
        while !bytes.is_empty() {
            let (head, rest) = bytes.split_at(self.wanted().min(bytes.len()));
            self.take(head, now)?;
            bytes = rest;
        }
        Ok(())
    }

    /// Takes bytes that end at the latest where the header or the message ends.
    fn take(&mut self, bytes: &[u8], now: Instant) -> Result<(), Unreadable> {
        self.begun.get_or_insert(now);
        self.partial.extend_from_slice(bytes);
        let Some(header) = self.header() else { return Ok(()) };
        if self.partial.len() == HEADER_LEN {
            check(header, self.direction)?;
        }
        if self.partial.len() == self.target() {
            self.finish(header);
        }
        Ok(())
    }

    fn finish(&mut self, header: Header) {
        let body = self.partial.split_off(HEADER_LEN);
        let fds = std::mem::take(&mut self.fds);
        self.partial.clear();
        self.begun = None;
        self.ready.push_back(Message { request: header.request, flags: header.flags, body, fds });
    }

    /// The next whole message.
    pub fn pull(&mut self) -> Option<Message> {
        self.ready.pop_front()
    }

    /// Until when the message under way must be complete; `None` between messages.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.begun.map(|begun| begun + MESSAGE_TIME_MAX)
    }

    /// Tells a peer that dawdles.
    ///
    /// # Errors
    /// [`Unreadable::TooSlow`] once the deadline is past.
    pub fn check_time(&self, now: Instant) -> Result<(), Unreadable> {
        if self.deadline().is_some_and(|deadline| now >= deadline) { Err(Unreadable::TooSlow) } else { Ok(()) }
    }
}

/// What can be said of a message by its header alone.
fn check(header: Header, direction: Direction) -> Result<(), Unreadable> {
    let request = header.request;
    if !header.version_known() {
        return Err(Unreadable::Version { request, version: header.version() });
    }
    if header.is_reply() != (direction == Direction::Replies) {
        return Err(Unreadable::Direction { request });
    }
    if header.reserved() != 0 {
        return Err(Unreadable::Reserved { request, bits: header.reserved() });
    }
    if header.size as usize > BODY_MAX {
        return Err(Unreadable::TooLong { request, size: header.size });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;
    use crate::vhost_user::message::request as id;

    fn bell() -> OwnedFd {
        rustix::event::eventfd(0, rustix::event::EventfdFlags::empty()).unwrap()
    }

    #[test]
    fn messages_come_out_whole_however_they_come_in() {
        let messages: Vec<Message> = (0..5).map(|len| Message::new(id::SET_CONFIG, vec![7; 100 * len])).collect();
        let stream: Vec<u8> = messages.iter().flat_map(Message::to_bytes).collect();
        for step in [1, 2, 11, 12, 13, 500, stream.len()] {
            let mut assembler = Assembler::new(Direction::Requests);
            for piece in stream.chunks(step) {
                assembler.push(piece, Descriptors::default(), Instant::now()).unwrap();
            }
            let lens: Vec<usize> = std::iter::from_fn(|| assembler.pull()).map(|message| message.body.len()).collect();
            assert_eq!(lens, [0, 100, 200, 300, 400], "in pieces of {step}");
            assert_eq!(assembler.deadline(), None);
        }
    }

    #[test]
    fn descriptors_belong_to_the_message_that_they_begin_with() {
        let (mut assembler, now) = (Assembler::new(Direction::Requests), Instant::now());
        let bytes = Message::new(id::SET_VRING_KICK, vec![0; 8]).to_bytes();
        assembler.push(&bytes[..1], vec![bell()].into(), now).unwrap();
        assembler.push(&bytes[1..], Descriptors::default(), now).unwrap();
        assembler.push(&bytes, Descriptors::default(), now).unwrap();
        assert_eq!(assembler.pull().unwrap().fds.len(), 1);
        assert_eq!(assembler.pull().unwrap().fds.len(), 0);
        assembler.push(&bytes[..1], Descriptors::default(), now).unwrap();
        assert_eq!(assembler.push(&bytes[1..2], vec![bell()].into(), now), Err(Unreadable::LateDescriptors));
    }

    #[test]
    fn a_message_that_is_not_finished_in_time_is_an_error() {
        let (mut assembler, now) = (Assembler::new(Direction::Requests), Instant::now());
        assert_eq!(assembler.check_time(now + MESSAGE_TIME_MAX), Ok(()), "an idle frontend may be silent");
        assembler.push(&[1], Descriptors::default(), now).unwrap();
        // A trickle does not buy time.
        assembler.push(&[0], Descriptors::default(), now + MESSAGE_TIME_MAX / 2).unwrap();
        assert_eq!(assembler.check_time(now + MESSAGE_TIME_MAX / 2), Ok(()));
        assert_eq!(assembler.check_time(now + MESSAGE_TIME_MAX), Err(Unreadable::TooSlow));
    }
}
