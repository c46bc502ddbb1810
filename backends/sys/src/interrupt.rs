// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Getting a thread out of a system call that blocks.
//!
//! `O_NONBLOCK` belongs to the open file, and a doorbell's open file is shared with the process that passed it to us: it
//! can clear the flag after we have set it, fill the counter, and the next ring of that bell blocks. Nothing can prevent
//! that for an eventfd. But a signal ends the blocking call with `EINTR`, which nothing else on the frame path returns.

use std::io;
use std::ptr;

/// Ignored unless someone asks for it, so a stray one does no harm in any thread.
const SIGNAL: libc::c_int = libc::SIGURG;

/// A thread of this process that can be interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruptible(libc::pid_t);

impl Interruptible {
    /// The calling thread. Installs the signal's handler for the process; doing so again changes nothing.
    ///
    /// # Errors
    /// What `sigaction` says.
    pub fn current() -> io::Result<Self> {
        // SAFETY: an all-zero sigaction is a valid value; without SA_RESTART a blocking call ends with EINTR.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = on_signal as *const () as usize;
        // SAFETY: `action` is initialised, and its handler does nothing.
        if unsafe { libc::sigaction(SIGNAL, &raw const action, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: gettid has no arguments and cannot fail.
        Ok(Self(unsafe { libc::gettid() }))
    }

    /// Ends a system call that the thread may be blocked in. A thread that has ended is no error.
    pub fn interrupt(self) {
        // SAFETY: tgkill takes numbers only; the signal's handler does nothing, whichever thread of ours gets it.
        let _ = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), self.0, SIGNAL) };
    }
}

extern "C" fn on_signal(_: libc::c_int) {}
