// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A socket that is given up at a point in time, however much of something it still says: who drips is as slow as who is silent.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// See the module.
#[derive(Debug)]
pub(crate) struct Timed {
    socket: TcpStream,
    until: Instant,
}

impl Timed {
    /// Given up after that time, unless [`Timed::allow`] says otherwise.
    pub(crate) fn new(socket: TcpStream, time: Duration) -> Timed {
        Timed { socket, until: Instant::now() + time }
    }

    /// Given up after that time from now.
    pub(crate) fn allow(&mut self, time: Duration) {
        self.until = Instant::now() + time;
    }

    /// Says no more, and reads what the other side still says until it goes, so that it finds what was said to it: a connection that is
    /// closed with something unread in it takes that away from the other side.
    pub(crate) fn linger(&mut self, most: usize) {
        // An error means that it has gone.
        let _ = self.socket.shutdown(Shutdown::Write);
        let (mut rest, mut chunk) = (most, [0; 4096]);
        while let Ok(length @ 1..) = self.read(&mut chunk) {
            rest = rest.saturating_sub(length);
            if rest == 0 {
                return;
            }
        }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        // TLS would try again what would block.
        self.socket.read(into).map_err(late)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes).map_err(late)
    }

    /// TLS has in several pieces what belongs together: the last of them may be why it ends.
    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write_vectored(bytes).map_err(late)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

fn late(why: io::Error) -> io::Error {
    if why.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { why }
}
