// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames on their way into a socket: copied one behind the other into memory that is allocated once, and sent together.

use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::fd::BorrowedFd;

use dataplane::limits::FRAME_MAX;
use dataplane::{Flushed, Payload, Traffic};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};

/// How frames are told apart on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Each is a message of its own.
    Datagrams,
    /// They follow each other, and say themselves how long they are.
    Stream,
}

/// Why sending stopped before the end. What was not sent is still in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The other end has no room. It may get some.
    Full,
    /// The other end is not there.
    Broken(Errno),
}

/// Frames that wait to be sent, in order.
#[derive(Debug)]
pub(super) struct Queue {
    bytes: Vec<u8>,
    /// Which bytes are whose, of those that are not sent; the first may have been sent in part.
    messages: Vec<Range<usize>>,
    /// Of these, how many are done.
    done: usize,
    /// How many bytes are in use.
    end: usize,
    /// Bytes that stand before each frame.
    prefix: usize,
    /// What was put and what of it was lost since somebody asked.
    put: Traffic,
    lost: Traffic,
}

impl Queue {
    /// Room for `messages` of them, each behind `prefix` bytes, and for `whole` of the longest.
    pub(super) fn new(messages: usize, whole: usize, prefix: usize) -> Self {
        let (bytes, messages) = (vec![0; whole * (prefix + FRAME_MAX)], Vec::with_capacity(messages));
        let (put, lost) = (Traffic::default(), Traffic::default());
        Self { bytes, messages, done: 0, end: 0, prefix, put, lost }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.messages.len() - self.done
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is room for a frame of `len` bytes with what stands before it.
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.has_room_for(self.prefix + len)
    }

    fn has_room_for(&self, bytes: usize) -> bool {
        self.messages.len() < self.messages.capacity() && self.bytes.len() - self.end >= bytes
    }

    /// Appends a frame behind `prefix`, of as many bytes as was said. False: there is no room.
    pub(super) fn push(&mut self, prefix: &[u8], payload: &Payload<'_>) -> bool {
        let len = payload.len();
        if !self.has_room(len) || prefix.len() != self.prefix {
            return false;
        }
        let room = &mut self.bytes[self.end..self.end + prefix.len() + len];
        let (front, frame) = room.split_at_mut(prefix.len());
        front.copy_from_slice(prefix);
        if payload.copy_to(frame).is_none() {
            return false;
        }
        self.add(prefix.len() + len);
        count(&mut self.put, len);
        true
    }

    /// The next `len` bytes are a message.
    fn add(&mut self, len: usize) {
        self.messages.push(self.end..self.end + len);
        self.end += len;
    }

    /// Takes over what waits in `other`, which is empty then; returns for how many there was no room.
    pub(super) fn append(&mut self, other: &mut Queue) -> u64 {
        self.compact();
        let mut lost = 0;
        while !other.is_empty() {
            let from = &other.bytes[other.messages[other.done].clone()];
            if self.has_room_for(from.len()) {
                self.bytes[self.end..self.end + from.len()].copy_from_slice(from);
                self.add(from.len());
                other.done += 1;
            } else {
                other.lose();
                lost += 1;
            }
        }
        other.clear();
        lost
    }

    /// Takes the frame that comes next, with what stands before it.
    pub(super) fn pop(&mut self) -> Option<&[u8]> {
        let message = self.messages.get(self.done)?.clone();
        self.done += 1;
        if self.is_empty() {
            self.clear();
        }
        self.bytes.get(message)
    }

    /// Takes all that wait, each with what stands before it, as far as it was not sent.
    pub(super) fn take_all(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.pop().map(<[u8]>::to_vec)).collect()
    }

    /// Appends a message that was taken by [`Queue::take_all`]. False: there is no room.
    pub(super) fn put_back(&mut self, message: &[u8]) -> bool {
        let fits = self.has_room_for(message.len());
        if fits {
            self.bytes[self.end..self.end + message.len()].copy_from_slice(message);
            self.add(message.len());
        }
        fits
    }

    /// Gives up the frame that comes next.
    fn lose(&mut self) {
        let Some(message) = self.messages.get(self.done) else { return };
        count(&mut self.lost, message.len().saturating_sub(self.prefix));
        self.done += 1;
    }

    /// What became of the frames that were pushed since it was last asked: what was not lost was sent, or will be.
    pub(super) fn outcome(&mut self) -> Flushed {
        let (put, lost) = (std::mem::take(&mut self.put), std::mem::take(&mut self.lost));
        let sent =
            Traffic { frames: put.frames - lost.frames.min(put.frames), bytes: put.bytes.saturating_sub(lost.bytes) };
        Flushed { sent, lost: lost.frames }
    }

    /// Sends without waiting what there is. Returns how many frames went, and why not all did.
    pub(super) fn send(&mut self, socket: BorrowedFd<'_>, style: Style) -> Sent {
        let mut sent = Sent::default();
        while !self.is_empty() {
            let outcome = match style {
                Style::Datagrams => self.send_messages(socket),
                Style::Stream => self.send_bytes(socket),
            };
            match outcome {
                Ok(count) => sent.frames += count as u64,
                Err(why) => match verdict(&why, style) {
                    Some(stopped) => {
                        sent.stopped = Some(stopped);
                        return sent;
                    }
                    // It is this one frame that cannot be sent.
                    None => {
                        self.lose();
                        sent.refused += 1;
                    }
                },
            }
        }
        self.clear();
        sent
    }

    fn send_messages(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let count = sys::mmsg::send_burst(socket, &self.bytes, &self.messages[self.done..])?;
        self.done += count;
        Ok(count)
    }

    fn send_bytes(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let start = self.messages[self.done].start;
        let taken = send(socket, &self.bytes[start..self.end], SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
        let (before, until) = (self.done, start + taken);
        while self.messages.get(self.done).is_some_and(|range| range.end <= until) {
            self.done += 1;
        }
        if let Some(part) = self.messages.get_mut(self.done) {
            part.start = until;
        }
        Ok(self.done - before)
    }

    /// Gives all of it up; returns how many that were.
    pub(super) fn clear(&mut self) -> u64 {
        let left = self.len();
        while !self.is_empty() {
            self.lose();
        }
        self.messages.clear();
        (self.done, self.end) = (0, 0);
        left as u64
    }

    /// Moves what waits to the front.
    fn compact(&mut self) {
        let Some(first) = self.messages.get(self.done).map(|range| range.start).filter(|start| *start > 0) else {
            return;
        };
        self.bytes.copy_within(first..self.end, 0);
        self.messages.drain(..self.done);
        for range in &mut self.messages {
            *range = range.start - first..range.end - first;
        }
        self.end -= first;
        self.done = 0;
    }
}

/// Counts a frame of `len` bytes.
pub(super) fn count(traffic: &mut Traffic, len: usize) {
    traffic.frames += 1;
    traffic.bytes += len as u64;
}

/// What became of the frames of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sent {
    /// Frames that the other end has taken, or will.
    pub(super) frames: u64,
    /// Frames that cannot be sent, whenever it is tried.
    pub(super) refused: u64,
    /// Why the rest was not.
    pub(super) stopped: Option<Stopped>,
}

/// What an error means; `None`: that this frame cannot be sent, and the next perhaps can.
fn verdict(why: &io::Error, style: Style) -> Option<Stopped> {
    if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) {
        return Some(Stopped::Full);
    }
    let errno = why.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error);
    let frame = matches!(errno, Errno::MSGSIZE | Errno::INVAL | Errno::NOBUFS | Errno::TOOBIG | Errno::FAULT);
    (style == Style::Stream || !frame).then_some(Stopped::Broken(errno))
}
