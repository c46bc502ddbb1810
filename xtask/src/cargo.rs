// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Running cargo, and finding what it built.

use crate::failure::Failure;
use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the root")
}

/// The `cargo` that runs this program, in the root of the repository.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The folder of binaries that this program lies in, so that a changed target folder or profile needs no thought.
///
/// # Errors
/// When the system does not tell where this program lies.
pub(crate) fn binaries() -> Result<PathBuf, Failure> {
    let program = env::current_exe().map_err(Failure::of("finding this program's folder"))?;
    Ok(program.parent().unwrap_or(Path::new(".")).to_path_buf())
}

/// Where a task puts what it makes, `name` below the target folder. Created when absent.
///
/// # Errors
/// When the folder cannot be created.
pub(crate) fn output_folder(name: &str) -> Result<PathBuf, Failure> {
    let target = binaries()?.parent().unwrap_or(Path::new(".")).to_path_buf();
    let folder = target.join(name);
    std::fs::create_dir_all(&folder).map_err(Failure::of(format!("creating {}", folder.display())))?;
    Ok(folder)
}

/// Runs `command`, copies what it prints (both streams, in order) to `log`, and hands each line to `line`. It is over when
/// the command has ended: a process that it left behind, and that could still print, is not waited for.
///
/// # Errors
/// When the command cannot be started or the log cannot be written.
pub(crate) fn run(mut command: Command, log: &Path, mut line: impl FnMut(&str)) -> io::Result<ExitStatus> {
    let mut log = File::create(log)?;
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The command holds the last ends for writing; without this the reader below would wait for ever.
    drop(command);
    let lines = lines_of(reader);
    let mut ended = None;
    loop {
        match lines.recv_timeout(GLANCE) {
            Ok(text) => {
                log.write_all(&text)?;
                log.write_all(b"\n")?;
                line(&String::from_utf8_lossy(&text));
            }
            Err(RecvTimeoutError::Disconnected) => return child.wait(),
            Err(RecvTimeoutError::Timeout) => match ended {
                Some(status) => return Ok(status),
                // What it printed last may still be on its way.
                None => ended = child.try_wait()?,
            },
        }
    }
}

/// How long nothing is printed before the command is looked after.
const GLANCE: Duration = Duration::from_millis(200);

/// The lines that come out of a pipe, read by a thread that lives as long as somebody can write into it.
fn lines_of(pipe: PipeReader) -> Receiver<Vec<u8>> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        // An error means that nobody listens any more.
        let _ = BufReader::new(pipe).split(b'\n').map_while(Result::ok).try_for_each(|line| sender.send(line));
    });
    lines
}

/// The last `count` lines of a log.
pub(crate) fn tail(log: &Path, count: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Vec<String>, ExitStatus) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut lines = Vec::new();
        let status = run(command, &folder.path().join("log"), |line| lines.push(line.to_owned())).expect("it runs");
        (lines, status)
    }

    #[test]
    fn both_streams_and_the_status_are_passed_on() {
        let (lines, status) = shell("echo out; echo err >&2; exit 3");
        assert_eq!((lines, status.code()), (vec!["out".to_owned(), "err".to_owned()], Some(3)));
    }

    #[test]
    fn a_process_that_was_left_behind_is_not_waited_for() {
        let (lines, status) = shell("sleep 1000 & echo $!");
        assert!(status.success());
        let left: i32 = lines[0].parse().expect("its number");
        let left = rustix::process::Pid::from_raw(left).expect("a number");
        rustix::process::kill_process(left, rustix::process::Signal::KILL).expect("it runs still");
    }
}
