// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A raw vhost-user frontend: what QEMU and cloud-hypervisor do on the socket, and what they never would.
//!
//! Messages are our own 12-byte headers, not a library's, because a library refuses to send what a hostile frontend
//! sends, and insists on an order of its own. [`Frontend`] moves bytes and file descriptors; `calls` names every message;
//! [`script`] holds the message orders of real VMMs as data.
mod calls;
mod message;
pub mod script;
pub(crate) mod socket;

#[cfg(test)]
mod tests;

use std::io;
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::SendFlags;

pub use calls::{RingAddresses, protocol};
pub use message::{FLAG_NEED_REPLY, FLAG_REPLY, FLAG_VERSION, HEADER_LEN, Request};

use crate::wait::{Deadline, PATIENCE};

/// Largest body that a switch may answer with, bytes.
const BODY_MAX: usize = 4096;

/// Why the frontend could not go on.
#[derive(Debug, thiserror::Error)]
pub enum FrontendError {
    /// The switch hung up.
    #[error("the switch closed the session at {0}")]
    Closed(Request),
    /// The switch did not answer, or did not read.
    #[error("the switch did not answer {0} in time")]
    Silent(Request),
    /// The switch answered NEED_REPLY with a failure.
    #[error("the switch refused {0} with code {1}")]
    Refused(Request, u64),
    /// The answer is not one.
    #[error("the switch answered {0} with nonsense: {1}")]
    Garbled(Request, String),
    /// A feature that the guest already uses is no longer offered.
    #[error("the switch offers features {offered:#x} and the guest runs with {acked:#x}")]
    Shrunk {
        /// What the switch offers now.
        offered: u64,
        /// What the guest negotiated before.
        acked: u64,
    },
    /// The socket could not be reached at all.
    #[error("vhost-user socket: {0}")]
    Io(#[from] io::Error),
}

/// One vhost-user connection, frontend side. Dropping it hangs up.
#[derive(Debug)]
pub struct Frontend {
    stream: UnixStream,
    /// Ask for, and wait for, an acknowledgement of every command.
    acknowledge: bool,
    /// Every message sent, in order.
    transcript: Vec<Request>,
}

impl Drop for Frontend {
    /// To close it is not enough: a process that another test is starting has a copy until it has become its program.
    fn drop(&mut self) {
        // The switch may have hung up first.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Frontend {
    /// Connects to a port in server mode.
    ///
    /// # Errors
    /// [`FrontendError::Io`] when nobody listens.
    pub fn connect(path: &Path) -> Result<Frontend, FrontendError> {
        Frontend::from_stream(UnixStream::connect(path)?)
    }

    /// Speaks over a socket that is connected already.
    ///
    /// # Errors
    /// [`FrontendError::Io`] when the socket takes no time limits.
    pub fn from_stream(stream: UnixStream) -> Result<Frontend, FrontendError> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Frontend { stream, acknowledge: false, transcript: Vec::new() })
    }

    /// From now on, ask for an acknowledgement of every command (NEED_REPLY) and check it; or do not.
    pub fn acknowledge(&mut self, on: bool) {
        self.acknowledge = on;
    }

    /// Every message sent so far.
    pub fn transcript(&self) -> &[Request] {
        &self.transcript
    }

    /// Sends any bytes with any file descriptors.
    ///
    /// # Errors
    /// [`FrontendError::Io`] when the switch has hung up or does not read.
    pub fn send_raw(&self, bytes: &[u8], fds: &[BorrowedFd]) -> Result<(), FrontendError> {
        Ok(socket::send_all(&self.stream, bytes, fds)?)
    }

    /// Sends as much of `bytes` as there is room for, without waiting, and returns how much that was.
    ///
    /// # Errors
    /// [`FrontendError::Io`] when the switch has hung up; of the kind `WouldBlock` when there is no room at all.
    pub fn try_send_raw(&self, bytes: &[u8]) -> Result<usize, FrontendError> {
        Ok(rustix::net::send(&self.stream, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
            .map_err(io::Error::from)?)
    }

    /// Sends one message with these header flags, and waits for nothing.
    ///
    /// # Errors
    /// [`FrontendError::Closed`] when the switch has hung up, [`FrontendError::Silent`] when it does not read.
    pub fn send(&mut self, request: Request, flags: u32, body: &[u8], fds: &[BorrowedFd]) -> Result<(), FrontendError> {
        self.transcript.push(request);
        let message = [&request.header(flags, body.len())[..], body].concat();
        socket::send_all(&self.stream, &message, fds).map_err(|error| explain(request, error))
    }

    /// Waits for the answer to `request` and returns its body.
    ///
    /// # Errors
    /// Any but [`FrontendError::Refused`] and [`FrontendError::Shrunk`].
    pub fn reply(&mut self, request: Request) -> Result<Vec<u8>, FrontendError> {
        Ok(self.reply_with_fds(request)?.0)
    }

    /// As [`Frontend::reply`], with the file descriptors that came along.
    ///
    /// # Errors
    /// As [`Frontend::reply`].
    pub fn reply_with_fds(&mut self, request: Request) -> Result<(Vec<u8>, Vec<OwnedFd>), FrontendError> {
        let mut fds = Vec::new();
        let mut header = [0; HEADER_LEN];
        socket::recv_exact(&self.stream, &mut header, &mut fds).map_err(|error| explain(request, error))?;
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (answered, flags, len) = (Request(word(0)), word(4), word(8) as usize);
        if answered != request || flags & (FLAG_REPLY | 3) != FLAG_REPLY | FLAG_VERSION || len > BODY_MAX {
            let reason = format!("{answered}, flags {flags:#x}, {len} bytes");
            return Err(FrontendError::Garbled(request, reason));
        }
        let mut body = vec![0; len];
        socket::recv_exact(&self.stream, &mut body, &mut fds).map_err(|error| explain(request, error))?;
        Ok((body, fds))
    }

    /// Sends a message that has an answer, and returns the answer's body.
    ///
    /// # Errors
    /// As [`Frontend::send`] and [`Frontend::reply`].
    pub fn query(&mut self, request: Request, body: &[u8], fds: &[BorrowedFd]) -> Result<Vec<u8>, FrontendError> {
        self.send(request, self.flags(), body, fds)?;
        self.reply(request)
    }

    /// Sends a message that has no answer of its own; checks the acknowledgement if they are on.
    ///
    /// # Errors
    /// As [`Frontend::send`] and [`Frontend::reply`], and [`FrontendError::Refused`].
    pub fn command(&mut self, request: Request, body: &[u8], fds: &[BorrowedFd]) -> Result<(), FrontendError> {
        self.send(request, self.flags(), body, fds)?;
        if !self.acknowledge {
            return Ok(());
        }
        match calls::number(request, &self.reply(request)?)? {
            0 => Ok(()),
            code => Err(FrontendError::Refused(request, code)),
        }
    }

    /// Waits until the switch hangs up. False when it has not by the deadline. Answers that come meanwhile are dropped.
    pub fn wait_closed(&self, deadline: Deadline) -> bool {
        let (mut scrap, mut fds) = ([0; 256], Vec::new());
        while socket::readable(&self.stream, deadline) {
            match socket::recv(&self.stream, &mut scrap, &mut fds) {
                Ok(0) | Err(_) => return true,
                Ok(_) => {}
            }
        }
        false
    }

    fn flags(&self) -> u32 {
        if self.acknowledge { FLAG_NEED_REPLY } else { 0 }
    }
}

fn explain(request: Request, error: io::Error) -> FrontendError {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => FrontendError::Silent(request),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            FrontendError::Closed(request)
        }
        _ => FrontendError::Io(error),
    }
}

/// The frontend's listening socket, for ports in client mode.
#[derive(Debug)]
pub struct FrontendListener(UnixListener);

impl FrontendListener {
    /// Listens at `path`, which must not exist.
    ///
    /// # Errors
    /// Whatever the kernel refuses.
    pub fn bind(path: &Path) -> io::Result<FrontendListener> {
        Ok(FrontendListener(UnixListener::bind(path)?))
    }

    /// Waits until the switch connects.
    ///
    /// # Errors
    /// [`FrontendError::Io`] with `TimedOut` when it does not by the deadline.
    pub fn accept(&self, deadline: Deadline) -> Result<Frontend, FrontendError> {
        let left = Timespec::try_from(deadline.left()).expect("a deadline fits a timespec");
        let mut watched = [PollFd::new(&self.0, PollFlags::IN)];
        if poll(&mut watched, Some(&left)).map_err(io::Error::from)? == 0 {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the switch did not connect").into());
        }
        Frontend::from_stream(self.0.accept()?.0)
    }
}
