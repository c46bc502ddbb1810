// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program of `benches` under callgrind.

use crate::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program that can be counted: it prints how often it did what is counted.
pub(crate) struct Callgrind {
    /// The program, built.
    pub(crate) program: PathBuf,
    /// For what callgrind writes.
    pub(crate) folder: PathBuf,
    /// Collected is what functions with such a name do and call.
    pub(crate) collect: &'static str,
}

impl Callgrind {
    /// Instructions each time, of what the program does with these two arguments.
    ///
    /// # Errors
    /// The program or valgrind fails, with what they said.
    pub(crate) fn count(&self, work: &str, more: &str) -> Result<f64, Failure> {
        let file = self.folder.join(format!("callgrind.{work}"));
        // One address space and one environment for all runs: alignment decides how a copy goes about its work.
        let mut command = Command::new("setarch");
        command.env_clear().stdin(Stdio::null()).args(["--addr-no-randomize", "/usr/bin/env", "valgrind"]);
        command.args(["--tool=callgrind", "--collect-atstart=no", &format!("--toggle-collect={}", self.collect)]);
        command.arg(format!("--callgrind-out-file={}", file.display()));
        command.arg(&self.program).args([work, more]);
        let output = command.output().map_err(Failure::of("starting valgrind"))?;
        let times: Option<f64> = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
        match (output.status.success(), times) {
            (true, Some(times)) => Ok(self.collected(&file)? / times),
            _ => Err(Failure::new(format!("counting {work}: {}", String::from_utf8_lossy(&output.stderr)))),
        }
    }

    /// `summary: 7419458`, of the one event that is collected by default.
    fn collected(&self, file: &Path) -> Result<f64, Failure> {
        let text = fs::read_to_string(file).map_err(Failure::of(file.display()))?;
        let count = text.lines().find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok());
        let count = count.filter(|count| *count > 0.0);
        count.ok_or_else(|| Failure::new(format!("{}: nothing was collected in {}", file.display(), self.collect)))
    }
}
