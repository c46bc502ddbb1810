// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Races and floods that tests run for a moment, for as long as one likes.

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
    /// Instead of that, sends so many forged Router Advertisements from a host, and as many from a router
    #[arg(long, conflicts_with = "minutes")]
    forged: Option<u64>,
}

/// Runs the `soak` program of the crate `tests`, which tells what it does.
pub(crate) fn run(options: &Options) -> Outcome {
    let arguments = match options.forged {
        // Many of them; it is worth while to wait for a faster program first.
        Some(frames) => ["--forged".to_owned(), frames.to_string()].to_vec(),
        None => [options.minutes.to_string()].to_vec(),
    };
    let profile = if options.forged.is_some() { "bench-count" } else { "dev" };
    let mut command = cargo::cargo();
    command.args(["run", "--quiet", "--profile", profile, "--package", "tests", "--bin", "soak", "--"]).args(arguments);
    let status = command.status().map_err(Failure::of("running cargo"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
