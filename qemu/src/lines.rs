// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lines over a Unix socket, each read with a deadline.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// A line longer than this is not from a sane peer.
const LINE_MAX: usize = 64 << 20;
const READ_SIZE: usize = 64 << 10;
/// How often a socket that does not exist yet is tried.
const CONNECT_PAUSE: Duration = Duration::from_millis(10);

/// Why no line came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    /// Not within the deadline; the connection is as good as before.
    TimedOut,
    /// The peer closed the connection, or it broke.
    Closed,
}

/// One end of a conversation in lines.
#[derive(Debug)]
pub(crate) struct LineStream {
    stream: UnixStream,
    buffered: Vec<u8>,
    /// Bytes of `buffered` that are known to hold no line end.
    scanned: usize,
}

impl LineStream {
    pub(crate) fn new(stream: UnixStream) -> LineStream {
        LineStream { stream, buffered: Vec::new(), scanned: 0 }
    }

    /// Connects as soon as somebody listens at `path`; gives up at the deadline or when `is_hopeless` says so.
    pub(crate) fn connect(
        path: &Path,
        deadline: Instant,
        is_hopeless: impl Fn() -> bool,
    ) -> Result<LineStream, LineError> {
        loop {
            match UnixStream::connect(path) {
                Ok(stream) => return Ok(LineStream::new(stream)),
                Err(_) if is_hopeless() => return Err(LineError::Closed),
                Err(_) if Instant::now() >= deadline => return Err(LineError::TimedOut),
                Err(_) => thread::sleep(CONNECT_PAUSE),
            }
        }
    }

    /// The next line, without its end. Bytes that are not UTF-8 are replaced.
    pub(crate) fn read_line(&mut self, deadline: Instant) -> Result<String, LineError> {
        loop {
            if let Some(line) = self.buffered_line() {
                return Ok(line);
            }
            if self.buffered.len() > LINE_MAX {
                return Err(LineError::Closed);
            }
            self.fill(deadline)?;
        }
    }

    /// Sends one line; the peer must take it within `limit`.
    pub(crate) fn write_line(&mut self, line: &str, limit: Duration) -> Result<(), LineError> {
        self.stream.set_write_timeout(Some(limit)).map_err(|_| LineError::Closed)?;
        self.stream.write_all(format!("{line}\n").as_bytes()).map_err(|failure| reason(&failure))
    }

    fn buffered_line(&mut self) -> Option<String> {
        let end = self.buffered[self.scanned..].iter().position(|&byte| byte == b'\n');
        let Some(end) = end.map(|end| self.scanned + end) else {
            self.scanned = self.buffered.len();
            return None;
        };
        let line: Vec<u8> = self.buffered.drain(..=end).collect();
        self.scanned = 0;
        Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }

    fn fill(&mut self, deadline: Instant) -> Result<(), LineError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(LineError::TimedOut);
        }
        self.stream.set_read_timeout(Some(left)).map_err(|_| LineError::Closed)?;
        let mut bytes = [0; READ_SIZE];
        match self.stream.read(&mut bytes) {
            Ok(0) => Err(LineError::Closed),
            Ok(count) => {
                self.buffered.extend_from_slice(&bytes[..count]);
                Ok(())
            }
            Err(failure) if failure.kind() == ErrorKind::Interrupted => Ok(()),
            Err(failure) => Err(reason(&failure)),
        }
    }
}

fn reason(failure: &std::io::Error) -> LineError {
    match failure.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => LineError::TimedOut,
        _ => LineError::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn lines_are_found_whatever_the_pieces() {
        let (mut far, near) = UnixStream::pair().unwrap();
        let mut lines = LineStream::new(near);
        far.write_all(b"one\r\ntw").unwrap();
        assert_eq!(lines.read_line(soon()).unwrap(), "one");
        assert_eq!(lines.read_line(Instant::now() + Duration::from_millis(1)), Err(LineError::TimedOut));
        far.write_all(b"o\nthree").unwrap();
        assert_eq!(lines.read_line(soon()).unwrap(), "two");
        drop(far);
        assert_eq!(lines.read_line(soon()), Err(LineError::Closed));
    }

    #[test]
    fn nobody_listening_is_a_timeout_and_a_dead_peer_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none");
        let failure = LineStream::connect(&path, Instant::now(), || false).unwrap_err();
        assert_eq!(failure, LineError::TimedOut);
        let failure = LineStream::connect(&path, soon(), || true).unwrap_err();
        assert_eq!(failure, LineError::Closed);
    }
}
