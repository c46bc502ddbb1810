// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The gate: all steps in order, a file of output for each, and one line that sums up.

mod failures;
mod steps;
mod tally;

use crate::Outcome;
use crate::bench::instructions::{self, Verdict};
use crate::cargo::{self, output_folder, tail};
use crate::failure::Failure;
use crate::machine;
use crate::progress::{Mark, Progress};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use steps::{STEPS, Step, Work};
use tally::Tally;

/// Lines of a failed step's output, or of a failed test program's, that go to the screen.
const SHOWN: usize = 150;

/// Options of `check`.
#[derive(Args)]
pub(crate) struct Options {
    /// Run all steps, also after one has failed
    #[arg(long)]
    keep_going: bool,
    /// Install nothing (heeded by ./check; by itself this program never installs anything)
    #[arg(long)]
    no_install: bool,
}

/// Runs the steps. The last line on standard output reads `N passed, N failed, N skipped`.
///
/// Tests count one by one. Any other step counts only when it fails or cannot be tried.
pub(crate) fn run(options: &Options) -> Outcome {
    let logs = output_folder("check")?;
    let mut sum = Tally::default();
    for step in &STEPS {
        let tally = carry_out(step, &logs)?;
        let failed = tally.failed > 0;
        sum.add(tally);
        if failed && !options.keep_going {
            break;
        }
    }
    for reason in &sum.reasons {
        println!("skipped: {reason}");
    }
    println!("{sum}");
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn carry_out(step: &Step, logs: &Path) -> Result<Tally, Failure> {
    let progress = Progress::start(step.name);
    if let Some(reason) = step.obstacle() {
        progress.end(Mark::Skipped, &reason);
        return Ok(Tally::skip(format!("{}: {reason}", step.name)));
    }
    let log = logs.join(format!("{}.log", step.name.replace(' ', "-")));
    let tally = match &step.work {
        Work::Cargo(_) => plain(step, &log, &progress)?,
        Work::Tests(_) => tests(step, &log, &progress)?,
        Work::GuestImage => guest_image(&log, &progress)?,
        Work::Instructions => instructions(&log)?,
    };
    if tally.failed == 0 {
        progress.end(tally.mark(), &tally.remark());
    } else {
        progress.end(Mark::Bad, &format!("{}, all output in {}", tally.remark(), log.display()));
        eprintln!("{}", told(&log));
    }
    Ok(tally)
}

/// What a failed step's log tells: of tests that failed, else its end.
fn told(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    match failures::sections(&String::from_utf8_lossy(&text), SHOWN) {
        none if none.is_empty() => tail(log, SHOWN),
        sections => sections,
    }
}

/// A step of which only success or failure is of interest.
fn plain(step: &Step, log: &Path, progress: &Progress) -> Result<Tally, Failure> {
    let status = cargo::run(step.command(), log, |line| progress.note(line)).map_err(Failure::of(step.name))?;
    Ok(if status.success() { Tally::default() } else { Tally::failure() })
}

/// A step that runs test programs: their closing lines are summed up, and what they noted in the skip log.
fn tests(step: &Step, log: &Path, progress: &Progress) -> Result<Tally, Failure> {
    let skips = skip_log(log)?;
    let mut command = step.command();
    command.env("WEFT_SKIP_LOG", &skips);
    let mut tally = Tally::default();
    let status = cargo::run(command, log, |line| {
        progress.note(line);
        tally.read(line);
    });
    tally.take_skips(&fs::read_to_string(&skips).unwrap_or_default());
    if !status.map_err(Failure::of(step.name))?.success() && tally.failed == 0 {
        tally.add(Tally::failure());
    }
    Ok(tally)
}

/// An empty file beside the log, for the tests to append to.
fn skip_log(log: &Path) -> Result<PathBuf, Failure> {
    let skips = log.with_extension("skipped");
    fs::write(&skips, "").map_err(Failure::of(format!("creating {}", skips.display())))?;
    Ok(skips)
}

/// Image and calibration are made ahead of the tests, so that no test pays for them within its time limit.
fn guest_image(log: &Path, progress: &Progress) -> Result<Tally, Failure> {
    let prepared = machine::prepare(progress).and_then(|setup| match machine::prepare_bookworm(progress) {
        Err(error) if !error.is_missing_tool() => Err(error),
        bookworm => Ok(format!("{setup:#?}\n{bookworm:#?}")),
    });
    let (tally, text) = match prepared {
        Ok(text) => (Tally::default(), text),
        Err(error) if error.is_missing_tool() => (Tally::skip(format!("real guests: {error}")), error.to_string()),
        Err(error) => (Tally::failure(), error.to_string()),
    };
    fs::write(log, text).map_err(Failure::of(format!("writing {}", log.display())))?;
    Ok(tally)
}

/// The frame path must not become longer unnoticed.
fn instructions(log: &Path) -> Result<Tally, Failure> {
    let (tally, text) = match instructions::hold()? {
        Verdict::Held(table) => (Tally::default(), table),
        Verdict::Grown(table) => (Tally::failure(), table),
        Verdict::Skipped(reason) => (Tally::skip(format!("instructions a frame: {reason}")), reason),
    };
    fs::write(log, text).map_err(Failure::of(format!("writing {}", log.display())))?;
    Ok(tally)
}

/// Whether a program answers: `cargo fmt --version` fails where rustup did not install the component.
fn answers(subcommand: &str) -> bool {
    let mut probe = cargo::cargo();
    probe.args([subcommand, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}
