// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The process of a weftd: a child of the demo, or one that a child has left to it by an upgrade.

use crate::cargo;
use crate::failure::Failure;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};
use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// See the module; killed when dropped.
pub(crate) struct Daemon {
    pid: Pid,
    /// How it has ended. Until that is known, nobody else has its number.
    ended: Option<ExitStatus>,
}

impl Daemon {
    /// Starts a weftd with everything in `folder`.
    ///
    /// # Errors
    /// When its log cannot be written or the program cannot be started.
    pub(crate) fn start(folder: &Path) -> Result<Daemon, Failure> {
        let program = cargo::binaries()?.join("weftd");
        let output = OpenOptions::new().create(true).append(true).open(log(folder))?;
        let mut command = Command::new(&program);
        command.arg("--socket").arg(control(folder)).arg("--state").arg(folder.join("state"));
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().map_err(Failure::of(format!("starting {}", program.display())))?;
        Ok(Daemon { pid: Pid::from_child(&child), ended: None })
    }

    /// Whoever is left by a process of the demo is the demo's from now on.
    ///
    /// # Errors
    /// When the system does not allow that.
    pub(crate) fn take_orphans() -> Result<(), Failure> {
        set_child_subreaper(Some(getpid())).map_err(Failure::of("becoming the parent of orphans"))
    }

    /// The process of this number, which a weftd of the demo has started and becomes the demo's when that one ends.
    pub(crate) fn left(pid: u64) -> Option<Daemon> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
        Some(Daemon { pid, ended: None })
    }

    /// Its number.
    pub(crate) fn id(&self) -> i32 {
        self.pid.as_raw_pid()
    }

    /// How it has ended, if it has.
    ///
    /// # Errors
    /// When it is not the demo's.
    pub(crate) fn try_wait(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.wait(WaitOptions::NOHANG)
    }

    /// `kill -9`, and its end.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        if let Some(status) = self.try_wait()? {
            return Err(Failure::new(format!("kill -9 of weftd: it had ended with {status}")));
        }
        kill_process(self.pid, Signal::KILL).map_err(Failure::of("kill -9 of weftd"))?;
        self.wait(WaitOptions::empty()).map(drop)
    }

    fn wait(&mut self, options: WaitOptions) -> Result<Option<ExitStatus>, Failure> {
        if self.ended.is_none() {
            let waited = waitpid(Some(self.pid), options).map_err(Failure::of("waiting for weftd"))?;
            self.ended = waited.map(|(_, status)| ExitStatus::from_raw(status.as_raw()));
        }
        Ok(self.ended)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It fails only when it is gone already.
        let _ = self.kill();
    }
}

/// The control socket of a weftd that has everything in `folder`.
pub(crate) fn control(folder: &Path) -> PathBuf {
    folder.join("ctl.sock")
}

/// Its log.
pub(crate) fn log(folder: &Path) -> PathBuf {
    folder.join("weftd.log")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::test_kill_process;

    #[test]
    fn who_is_left_by_a_child_ends_with_the_demo() {
        Daemon::take_orphans().expect("every process may do that");
        let script = "sleep 1000 >/dev/null 2>&1 & echo $!";
        let output = Command::new("sh").args(["-c", script]).output().expect("a shell");
        let pid = String::from_utf8_lossy(&output.stdout).trim().parse().expect("its number");
        let mut left = Daemon::left(pid).expect("a number");
        assert_eq!(left.try_wait().expect("it is ours"), None);
        let pid = left.pid;
        drop(left);
        assert!(test_kill_process(pid).is_err(), "it is gone, and was waited for");
    }
}
