// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A successor is started as an orphan: by a process between the two that ends at once, which is this program once more.
//!
//! systemd waits for the end of its own children alone, and orphans are that. A main process that it has no other way to watch it
//! stops with SIGTERM and, in the same moment, SIGKILL: there would be no time to leave anything to the next one.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use sys::fd::{recv_with_fds, send_with_fds};

/// The first argument of the process in between; the successor's program and its arguments follow.
const OPTION: &str = "--launch";

/// What runs is still there under this name when the file has been replaced.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// What systemd has told this process and not the next.
const NOT_PASSED_ON: [&str; 4] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"];

/// A process that is not our child.
#[derive(Debug)]
pub(crate) struct Orphan {
    pid: u32,
    handle: OwnedFd,
}

impl Orphan {
    /// Starts a program with these arguments and this standard input.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(
        program: &Path,
        arguments: impl Iterator<Item = OsString>,
        stdin: &OwnedFd,
    ) -> io::Result<Orphan> {
        let (ours, theirs) = UnixStream::pair()?;
        send_with_fds(ours.as_fd(), &[0], &[stdin.as_fd()])?;
        let mut between = Command::new(THIS_PROGRAM);
        between.arg(OPTION).arg(program).args(arguments).stdin(OwnedFd::from(theirs));
        NOT_PASSED_ON.iter().for_each(|name| _ = between.env_remove(name));
        let ended = between.status()?;
        if !ended.success() {
            return Err(io::Error::other(format!("the process that is to start it has failed ({ended})")));
        }
        let (mut number, mut fds) = ([0; 4], Vec::new());
        if recv_with_fds(ours.as_fd(), &mut number, &mut fds)? != number.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let number = u32::from_ne_bytes(number);
        let handle = fds.pop().ok_or_else(|| io::Error::from_raw_os_error(number.cast_signed()))?;
        Ok(Orphan { pid: number, handle })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.pid
    }

    /// Ends it. When this returns it touches nothing any more.
    pub(crate) fn end(&self) {
        // Both fail only for a process that has ended.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        let _ = poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], None);
    }
}

/// Does what the process in between is there for, if this is that one.
pub fn launched() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    words.next().filter(|word| word == OPTION)?;
    let program = words.next()?;
    Some(launch(Command::new(program).args(words)).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS))
}

/// Starts the program, and tells its process id, with a handle of it, or why there is none.
fn launch(command: &mut Command) -> io::Result<()> {
    let socket = io::stdin();
    let mut fds = Vec::new();
    recv_with_fds(socket.as_fd(), &mut [0], &mut fds)?;
    let stdin = fds.pop().ok_or(ErrorKind::InvalidData)?;
    let (number, handle) = match command.stdin(stdin).spawn() {
        // Nobody has waited for it, so the number is still its own.
        Ok(child) => (child.id(), Some(pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?)),
        Err(why) => (why.raw_os_error().unwrap_or_default().cast_unsigned(), None),
    };
    let fds: Vec<_> = handle.iter().map(AsFd::as_fd).collect();
    send_with_fds(socket.as_fd(), &number.to_ne_bytes(), &fds).map(drop)
}
