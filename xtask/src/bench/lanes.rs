// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How fast each kind of lane is beside the same path without weft, and how long it takes to switch a port from one lane to
//! the other.
//!
//! The measuring is done by `tests/examples/lanes`, which makes network namespaces and so needs root.

use super::build;
use super::document;
use crate::Outcome;
use crate::failure::Failure;
use clap::Args;
use std::process::{Command, ExitCode};

/// Options of `bench lanes`.
#[derive(Args)]
pub(crate) struct Options {
    /// Also rewrites the tables of docs/performance.md
    #[arg(long)]
    record: bool,
    /// How long each path is measured
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    seconds: f64,
}

/// Builds, measures, prints.
pub(crate) fn run(options: &Options) -> Outcome {
    let folder = build("bench-count", &["--package", "tests", "--example", "lanes"])?;
    let mut command = Command::new(folder.join("examples/lanes"));
    let output = command.arg(options.seconds.to_string()).output().map_err(Failure::of("the measurement"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("the measurement: {}", said.trim())));
    }
    let tables = String::from_utf8_lossy(&output.stdout);
    print!("{tables}");
    if options.record {
        document::rewrite("lanes", &tables)?;
    }
    Ok(ExitCode::SUCCESS)
}
