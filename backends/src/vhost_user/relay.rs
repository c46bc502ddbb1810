// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Moves messages between a frontend and its daemon, through the guard.
//!
//! One message of the frontend is under way at a time: while the daemon owes an answer, or the frontend has not taken
//! one, nothing more is read from the frontend. So answers keep their order whoever gives them, and what is buffered is
//! at most what one message brings. Nothing here blocks; whoever owns the relay polls the two sockets for
//! [`Relay::interest`] and calls [`Relay::pump`].

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::assembler::{Assembler, Direction, Unreadable};
use super::guard::{Guard, Note, Refusal, Script, Verdict};
use super::message::{BODY_MAX, HEADER_LEN, Message};
use super::script::{Adoption, Prompter};
use crate::dispose::{Connection, Descriptors};

/// Messages served before the event loop has its turn again.
const BATCH: usize = 16;
/// How long a connection may be silent before its first message: until then it keeps others from the port.
const GREETING_TIME_MAX: Duration = Duration::from_secs(10);

/// Why a relay has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The frontend closed the connection.
    Closed,
    /// The daemon did; it knows why.
    Daemon,
    /// The guard ended the session.
    Refused(Refusal),
    /// Nothing came for too long.
    Silent,
    /// A socket failed.
    Socket(String),
    /// What another process has begun cannot go on here.
    Adoption(String),
}

/// What to wait for on one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interest {
    pub(super) read: bool,
    pub(super) write: bool,
}

/// The two sockets of one session and what is under way between them.
pub(super) struct Relay {
    frontend: Connection,
    link: UnixStream,
    guard: Guard,
    requests: Assembler,
    replies: Assembler,
    to_daemon: VecDeque<Message>,
    to_frontend: Vec<u8>,
    /// The daemon owes an answer.
    answer_due: bool,
    /// Until when the first message must have come; `None`: it has.
    greeting_due: Option<Instant>,
    /// What is said in the frontend's place, while that is so.
    prompter: Option<Prompter>,
}

impl Relay {
    pub(super) fn new(frontend: Connection, link: UnixStream, guard: Guard, now: Instant) -> Self {
        Self {
            frontend,
            link,
            guard,
            requests: Assembler::new(Direction::Requests),
            replies: Assembler::new(Direction::Replies),
            to_daemon: VecDeque::new(),
            to_frontend: Vec::new(),
            answer_due: false,
            greeting_due: Some(now + GREETING_TIME_MAX),
            prompter: None,
        }
    }

    /// A relay whose frontend has been served by another process, up to where `script` ends.
    pub(super) fn adopt(frontend: Connection, link: UnixStream, guard: Guard, script: Script, now: Instant) -> Self {
        let mut relay = Self::new(frontend, link, guard, now);
        if !script.setting.is_empty() {
            relay.greeting_due = None;
        }
        relay.prompter = Some(Prompter::new(script));
        relay
    }

    /// Has the rings of an adopted session run.
    pub(super) fn proceed(&mut self) {
        self.prompter.iter_mut().for_each(Prompter::proceed);
    }

    /// The frontend is nobody else's any more.
    pub(super) fn take_over(&mut self) {
        self.frontend.take_over();
    }

    /// How far it is with an adopted session.
    pub(super) fn adoption(&self) -> Adoption {
        match &self.prompter {
            None => Adoption::Done,
            Some(prompter) if prompter.has_paused() => Adoption::Ready,
            Some(_) => Adoption::Underway,
        }
    }

    /// The session in its frontend's words, which is between two messages.
    ///
    /// # Errors
    /// It is in the middle of one, or something of it cannot be said.
    pub(super) fn script(&self) -> io::Result<Script> {
        if !self.ready() || self.requests.deadline().is_some() || self.prompter.is_some() {
            return Err(io::Error::other("its frontend is in the middle of a message"));
        }
        self.guard.script()
    }

    pub(super) fn frontend(&self) -> &UnixStream {
        &self.frontend
    }

    pub(super) fn link(&self) -> &UnixStream {
        &self.link
    }

    /// What to wait for: first on the frontend's socket, then on the link to the daemon.
    pub(super) fn interest(&self) -> (Interest, Interest) {
        let read = self.ready() && self.prompter.is_none();
        let frontend = Interest { read, write: !self.to_frontend.is_empty() };
        (frontend, Interest { read: true, write: !self.to_daemon.is_empty() })
    }

    /// Until when the frontend must have said more.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.requests.deadline().or(self.greeting_due)
    }

    /// Whether the frontend has said anything yet.
    pub(super) fn greeted(&self) -> bool {
        self.greeting_due.is_none()
    }

    /// Whether another message of the frontend can be taken.
    fn ready(&self) -> bool {
        !self.answer_due && self.to_daemon.is_empty() && self.to_frontend.is_empty()
    }

    /// Moves what can be moved, and tells why it all ended if it did. `hung_up`: the frontend's socket is closed at its
    /// end. `take` gets the notes, each before the message that it belongs to is answered.
    pub(super) fn pump(&mut self, now: Instant, hung_up: bool, mut take: impl FnMut(Note)) -> Option<Ended> {
        for _ in 0..BATCH {
            match self.step(now, &mut take) {
                Ok(true) => {}
                Ok(false) => break,
                Err(ended) => return Some(ended),
            }
        }
        // With the frontend gone, nobody waits for the answer any more.
        (hung_up && !self.ready()).then_some(Ended::Closed)
    }

    /// Ends a session whose frontend dawdles.
    pub(super) fn check_time(&self, now: Instant) -> Option<Ended> {
        if let Err(slow) = self.requests.check_time(now) {
            return Some(Ended::Refused(slow.into()));
        }
        self.greeting_due.is_some_and(|due| now >= due).then_some(Ended::Silent)
    }

    /// One round over both sockets. `true`: something moved.
    fn step(&mut self, now: Instant, take: &mut impl FnMut(Note)) -> Result<bool, Ended> {
        let mut moved = self.write_daemon()?;
        moved |= self.read_daemon(now)?;
        moved |= self.write_frontend()?;
        if self.ready() && self.prompter.is_none() {
            moved |= self.read_frontend(now)?;
        }
        if let Some(message) = self.next_request() {
            self.judge(message, take)?;
            moved = true;
        }
        Ok(moved)
    }

    /// What the frontend has said, or is said in its place.
    fn next_request(&mut self) -> Option<Message> {
        let ready = self.ready();
        match &mut self.prompter {
            Some(prompter) if ready => prompter.next_line(),
            Some(_) => None,
            None => self.requests.pull(),
        }
    }

    /// Answers the frontend, or whoever speaks in its place.
    fn answer(&mut self, reply: &Message) -> Result<(), Ended> {
        let Some(prompter) = &mut self.prompter else {
            self.to_frontend.extend(reply.to_bytes());
            return Ok(());
        };
        prompter.hear(reply).map_err(Ended::Adoption)?;
        self.prompter.take_if(|prompter| prompter.is_over());
        Ok(())
    }

    fn judge(&mut self, message: Message, take: &mut impl FnMut(Note)) -> Result<(), Ended> {
        self.greeting_due = None;
        let ruling = self.guard.judge(message);
        ruling.notes.into_iter().for_each(take);
        match ruling.verdict {
            Verdict::Forward { messages, answered } => {
                self.to_daemon.extend(messages);
                self.answer_due = answered;
            }
            Verdict::Answer(reply) => reply.iter().try_for_each(|reply| self.answer(reply))?,
            Verdict::Refuse(refusal) => return Err(Ended::Refused(refusal)),
        }
        Ok(())
    }

    fn read_frontend(&mut self, now: Instant) -> Result<bool, Ended> {
        let received = receive(self.frontend.as_fd(), self.requests.wanted());
        let (bytes, fds) = match received {
            Ok(Some(received)) => received,
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Ended::Refused(Unreadable::TooManyDescriptors.into()));
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(Ended::Closed),
            Err(error) => return Err(Ended::Socket(format!("reading from the frontend: {error}"))),
        };
        if bytes.is_empty() {
            return Err(Ended::Closed);
        }
        self.requests.push(&bytes, fds, now).map_err(|unreadable| Ended::Refused(unreadable.into()))?;
        Ok(true)
    }

    fn read_daemon(&mut self, now: Instant) -> Result<bool, Ended> {
        match receive(self.link.as_fd(), self.replies.wanted()) {
            Ok(Some((bytes, fds))) if !bytes.is_empty() => {
                self.replies.push(&bytes, fds, now).map_err(|_| Ended::Daemon)?;
            }
            Ok(None) => return Ok(false),
            _ => return Err(Ended::Daemon),
        }
        if let Some(reply) = self.replies.pull() {
            self.answer_due = false;
            self.guard.hear(&reply);
            self.answer(&reply)?;
        }
        Ok(true)
    }

    fn write_daemon(&mut self) -> Result<bool, Ended> {
        let mut moved = false;
        while let Some(message) = self.to_daemon.front() {
            let (bytes, fds) = (message.to_bytes(), message.fds.iter().map(AsFd::as_fd).collect::<Vec<_>>());
            match sys::fd::send_with_fds(self.link.as_fd(), &bytes, &fds) {
                // A message fits one socket buffer, so the kernel takes all of it or nothing.
                Ok(sent) if sent == bytes.len() => moved = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                _ => return Err(Ended::Daemon),
            }
            // What the guard lets through is memory or an eventfd, which we can close ourselves.
            self.to_daemon.pop_front().into_iter().for_each(|mut message| message.fds.clear());
        }
        Ok(moved)
    }

    fn write_frontend(&mut self) -> Result<bool, Ended> {
        if self.to_frontend.is_empty() {
            return Ok(false);
        }
        match sys::fd::send_with_fds(self.frontend.as_fd(), &self.to_frontend, &[]) {
            Ok(sent) => {
                self.to_frontend.drain(..sent);
                Ok(sent > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                Err(Ended::Closed)
            }
            Err(error) => Err(Ended::Socket(format!("writing to the frontend: {error}"))),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // The rings hold a duplicate of the link, so closing ours would not end the daemon.
        let _ = self.link.shutdown(Shutdown::Both);
    }
}

/// Bytes and the descriptors that came with them.
type Received = (Vec<u8>, Descriptors);

/// Reads at most `wanted` bytes; `None`: nothing waits; no bytes: the end.
fn receive(socket: BorrowedFd<'_>, wanted: usize) -> io::Result<Option<Received>> {
    let (mut bytes, mut fds) = ([0; HEADER_LEN + BODY_MAX], Descriptors::default());
    let space = bytes.len().min(wanted);
    match sys::fd::recv_with_fds(socket, &mut bytes[..space], &mut fds) {
        Ok(count) => Ok(Some((bytes[..count].to_vec(), fds))),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::vhost_user::features::PROTOCOL_FEATURES;
    use crate::vhost_user::guard::{Limits, SealPolicy};
    use crate::vhost_user::message::request as id;

    /// A relay, its frontend and its daemon.
    fn relay(now: Instant) -> (Relay, UnixStream, UnixStream) {
        let limits = Limits { rings: 2, features: PROTOCOL_FEATURES, mtu: 1500, seals: SealPolicy::Off };
        let (frontend, ours) = UnixStream::pair().unwrap();
        let (link, daemon) = UnixStream::pair().unwrap();
        (Relay::new(ours.into(), link, Guard::new(limits), now), frontend, daemon)
    }

    fn pump(relay: &mut Relay, now: Instant) -> Option<Ended> {
        relay.pump(now, false, |note| panic!("{note:?}"))
    }

    #[test]
    fn a_frontend_that_says_nothing_or_never_finishes_is_dropped() {
        let now = Instant::now();
        let (mut relay, mut frontend, _daemon) = relay(now);
        assert_eq!(relay.check_time(now), None);
        assert_eq!(relay.check_time(relay.deadline().unwrap()), Some(Ended::Silent));
        frontend.write_all(&[1, 0]).unwrap();
        assert_eq!(pump(&mut relay, now), None);
        let due = relay.deadline().unwrap();
        assert_eq!(relay.check_time(due), Some(Ended::Refused(Unreadable::TooSlow.into())));
        frontend.write_all(&[0, 0, 1, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        assert_eq!(pump(&mut relay, now), None);
        assert_eq!((relay.deadline(), relay.check_time(due)), (None, None), "a frontend that has talked may be silent");
    }

    #[test]
    fn nothing_is_read_from_a_frontend_that_is_owed_an_answer() {
        let now = Instant::now();
        let (mut relay, mut frontend, mut daemon) = relay(now);
        let ask = Message::new(id::GET_FEATURES, Vec::new()).to_bytes();
        frontend.write_all(&[ask.clone(), ask].concat()).unwrap();
        assert_eq!(pump(&mut relay, now), None);
        assert_eq!(relay.interest(), (Interest { read: false, write: false }, Interest { read: true, write: false }));
        assert_eq!(relay.pump(now, true, |_| ()), Some(Ended::Closed), "nobody is left to take the answer");
        daemon.write_all(&Message::reply_u64(id::GET_FEATURES, 7).to_bytes()).unwrap();
        assert_eq!(pump(&mut relay, now), None);
        assert!(!relay.ready(), "the second question is under way");
    }

    #[test]
    fn the_end_of_either_side_is_told_apart() {
        let now = Instant::now();
        let (mut first, frontend, _daemon) = relay(now);
        drop(frontend);
        assert_eq!(pump(&mut first, now), Some(Ended::Closed));
        let (mut second, _frontend, daemon) = relay(now);
        drop(daemon);
        assert_eq!(pump(&mut second, now), Some(Ended::Daemon));
    }
}
