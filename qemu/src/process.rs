// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A virtual machine's process, which never outlives this one.
//!
//! It is started below a small shell that holds the other end of a pipe: when we end, however hard, the pipe closes and
//! the shell kills the virtual machine. (`PR_SET_PDEATHSIG` would tie it to the life of the starting *thread*.)

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cmdline::CommandLine;
use crate::error::Error;

const SUPERVISOR: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
machine=$!
{ read -r _ <&3; kill -KILL $machine; } 2>/dev/null &
wait $machine
status=$?
kill $! 2>/dev/null
exit $status
"#;

/// How often a process is asked whether it has ended.
const POLL: Duration = Duration::from_millis(10);
/// What of a log goes into an error.
const TAIL_BYTES: usize = 3000;

/// A running, or ended, virtual machine.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    ended: Option<String>,
    stderr: PathBuf,
}

impl Process {
    /// Starts it; what it prints goes to the file `stderr`.
    pub(crate) fn start(line: &CommandLine, stderr: &Path) -> Result<Process, Error> {
        let log = File::create(stderr).map_err(Error::file(stderr))?;
        let copy = log.try_clone().map_err(Error::file(stderr))?;
        let child = Command::new("sh")
            .args(["-c", SUPERVISOR, "sh"])
            .arg(&line.program)
            .args(&line.arguments)
            .stdin(Stdio::piped())
            .stdout(copy)
            .stderr(log)
            .spawn()
            .map_err(Error::file(Path::new("sh")))?;
        Ok(Process { child, ended: None, stderr: stderr.to_owned() })
    }

    /// How it ended; `None` while it runs.
    pub(crate) fn ended(&mut self) -> Option<String> {
        if self.ended.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.ended = Some(describe(status));
        }
        self.ended.clone()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self, deadline: Instant) -> Option<String> {
        loop {
            let ended = self.ended();
            if ended.is_some() || Instant::now() >= deadline {
                return ended;
            }
            thread::sleep(POLL);
        }
    }

    /// Kills it and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        self.ended.get_or_insert_with(|| "SIGKILL (it was killed on request)".to_owned());
    }

    /// What it printed.
    pub(crate) fn stderr(&self) -> String {
        tail(&self.stderr)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The shell reports the death by signal N of its child as 128 + N.
fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) if code > 128 => match signal_name(code - 128) {
            Some(name) => name.to_owned(),
            None => format!("signal {}", code - 128),
        },
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}

/// Names of the signals that end a virtual machine in practice; source: signal(7), x86.
fn signal_name(number: i32) -> Option<&'static str> {
    let name = match number {
        2 => "SIGINT",
        4 => "SIGILL",
        6 => "SIGABRT (a failed assertion)",
        7 => "SIGBUS",
        9 => "SIGKILL",
        11 => "SIGSEGV (it crashed)",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return None,
    };
    Some(name)
}

/// The end of a text file; empty when there is none.
pub(crate) fn tail(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let start = bytes.len().saturating_sub(TAIL_BYTES);
    // The guest's shell asks the terminal where its cursor is; that is no text for people.
    String::from_utf8_lossy(&bytes[start..]).replace('\r', "").replace("\x1b[6n", "").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, stderr: &Path) -> Process {
        let line = CommandLine { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] };
        Process::start(&line, stderr).unwrap()
    }

    fn ending_of(script: &str) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell(script, &folder.path().join("stderr"));
        let ended = process.wait(Instant::now() + Duration::from_secs(20)).unwrap();
        (ended, process.stderr())
    }

    #[test]
    fn ends_are_told_apart() {
        assert_eq!(ending_of("echo no such device >&2; exit 3"), ("exit code 3".into(), "no such device".into()));
        assert_eq!(ending_of("kill -SEGV $$").0, "SIGSEGV (it crashed)");
        assert_eq!(ending_of("kill -40 $$").0, "signal 40");
    }

    #[test]
    fn dropping_kills() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        // Opening the fifo returns when the process has opened it too; its end is seen as the end of the file.
        let process = shell(&format!("exec sleep 600 >{}", fifo.display()), &folder.path().join("stderr"));
        let reader = File::open(&fifo).unwrap();
        drop(process);
        assert_eq!(std::io::read_to_string(reader).unwrap(), "");
    }
}
