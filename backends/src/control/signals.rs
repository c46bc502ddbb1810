// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Signals as events of the loop (signalfd(2)): no handler ever runs.

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::{AsRawFd, RawFd};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SIGTERM or SIGINT: end cleanly.
    Stop,
    /// SIGHUP: read the configuration file again.
    Reload,
}

/// The signals that the daemon serves.
pub struct Signals(SignalFd);

impl Signals {
    /// Takes the signals over. To be called before any thread is started: a thread inherits what is blocked, and one
    /// that does not block them would still be killed by them.
    ///
    /// # Errors
    /// The system's.
    pub fn take_over() -> io::Result<Signals> {
        let mut set = SigSet::empty();
        [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().for_each(|signal| set.add(signal));
        set.thread_block()?;
        Ok(Signals(SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?))
    }

    /// The next thing that a signal asked for.
    pub fn next(&self) -> Option<Asked> {
        let info = self.0.read_signal().ok().flatten()?;
        let reload = info.ssi_signo == Signal::SIGHUP as u32;
        Some(if reload { Asked::Reload } else { Asked::Stop })
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
