// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `benches/src/bin/count.rs` under callgrind.

use crate::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Collected is what this function calls; it is in `benches/src/scene.rs`.
const COLLECT: &str = "*Scene::switch*";

/// A program that can be counted.
pub(super) struct Callgrind {
    /// `count`, built.
    pub(super) program: PathBuf,
    /// For what callgrind writes.
    pub(super) folder: PathBuf,
}

impl Callgrind {
    /// Instructions a frame of `work`, over that many bursts.
    ///
    /// # Errors
    /// The program or valgrind fails, with what they said.
    pub(super) fn count(&self, work: &str, bursts: u32) -> Result<f64, Failure> {
        let file = self.folder.join(format!("callgrind.{work}"));
        // One address space and one environment for all runs: alignment decides how a copy goes about its work.
        let mut command = Command::new("setarch");
        command.env_clear().stdin(Stdio::null()).args(["--addr-no-randomize", "/usr/bin/env", "valgrind"]);
        command.args(["--tool=callgrind", "--collect-atstart=no", &format!("--toggle-collect={COLLECT}")]);
        command.arg(format!("--callgrind-out-file={}", file.display()));
        command.arg(&self.program).arg(work).arg(bursts.to_string());
        let output = command.output().map_err(Failure::of("starting valgrind"))?;
        let frames: Option<f64> = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
        match (output.status.success(), frames) {
            (true, Some(frames)) => Ok(collected(&file)? / frames),
            _ => Err(Failure::new(format!("counting {work}: {}", String::from_utf8_lossy(&output.stderr)))),
        }
    }
}

/// `summary: 7419458`, of the one event that is collected by default.
fn collected(file: &Path) -> Result<f64, Failure> {
    let text = fs::read_to_string(file).map_err(Failure::of(file.display()))?;
    let count = text.lines().find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok());
    let count = count.filter(|count| *count > 0.0);
    count.ok_or_else(|| Failure::new(format!("{}: nothing was collected in {COLLECT}", file.display())))
}
