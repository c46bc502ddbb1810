// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Running cargo, and finding what it built.

use crate::failure::Failure;
use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

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

/// Runs `command`, copies what it prints (both streams, in order) to `log`, and hands each line to `line`.
///
/// # Errors
/// When the command cannot be started or the log cannot be written.
pub(crate) fn run(mut command: Command, log: &Path, mut line: impl FnMut(&str)) -> io::Result<ExitStatus> {
    let mut log = File::create(log)?;
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The command holds the last ends for writing; without this the reader below would wait for ever.
    drop(command);
    for text in BufReader::new(reader).split(b'\n') {
        let text = text?;
        log.write_all(&text)?;
        log.write_all(b"\n")?;
        line(&String::from_utf8_lossy(&text));
    }
    child.wait()
}

/// The last `count` lines of a log.
pub(crate) fn tail(log: &Path, count: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
