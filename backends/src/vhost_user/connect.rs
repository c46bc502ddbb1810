// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Connecting to a frontend that listens, for ever.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::dispose::Connection;

/// First pause between two attempts.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Connects to a Unix socket without waiting. A Unix connect is done at once or refused: there is nothing in between.
///
/// # Errors
/// `NotFound` and `ConnectionRefused` when nobody listens, `WouldBlock` when its queue is full.
pub(super) fn try_connect(path: &Path) -> io::Result<Connection> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(UnixStream::from(socket).into())
}

/// The pauses between attempts: they double up to a limit, and start anew once a frontend has talked to us.
#[derive(Debug, Clone, Copy)]
pub(super) struct BackOff(Duration);

impl BackOff {
    pub(super) fn new() -> Self {
        Self(PAUSE_MIN)
    }

    /// How long to wait before the next attempt.
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(PAUSE_MAX);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_limit() {
        let mut back_off = BackOff::new();
        let pauses: Vec<u128> = (0..7).map(|_| back_off.next_pause().as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 2000, 2000]);
    }
}
