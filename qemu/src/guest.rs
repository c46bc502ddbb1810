// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A running guest: commands in it, its power and reset buttons, its slots.
//!
//! All calls take `&self`, so threads can share a guest; commands in one guest run one after another. Every wait has a
//! time limit, which grows with what the calibration boot measured, and watches for a virtual machine that ended and a
//! kernel that panicked.

mod migrate;
mod plug;
mod watch;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::accel::Accel;
use crate::cmdline::CommandLine;
use crate::commands::{self, Answer, Output, READY, SCRIPT_MAX};
use crate::emulator::Qemu;
use crate::error::Error;
use crate::image::Image;
use crate::lines::LineStream;
use crate::process::Process;
use crate::qmp::Qmp;
use crate::spec::{File, GuestSpec};
use crate::version::Version;
pub use migrate::{Moved, Moving, Pace};
use watch::Watch;

/// For a boot on a machine that needs two seconds for it.
const BOOT_LIMIT: Duration = Duration::from_secs(30);
/// For a command whose caller names no limit.
const RUN_LIMIT: Duration = Duration::from_secs(30);
/// For QEMU's own answers.
const QMP_LIMIT: Duration = Duration::from_secs(15);

/// A guest that was started. Dropping it kills it.
#[derive(Debug)]
pub struct Guest {
    spec: GuestSpec,
    accel: Accel,
    version: Version,
    watch: Watch,
    terminal: Mutex<Terminal>,
    qmp: Mutex<Qmp>,
    numbers: AtomicU32,
}

/// The guest's command line and what is known about it.
#[derive(Debug)]
struct Terminal {
    lines: LineStream,
    is_ready: bool,
    next_id: u64,
}

impl Guest {
    /// Starts QEMU and returns without waiting for the guest; [`Guest::wait_ready`] does that. Several guests that are
    /// started first and waited for afterwards boot side by side.
    ///
    /// # Errors
    /// [`Error::Spec`] before anything is started; [`Error::Ended`] with QEMU's own words when it refuses its options. A
    /// device that it refuses shows later, in [`Guest::wait_ready`].
    pub fn start(qemu: &Qemu, image: &Image, accel: &Accel, spec: &GuestSpec) -> Result<Guest, Error> {
        spec.check()?;
        fs::create_dir_all(&spec.folder).map_err(Error::file(&spec.folder))?;
        for file in [File::Qmp, File::SwitchMonitor, File::Command, File::Console, File::ConsoleLog] {
            // Left behind by an earlier guest; a socket of that time would only refuse us.
            let _ = fs::remove_file(spec.file(file));
        }
        let line = CommandLine::qemu(qemu, image, accel.kind, spec);
        let process = Process::start(&line, &spec.file(File::Stderr))?;
        let watch = Watch::new(spec, process);
        let limit = accel.limit(QMP_LIMIT);
        let connect = |file| {
            let stream = LineStream::connect(&spec.file(file), Instant::now() + limit, || watch.has_ended());
            stream.map_err(|failure| watch.error(&failure, "starting the virtual machine", limit))
        };
        // Connected before the guest's first instruction, so that no line of it is lost.
        let terminal = Terminal { lines: connect(File::Command)?, is_ready: false, next_id: 1 };
        let qmp = Qmp::new(connect(File::Qmp)?, limit);
        Ok(Guest {
            spec: spec.clone(),
            accel: accel.clone(),
            version: qemu.version,
            terminal: Mutex::new(terminal),
            qmp: Mutex::new(qmp),
            watch,
            numbers: AtomicU32::new(0),
        })
    }

    /// The guest's name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The Unix socket of the guest's console, with a shell on it; one visitor at a time. See [`crate::console::visit`].
    pub fn console_socket(&self) -> PathBuf {
        self.spec.file(File::Console)
    }

    /// The file that gets everything that the guest's console shows.
    pub fn console_log(&self) -> PathBuf {
        self.spec.file(File::ConsoleLog)
    }

    /// Waits until the guest takes commands.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::Ended`] or [`Error::Lost`] (a kernel panic), with the end of the console.
    pub fn wait_ready(&self) -> Result<(), Error> {
        self.wait_ready_within(self.accel.limit(BOOT_LIMIT))
    }

    /// Like [`Guest::wait_ready`] with a limit that is meant as it stands.
    ///
    /// # Errors
    /// As [`Guest::wait_ready`].
    pub fn wait_ready_within(&self, limit: Duration) -> Result<(), Error> {
        let mut terminal = lock(&self.terminal);
        let deadline = Instant::now() + limit;
        while !terminal.is_ready {
            let line = self.watch.read_line(&mut terminal.lines, deadline);
            terminal.is_ready = line.map_err(|failure| failure.about("booting", limit))? == READY;
        }
        Ok(())
    }

    /// Runs a shell script in the guest.
    ///
    /// # Errors
    /// [`Error::Timeout`] after 30 s (longer on a slow machine): the script is killed. A status other than zero is no
    /// error here; see [`Guest::run_ok`].
    pub fn run(&self, script: &str) -> Result<Output, Error> {
        self.run_within(script, self.accel.limit(RUN_LIMIT))
    }

    /// Runs a shell script that must succeed, and gives its standard output as text.
    ///
    /// # Errors
    /// As [`Guest::run`], and [`Error::Command`] with everything it printed when its status is not zero.
    pub fn run_ok(&self, script: &str) -> Result<String, Error> {
        let output = self.run(script)?;
        self.require_success(script, &output)
    }

    /// Like [`Guest::run`] with a limit that is meant as it stands, counted in whole seconds.
    ///
    /// # Errors
    /// As [`Guest::run`].
    pub fn run_within(&self, script: &str, limit: Duration) -> Result<Output, Error> {
        if script.len() > SCRIPT_MAX {
            let reason = format!("a script of {} bytes is longer than {SCRIPT_MAX}", script.len());
            return Err(Error::Spec { guest: self.spec.name.clone(), field: "script", reason });
        }
        self.wait_ready()?;
        let mut terminal = lock(&self.terminal);
        let id = terminal.next_id;
        terminal.next_id += 1;
        let seconds = limit.as_secs().max(1);
        let what = format!("`{script}`");
        // The guest kills the script at the limit; the host gives up only when not even that was reported.
        let deadline = Instant::now() + limit + self.accel.limit(QMP_LIMIT);
        let sent = terminal.lines.write_line(&commands::request(id, seconds, script), limit);
        sent.map_err(|failure| self.watch.error(&failure, &what, limit))?;
        let started = Instant::now();
        let output = self.answer(&mut terminal, id, deadline).map_err(|failure| failure.about(&what, limit))?;
        if output.status == commands::KILLED && started.elapsed() >= Duration::from_secs(seconds) {
            return Err(self.watch.timeout(&what, limit, &output.all()));
        }
        Ok(output)
    }

    /// A number that was not used in this guest before.
    pub(crate) fn next_number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A time limit for this machine; see [`Accel::limit`].
    pub(crate) fn scaled(&self, base: Duration) -> Duration {
        self.accel.limit(base)
    }

    /// Presses the reset button and waits until the guest takes commands again. Jobs are gone.
    ///
    /// # Errors
    /// As [`Guest::wait_ready`], and [`Error::Qmp`].
    pub fn reboot(&self) -> Result<(), Error> {
        lock(&self.terminal).is_ready = false;
        self.watch.expect_boot();
        self.qmp().system_reset()?;
        self.wait_ready()
    }

    /// QEMU's monitor, for this thread alone while the guard lives.
    pub fn qmp(&self) -> MutexGuard<'_, Qmp> {
        lock(&self.qmp)
    }

    /// Waits until the virtual machine has ended by itself; tells how.
    ///
    /// # Errors
    /// [`Error::Timeout`] when it still runs after `limit`, scaled to this machine.
    pub fn wait_exit(&self, limit: Duration) -> Result<String, Error> {
        let limit = self.accel.limit(limit);
        self.watch.wait_exit(limit).ok_or_else(|| self.watch.timeout("the end of the virtual machine", limit, ""))
    }

    /// Kills the virtual machine at once, as `kill -9` does.
    pub fn kill(&self) {
        self.watch.kill();
    }

    pub(crate) fn require_success(&self, command: &str, output: &Output) -> Result<String, Error> {
        if output.status == 0 {
            return Ok(output.text());
        }
        Err(Error::Command {
            guest: self.spec.name.clone(),
            command: command.to_owned(),
            status: output.status,
            output: output.all(),
        })
    }

    fn answer(&self, terminal: &mut Terminal, id: u64, deadline: Instant) -> Result<Output, watch::Failure<'_>> {
        let mut answer = Answer::new(id);
        loop {
            let line = self.watch.read_line(&mut terminal.lines, deadline)?;
            if line == READY {
                return Err(self.watch.restarted());
            }
            if let Some(output) = answer.take(&line) {
                return Ok(output);
            }
        }
    }
}

/// A poisoned lock only says that another thread of a test failed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
