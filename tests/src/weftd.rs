// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The real `weftd` and the real `weft`, as child processes of a test.
//!
//! Each [`Weftd`] has a directory of its own for its control socket, its state, its log and the ports' sockets, so that
//! tests run side by side. The directory goes away with it. When the test fails, the daemon's log is printed first.
mod process;
pub mod toml;
mod upgrade;
mod verbs;
mod waiting;
mod watch;

pub use verbs::mac_text;

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::wait::{Deadline, for_value, until};
use process::Process;

pub use upgrade::Upgrading;
pub use waiting::Waiting;
pub use watch::Watch;

/// Lines of the daemon's log that a failing test shows.
const LOG_LINES: usize = 200;

/// A program of this workspace, as built for the profile that the test runs in.
///
/// # Panics
/// When it is not built: `cargo test -p tests` alone does not build the binaries of other crates.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    // target/<profile>/deps/<test>, or target/<profile>/<program> for a bench run by hand.
    let found = test.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "{name} is not built beside {}: run `cargo build -p backends -p fetch -p peer -p ctl` with the same profile",
            test.display()
        )
    })
}

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Exit code; -1 when a signal ended it.
    pub status: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Outcome {
    /// The standard output of a command that must have succeeded.
    ///
    /// # Panics
    /// When it did not, with everything it said.
    pub fn expect_ok(self) -> String {
        assert!(self.status == 0, "status {}\nstdout: {}\nstderr: {}", self.status, self.stdout, self.stderr);
        self.stdout
    }
}

/// A running daemon with its directory.
#[derive(Debug)]
pub struct Weftd {
    process: Process,
    folder: TempDir,
    line: Line,
}

/// How the daemon is started: a program before it, if any, and its arguments.
#[derive(Debug, Default)]
struct Line {
    wrapper: Vec<String>,
    /// Instead of the one that was built.
    program: Option<PathBuf>,
    arguments: Vec<String>,
}

impl Weftd {
    /// Starts a daemon without a configuration file, and waits until it answers and its ports are open.
    ///
    /// # Panics
    /// When it does not start, with its log.
    pub fn start() -> Weftd {
        Weftd::start_with(&[])
    }

    /// As [`Weftd::start`], with more arguments.
    pub fn start_with(arguments: &[&str]) -> Weftd {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Weftd::launch(new_folder(), Line { arguments, ..Line::default() })
    }

    /// As [`Weftd::start`], by another program with its arguments, which must become the daemon. `{dir}` in them stands
    /// for the daemon's directory.
    pub fn start_under(wrapper: &[&str]) -> Weftd {
        let folder = new_folder();
        let place = folder.path().display().to_string();
        let wrapper = wrapper.iter().map(|word| word.replace("{dir}", &place)).collect();
        Weftd::launch(folder, Line { wrapper, ..Line::default() })
    }

    /// As [`Weftd::start`], with this configuration. `{dir}` in the text stands for the daemon's directory.
    pub fn start_configured(config: &str) -> Weftd {
        let folder = new_folder();
        let path = folder.path().join("weft.toml");
        let text = config.replace("{dir}", &folder.path().display().to_string());
        fs::write(&path, text).expect("the temporary directory is writable");
        let arguments = vec!["--config".to_owned(), path.display().to_string()];
        Weftd::launch(folder, Line { arguments, ..Line::default() })
    }

    /// The daemon's directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where a port of this name has its socket, if the test follows the custom.
    pub fn port_path(&self, port: &str) -> PathBuf {
        self.folder.path().join(format!("{port}.sock"))
    }

    /// Process id of the daemon, for a look at /proc.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Everything that the daemon has logged, over all its lives.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("weftd.log")).unwrap_or_default()
    }

    /// True while the daemon runs.
    pub fn alive(&mut self) -> bool {
        self.process.try_wait().is_none()
    }

    /// Runs `weft --socket <this daemon's> arguments...`.
    ///
    /// # Panics
    /// When `weft` cannot be run at all.
    pub fn weft(&self, arguments: &[&str]) -> Outcome {
        weft_at(&control(self.folder.path()), arguments)
    }

    /// Ends the daemon as a crash does. [`Weftd::restart`] brings it back.
    ///
    /// # Panics
    /// When it was gone before.
    pub fn kill_9(&mut self) {
        assert!(self.alive(), "weftd ended by itself before it was killed");
        self.process.kill_and_wait();
    }

    /// Starts the daemon again in the same directory, after killing it if it still runs.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        if self.alive() {
            self.kill_9();
        }
        self.process = spawn(self.folder.path(), &self.line);
        self.await_ready();
    }

    /// Sends the daemon a signal.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Asks the daemon to end (SIGTERM) and returns how it did.
    ///
    /// # Panics
    /// When it does not by the usual deadline.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        for_value("weftd to end after SIGTERM", Deadline::patient(), || self.process.try_wait())
    }

    fn launch(folder: TempDir, line: Line) -> Weftd {
        let process = spawn(folder.path(), &line);
        let mut daemon = Weftd { process, folder, line };
        daemon.await_ready();
        daemon
    }

    fn await_ready(&mut self) {
        let socket = control(self.folder.path());
        until("weftd's control socket", Deadline::patient(), || {
            assert!(self.alive(), "weftd ended during its start");
            UnixStream::connect(&socket).is_ok()
        });
        // It listens before it has opened the ports, and answers afterwards.
        self.weft(&["status"]).expect_ok();
    }
}

impl Drop for Weftd {
    fn drop(&mut self) {
        self.process.kill_and_wait();
        if thread::panicking() {
            let log = self.log();
            let skipped = log.lines().count().saturating_sub(LOG_LINES);
            eprintln!("--- log of weftd ({skipped} earlier lines not shown)");
            log.lines().skip(skipped).for_each(|line| eprintln!("{line}"));
            eprintln!("--- end of weftd's log");
        }
    }
}

fn new_folder() -> TempDir {
    tempfile::Builder::new().prefix("weft-test-").tempdir().expect("there is room for a temporary directory")
}

/// Runs `weft --socket SOCKET arguments...`.
///
/// # Panics
/// When `weft` cannot be run at all.
pub fn weft_at(socket: &Path, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(binary("weft"));
    command.arg("--socket").arg(socket).args(arguments).stdin(Stdio::null());
    let output = command.output().expect("weft can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome { status: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

fn control(folder: &Path) -> PathBuf {
    folder.join("ctl.sock")
}

fn spawn(folder: &Path, line: &Line) -> Process {
    let log = OpenOptions::new().create(true).append(true).open(folder.join("weftd.log"));
    let log = log.expect("the temporary directory is writable");
    let mut words: Vec<OsString> = line.wrapper.iter().map(OsString::from).collect();
    words.push(line.program.clone().unwrap_or_else(|| binary("weftd")).into());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg("--socket").arg(control(folder)).arg("--state").arg(folder.join("state"));
    command.args(&line.arguments);
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("a test has file descriptors to spare")).stderr(log);
    Process::of(&command.spawn().unwrap_or_else(|error| panic!("weftd cannot be started: {error}")))
}
