// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Races that tests run for a moment, for as long as one likes.

use crate::Outcome;
use crate::cargo;
use crate::failure::Failure;
use clap::Args;
use std::process::ExitCode;

/// Options of `soak`.
#[derive(Args)]
pub(crate) struct Options {
    /// How long, all in all
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: u32,
}

/// Runs the `soak` program of the crate `tests`, which tells what it does.
pub(crate) fn run(options: &Options) -> Outcome {
    let mut command = cargo::cargo();
    command.args(["run", "--quiet", "--package", "tests", "--bin", "soak", "--", &options.minutes.to_string()]);
    let status = command.status().map_err(Failure::of("running cargo"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
