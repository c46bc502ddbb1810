// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `cargo xtask`: everything that a developer or a newcomer does with this repository, as one program.
//!
//! # Theory of operation
//!
//! Cargo is the only tool that a clone may count on, so what other projects write as shell lives here, typed and
//! testable. The scripts `./demo` and `./check` bring a machine to where cargo can take over and end in this program.
//!
//! * [`demo`] shows weft to a newcomer: builds it, boots guests of two tenants, and *checks every claim that it
//!   prints*. A demo that only prints would go on lying after the first regression.
//! * [`check`] is the one gate: format, lints, documents, tests, real guests. CI calls nothing else. Every step's
//!   output goes to a file; the screen shows progress, and the tail of the file when a step fails.
//! * [`mod@bench`] measures: weft beside other switches on the same core in the same sitting.
//! * [`soak`] runs for minutes what tests run for a moment: a guest that rewrites what the switch is looking at.
//! * [`console`] connects a terminal with the serial console of a guest that the demo left running.
//! * [`dist`] derives man pages and completions from the command lines that the programs themselves parse.
//!
//! This crate knows the `weft` command line and the `qemu` crate, never the switch: it drives the programs as a user
//! does. Nothing here touches the host's network or boot; all that runs lives in one folder and dies with the task.
#![forbid(unsafe_code)]

mod bench;
mod cargo;
mod check;
mod console;
mod demo;
mod dist;
mod failure;
mod interrupt;
mod machine;
mod progress;
mod soak;
mod weft;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

/// The tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Show real guests of two tenants on weft
    Demo(demo::Options),
    /// Check everything: form, lints, documents, tests, real guests
    Check(check::Options),
    /// Measure weft, and compare it with others
    #[command(subcommand)]
    Bench(bench::Measurement),
    /// Race a hostile guest against the frame path for minutes
    Soak(soak::Options),
    /// Log in to a guest of `demo --keep`
    Console(console::Options),
    /// Write the man pages to target/dist/man
    Man,
    /// Write the shell completions to target/dist/completions
    Completions,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Demo(options) => demo::run(&options),
        Task::Check(options) => check::run(&options),
        Task::Bench(measurement) => bench::run(&measurement),
        Task::Soak(options) => soak::run(&options),
        Task::Console(options) => console::run(&options),
        Task::Man => dist::man(),
        Task::Completions => dist::completions(),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// What a task ends with: an exit code, or a reason why it could not be carried through.
type Outcome = Result<ExitCode, Failure>;
