// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Waiting on a guest: notices the end of the virtual machine and a kernel panic, and explains what it saw.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::lines::{LineError, LineStream};
use crate::nic::Nic;
use crate::process::{self, Process};
use crate::spec::{File, GuestSpec};

/// What Linux prints when it stops for good.
const PANIC: &[u8] = b"Kernel panic - not syncing";
/// How often a silent guest is looked at.
const GLANCE: Duration = Duration::from_secs(1);
/// A closed connection means that the process is about to end.
const LAST_BREATH: Duration = Duration::from_secs(5);

/// The process and the console of one guest.
#[derive(Debug)]
pub(super) struct Watch {
    guest: String,
    process: Mutex<Process>,
    console_log: PathBuf,
    /// Where the present boot begins in the console log: a panic before it is history.
    boot_start: AtomicU64,
    /// Where this guest and the switch meet; empty when they do not.
    switch_sockets: String,
}

/// Why no line came, before it is known what it was waited for.
#[derive(Debug)]
pub(super) struct Failure<'a> {
    watch: &'a Watch,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Line(LineError),
    Panicked,
    Restarted,
}

impl Failure<'_> {
    /// The error, told as the failure of `what`.
    pub(super) fn about(self, what: &str, limit: Duration) -> Error {
        match self.cause {
            Cause::Line(failure) => self.watch.error(&failure, what, limit),
            Cause::Panicked => self.watch.lost(&format!("its kernel panicked during {what}")),
            Cause::Restarted => self.watch.lost(&format!("it restarted during {what}")),
        }
    }
}

impl Watch {
    pub(super) fn new(spec: &GuestSpec, process: Process) -> Watch {
        let met = spec.nics.iter().filter(|nic| nic.is_vhost_user());
        let sockets = met.flat_map(Nic::paths).map(|path| path.display().to_string());
        Watch {
            guest: spec.name.clone(),
            process: Mutex::new(process),
            console_log: spec.file(File::ConsoleLog),
            boot_start: AtomicU64::new(0),
            switch_sockets: sockets.collect::<Vec<_>>().join(", "),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.with_process(Process::ended).is_some()
    }

    pub(super) fn wait_exit(&self, limit: Duration) -> Option<String> {
        self.with_process(|process| process.wait(Instant::now() + limit))
    }

    /// To be called before the guest is reset.
    pub(super) fn expect_boot(&self) {
        let length = fs::metadata(&self.console_log).map_or(0, |log| log.len());
        self.boot_start.store(length, Ordering::Relaxed);
    }

    pub(super) fn kill(&self) {
        self.with_process(Process::kill);
    }

    /// What QEMU printed.
    pub(super) fn stderr(&self) -> String {
        self.with_process(|process| process.stderr())
    }

    /// The next line of the guest.
    pub(super) fn read_line(&self, lines: &mut LineStream, deadline: Instant) -> Result<String, Failure<'_>> {
        loop {
            let glance = Instant::now() + GLANCE;
            let cause = match lines.read_line(deadline.min(glance)) {
                Ok(line) => return Ok(line),
                Err(LineError::TimedOut) if self.has_panicked() => Cause::Panicked,
                Err(LineError::TimedOut) if Instant::now() < deadline => continue,
                Err(failure) => Cause::Line(failure),
            };
            return Err(Failure { watch: self, cause });
        }
    }

    pub(super) fn restarted(&self) -> Failure<'_> {
        Failure { watch: self, cause: Cause::Restarted }
    }

    /// The error for a connection that failed during `what`.
    pub(super) fn error(&self, failure: &LineError, what: &str, limit: Duration) -> Error {
        match failure {
            LineError::TimedOut => self.timeout(what, limit, ""),
            LineError::Closed => self.ended(),
        }
    }

    pub(super) fn timeout(&self, what: &str, limit: Duration, output: &str) -> Error {
        let seen = if output.is_empty() { String::new() } else { format!("\nit printed:\n{output}") };
        let details = format!("{seen}{}", self.details());
        Error::Timeout { guest: self.guest.clone(), what: what.to_owned(), limit, details }
    }

    fn lost(&self, what: &str) -> Error {
        Error::Lost { guest: self.guest.clone(), what: what.to_owned(), details: self.details() }
    }

    fn ended(&self) -> Error {
        let status = self.wait_exit(LAST_BREATH);
        let status = status.unwrap_or_else(|| "closed connections, though its process still runs".to_owned());
        Error::Ended { guest: self.guest.clone(), status, details: self.details() }
    }

    /// What QEMU and the guest's console said last.
    fn details(&self) -> String {
        let stderr = self.with_process(|process| process.stderr());
        let mut console = process::tail(&self.console_log);
        if console.is_empty() && !self.switch_sockets.is_empty() {
            console = format!("nothing: QEMU does not boot before the switch is there, at {}", self.switch_sockets);
        }
        let titled = |title: &str, text: String| if text.is_empty() { text } else { format!("\n{title}:\n{text}") };
        titled("the virtual machine printed", stderr) + &titled("the guest's console ends with", console)
    }

    fn has_panicked(&self) -> bool {
        let log = fs::read(&self.console_log).unwrap_or_default();
        let start = usize::try_from(self.boot_start.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let present = log.get(start..).unwrap_or_default();
        present.windows(PANIC.len()).any(|window| window == PANIC)
    }

    fn with_process<T>(&self, act: impl FnOnce(&mut Process) -> T) -> T {
        act(&mut self.process.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
