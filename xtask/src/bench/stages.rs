// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What each stage of the frame path takes, in cycles by the time stamp counter.
//!
//! One thread is guest and worker in turns, so that what a second core adds is missing: cache lines that travel.

use super::build;
use super::document::{self, table};
use crate::Outcome;
use crate::failure::Failure;
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// In `benches/src/scene.rs`, in the order of the table's columns.
const WORKS: [&str; 8] = ["64", "512", "1500", "9000", "tso", "flood-8", "macs-1k", "macs-100k"];
/// In `switch/dataplane/src/worker.rs`, in the order of the table's rows.
const STAGES: [&str; 5] = ["receive", "guard", "forward", "deliver", "finish"];

/// Options of `bench stages`.
#[derive(Args)]
pub(crate) struct Options {
    /// Also rewrites the table of docs/performance.md
    #[arg(long)]
    record: bool,
    /// Runs the measurement under this command, which can keep a shared machine quiet meanwhile
    #[arg(long, value_name = "COMMAND")]
    wrap: Option<PathBuf>,
}

/// Builds, measures, prints.
pub(crate) fn run(options: &Options) -> Outcome {
    let program = build("bench-count", &["--package", "benches", "--bin", "stages"])?.join("stages");
    let mut command = Command::new(options.wrap.as_ref().unwrap_or(&program));
    command.args(options.wrap.is_some().then_some(&program));
    let output = command.output().map_err(Failure::of("the measurement"))?;
    let figures = serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        Failure::new(format!("the measurement: {}", said.trim()))
    })?;
    let table = table(&rows(&figures));
    print!("{table}");
    if options.record {
        document::rewrite("stages", &table)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A row for each stage and one for all of them.
fn rows(figures: &Value) -> Vec<Vec<String>> {
    let cycles = |stage: &str, work: &str| figures[work][stage].as_f64().unwrap_or(f64::NAN);
    let all = |work: &str| STAGES.iter().map(|stage| cycles(stage, work)).sum::<f64>();
    let row = |name: &str, cell: &dyn Fn(&str) -> String| {
        std::iter::once(name.to_owned()).chain(WORKS.iter().map(|work| cell(work))).collect()
    };
    let mut rows = vec![row("cycles a frame", &|work| work.to_owned())];
    rows.extend(STAGES.iter().map(|stage| row(stage, &|work| format!("{:.0}", cycles(stage, work)))));
    rows.push(row("all", &|work| format!("{:.0}", all(work))));
    rows
}
