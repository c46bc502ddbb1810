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
    /// Instead of that, floods a weftd with so many forged Router Advertisements from a host, and with as many from a router:
    /// from one with all the room there is, one in a namespace with a quota, and one that is mediated
    #[arg(long, conflicts_with = "minutes")]
    forged: Option<u64>,
}

/// Runs the `soak` program of the crate `tests`, which tells what it does.
pub(crate) fn run(options: &Options) -> Outcome {
    let (profile, arguments) = match options.forged {
        // Many of them; it is worth while to wait for a faster program first.
        Some(frames) => ("bench-count", ["--forged".to_owned(), frames.to_string()].to_vec()),
        None => ("dev", [options.minutes.to_string()].to_vec()),
    };
    // It floods a real weftd.
    let built = match options.forged {
        Some(_) => {
            cargo(&["build", "--quiet", "--profile", profile, "--package", "backends", "--package", "ctl"], &[])?
        }
        None => true,
    };
    let soak = ["run", "--quiet", "--profile", profile, "--package", "tests", "--bin", "soak", "--"];
    Ok(if built && cargo(&soak, &arguments)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether cargo did what it was asked for.
fn cargo(arguments: &[&str], more: &[String]) -> Result<bool, Failure> {
    let status = cargo::cargo().args(arguments).args(more).status().map_err(Failure::of("running cargo"))?;
    Ok(status.success())
}
