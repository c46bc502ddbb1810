// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The socket between a weftd and its successor: words, and an estate with its descriptors. The text of an estate is one of those,
//! so that an estate can lie in the socket until somebody reads it, however long it is.
//!
//! Both ends are weftd's own, so what comes is not hostile; but one of the two may be stuck, or of another version, so nothing is
//! waited for without end, and nothing is taken in without bound.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::sockopt::set_socket_send_buffer_size_force;
use serde::{Deserialize, Serialize};
use sys::fd::{MAX_FDS, recv_with_fds, send_with_fds};

/// The longest word.
const WORD_MAX: usize = 64 << 10;

/// The longest text of an estate.
const TEXT_MAX: u64 = 256 << 20;

/// The most descriptors: those of 2048 ports with many rings and regions each.
const FDS_MAX: usize = 1 << 18;

/// Bytes that the socket has room for, with what the kernel keeps of each message.
const BUFFER: usize = 16 << 20;

/// Length of the text and number of descriptors, 32 bits each.
const HEADER: usize = 8;

/// What the two say to each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    /// The successor is there.
    Hello {
        /// The estates that it reads.
        reads: Vec<u32>,
        /// Which weftd it is.
        weft: String,
    },
    /// The estate follows.
    Estate,
    /// All is ready but that rings run.
    Ready,
    /// The rings are stopped.
    Go,
    /// They run again.
    Done,
    /// What can only be told now follows.
    Rest,
    /// What lanes leave follows; or, of a successor: it has begun to use that.
    Lanes,
    /// It cannot be.
    Failed(String),
}

/// One end of the socket.
#[derive(Debug)]
pub struct Channel {
    stream: UnixStream,
}

impl Channel {
    /// Both ends.
    ///
    /// # Errors
    /// The system is out of descriptors.
    pub(crate) fn pair() -> io::Result<(Channel, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        // What is left to systemd lies in the socket until somebody reads it. Without the right to more there is room for some
        // hundred guests.
        let _ = set_socket_send_buffer_size_force(&ours, BUFFER);
        Ok((Channel { stream: ours }, theirs.into()))
    }

    /// The successor's end, which is its standard input.
    ///
    /// # Errors
    /// It cannot be duplicated.
    pub fn of_successor() -> io::Result<Channel> {
        io::stdin().as_fd().try_clone_to_owned().map(Channel::over)
    }

    /// The end that this descriptor is.
    pub(crate) fn over(stream: OwnedFd) -> Channel {
        Channel { stream: UnixStream::from(stream) }
    }

    /// Says a word.
    ///
    /// # Errors
    /// The other end is gone, or does not read for so long.
    pub(crate) fn say(&self, word: &Word, patience: Duration) -> io::Result<()> {
        let text = serde_json::to_vec(word).map_err(io::Error::other)?;
        self.send_all(&text, &[], Instant::now() + patience)
    }

    /// Waits for a word.
    ///
    /// # Errors
    /// The other end is gone, says nothing for so long, or nothing that makes sense.
    pub(crate) fn hear(&self, patience: Duration) -> io::Result<Word> {
        let (text, _) = self.receive_all(Instant::now() + patience)?;
        serde_json::from_slice(&text).map_err(io::Error::other)
    }

    /// A word, if one is there.
    ///
    /// # Errors
    /// The other end is gone, or says nothing that makes sense.
    pub(crate) fn heard(&self) -> io::Result<Option<Word>> {
        match self.wait(PollFlags::IN, Duration::ZERO) {
            Ok(()) => self.hear(Duration::from_secs(1)).map(Some),
            Err(why) if why.kind() == ErrorKind::TimedOut => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// Sends a text of any length with descriptors.
    ///
    /// # Errors
    /// As [`Channel::say`].
    pub(crate) fn give(&self, text: &str, fds: &[BorrowedFd<'_>], patience: Duration) -> io::Result<()> {
        let mut file = File::from(memfd_create("weft-estate", MemfdFlags::CLOEXEC)?);
        file.write_all(text.as_bytes())?;
        let fds: Vec<BorrowedFd<'_>> = [file.as_fd()].into_iter().chain(fds.iter().copied()).collect();
        self.send_all(&[], &fds, Instant::now() + patience)
    }

    /// Receives a text with its descriptors.
    ///
    /// # Errors
    /// As [`Channel::hear`].
    pub(crate) fn take(&self, patience: Duration) -> io::Result<(String, Vec<OwnedFd>)> {
        let (_, mut fds) = self.receive_all(Instant::now() + patience)?;
        let mut file = File::from(fds.drain(..fds.len().min(1)).next().ok_or(ErrorKind::InvalidData)?);
        let (mut text, len) = (String::new(), file.metadata()?.len());
        if len > TEXT_MAX {
            return Err(io::Error::other("there is more than can be taken over"));
        }
        file.rewind()?;
        file.take(len).read_to_string(&mut text)?;
        Ok((text, fds))
    }

    /// Throws away what nobody has read: what hangs on it is let go.
    pub(crate) fn drain(&self) {
        while self.receive(1, Instant::now()).is_ok() {}
    }

    fn send_all(&self, text: &[u8], fds: &[BorrowedFd<'_>], until: Instant) -> io::Result<()> {
        if text.len() > WORD_MAX || fds.len() > FDS_MAX {
            return Err(io::Error::other("there is more than can be handed over"));
        }
        let head = [text.len() as u32, fds.len() as u32].map(u32::to_le_bytes).concat();
        self.send(&head, &[], until)?;
        fds.chunks(MAX_FDS).try_for_each(|some| self.send(&[0], some, until))?;
        self.send(text, &[], until)
    }

    fn receive_all(&self, until: Instant) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
        let (head, _) = self.receive(HEADER, until)?;
        let word = |at: usize| head[at..at + 4].iter().rev().fold(0, |word, byte| word << 8 | usize::from(*byte));
        let (len, count) = (word(0), word(4));
        if len > WORD_MAX || count > FDS_MAX {
            return Err(io::Error::other("more is announced than can be taken over"));
        }
        let mut fds = Vec::new();
        while fds.len() < count {
            let (_, some) = self.receive(1, until)?;
            fds.extend(some);
        }
        let (text, _) = self.receive(len, until)?;
        Ok((text, fds))
    }

    fn send(&self, mut bytes: &[u8], mut fds: &[BorrowedFd<'_>], until: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            match send_with_fds(self.stream.as_fd(), bytes, fds) {
                // They have gone with the first byte.
                Ok(sent) => (bytes, fds) = (&bytes[sent..], &[]),
                Err(why) if why.kind() == ErrorKind::WouldBlock => self.wait(PollFlags::OUT, left(until))?,
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    fn receive(&self, len: usize, until: Instant) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
        let (mut bytes, mut fds, mut have) = (vec![0; len], Vec::new(), 0);
        while have < len {
            match recv_with_fds(self.stream.as_fd(), &mut bytes[have..], &mut fds) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(more) => have += more,
                Err(why) if why.kind() == ErrorKind::WouldBlock => self.wait(PollFlags::IN, left(until))?,
                Err(why) => return Err(why),
            }
        }
        Ok((bytes, fds))
    }

    fn wait(&self, flags: PollFlags, patience: Duration) -> io::Result<()> {
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&self.stream, flags)], Some(&patience))? {
            0 => Err(ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }
}

impl AsRawFd for Channel {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}
