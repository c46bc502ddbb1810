// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A running testpmd and its prompt: one line in, its answer out.

use crate::failure::Failure;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

const PROMPT: &str = "testpmd> ";
/// Memory is cleared and devices are probed before the first prompt, and a wrapper may wait for its turn.
const START_MAX: Duration = Duration::from_secs(600);
const ANSWER_MAX: Duration = Duration::from_secs(20);
const QUIT_MAX: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// See the module. Quits when dropped.
pub(crate) struct Testpmd {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    /// Read, but not yet asked for.
    pending: String,
    log: PathBuf,
}

impl Testpmd {
    /// Starts `command` and waits for the prompt. What it prints must not be buffered: start it under `stdbuf`.
    ///
    /// # Errors
    /// It ends before, or there is no prompt; the log tells more.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Testpmd, Failure> {
        let file = File::create(log).map_err(Failure::of(log.display()))?;
        let (reader, writer) = io::pipe()?;
        command.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
        let mut child = command.spawn().map_err(Failure::of("starting testpmd"))?;
        let input = child.stdin.take();
        let (sender, output) = channel();
        thread::spawn(move || pass_on(reader, file, &sender));
        let mut testpmd = Testpmd { child, input, output, pending: String::new(), log: log.to_path_buf() };
        // The command holds the last ends for writing; with them the end of testpmd would go unnoticed.
        drop(command);
        testpmd.await_prompt(START_MAX)?;
        Ok(testpmd)
    }

    /// Its process number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Says `line` and answers all that comes until the next prompt.
    ///
    /// # Errors
    /// No prompt comes; with the end of what it printed.
    pub(crate) fn ask(&mut self, line: &str) -> Result<String, Failure> {
        // What links did meanwhile, for instance.
        self.pending.clear();
        while self.output.try_recv().is_ok() {}
        let input = self.input.as_mut().ok_or_else(|| Failure::new("testpmd has quit"))?;
        input.write_all(format!("{line}\n").as_bytes()).map_err(Failure::of(format!("testpmd, {line}")))?;
        self.await_prompt(ANSWER_MAX)
    }

    fn await_prompt(&mut self, max: Duration) -> Result<String, Failure> {
        let deadline = Instant::now() + max;
        loop {
            if let Some(at) = self.pending.find(PROMPT) {
                let rest = self.pending.split_off(at + PROMPT.len());
                return Ok(std::mem::replace(&mut self.pending, rest));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(text) => self.pending.push_str(&text),
                Err(RecvTimeoutError::Timeout) => return Err(self.stuck("gives no answer")),
                Err(RecvTimeoutError::Disconnected) => return Err(self.stuck("has ended")),
            }
        }
    }

    fn stuck(&self, what: &str) -> Failure {
        Failure::new(format!("testpmd {what}, all output in {}", self.log.display()))
    }
}

impl Drop for Testpmd {
    /// Asked first: a wrapper around testpmd must not be robbed of its end.
    fn drop(&mut self) {
        if let Some(mut input) = self.input.take() {
            // It may have ended already.
            let _ = input.write_all(b"quit\n");
        }
        if !self.ends() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
        if !self.ends() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Testpmd {
    fn ends(&mut self) -> bool {
        let deadline = Instant::now() + QUIT_MAX;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(POLL);
        }
        true
    }
}

/// Everything to the log and to whoever asks, until testpmd ends.
fn pass_on(mut from: PipeReader, mut log: File, to: &Sender<String>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        // A log that cannot be written does not spoil a measurement, nor does a listener who is gone.
        let _ = log.write_all(&bytes[..count]);
        let _ = to.send(String::from_utf8_lossy(&bytes[..count]).into_owned());
    }
}
