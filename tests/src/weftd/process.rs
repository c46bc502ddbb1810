// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A process that a test has started, or that one of those has left to it.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};

/// See the module.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    /// How it has ended.
    ended: Option<ExitStatus>,
}

impl Process {
    pub(super) fn of(child: &Child) -> Process {
        Process { pid: Pid::from_child(child), ended: None }
    }

    /// A process that one of ours has started, and that becomes ours when that one ends.
    pub(super) fn left(pid: u32) -> Process {
        let pid = Pid::from_raw(pid.cast_signed()).expect("a process has a number");
        Process { pid, ended: None }
    }

    /// Whoever is left by a process of ours is ours from now on.
    pub(super) fn take_orphans() {
        set_child_subreaper(Some(getpid())).expect("every process may do that");
    }

    pub(super) fn id(&self) -> u32 {
        self.pid.as_raw_pid().cast_unsigned()
    }

    /// How it has ended, if it has.
    pub(super) fn try_wait(&mut self) -> Option<ExitStatus> {
        self.wait(WaitOptions::NOHANG)
    }

    pub(super) fn signal(&self, signal: Signal) {
        assert_eq!(self.ended, None, "a process can be signalled until it is waited for");
        kill_process(self.pid, signal).expect("it is ours");
    }

    pub(super) fn kill_and_wait(&mut self) {
        if self.ended.is_none() {
            // It fails only when it is gone already.
            let _ = kill_process(self.pid, Signal::KILL);
            self.wait(WaitOptions::empty());
        }
    }

    fn wait(&mut self, options: WaitOptions) -> Option<ExitStatus> {
        if self.ended.is_none() {
            let waited = waitpid(Some(self.pid), options).expect("it is ours, and was not waited for");
            self.ended = waited.map(|(_, status)| ExitStatus::from_raw(status.as_raw()));
        }
        self.ended
    }
}
