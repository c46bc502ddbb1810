// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Measurements. Figures belong to one machine and one sitting; what is worth quoting are ratios.

mod document;
mod idle;
pub(crate) mod instructions;
mod lanes;
mod peers;
mod pvd;
mod stages;

use crate::Outcome;
use crate::cargo;
use crate::failure::Failure;
use crate::progress::{Mark, Progress};
use clap::Subcommand;
use std::path::PathBuf;

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Measurement {
    /// Compare weft with OVS-DPDK and with DPDK's testpmd, one core each, in turns
    Peers(peers::Options),
    /// What weft costs while 64 guests are silent: processor time, memory, and the way out of sleep
    Idle,
    /// Count the instructions that a frame takes, and compare them with those recorded
    Instructions(instructions::Options),
    /// Print the cycles that a frame spends in each stage of the frame path
    Stages(stages::Options),
    /// How fast each kind of lane is beside the same path without weft, and how long a switch between lanes takes
    Lanes(lanes::Options),
    /// What it costs to find a PvD among many, beside a linked list
    Pvd(pvd::Options),
    /// Measure one switch in one scenario, once; prints JSON
    One(peers::One),
}

/// Carries out one measurement.
pub(crate) fn run(measurement: &Measurement) -> Outcome {
    match measurement {
        Measurement::Peers(options) => peers::run(options),
        Measurement::Idle => idle::run(),
        Measurement::Instructions(options) => instructions::run(options),
        Measurement::Stages(options) => stages::run(options),
        Measurement::Lanes(options) => lanes::run(options),
        Measurement::Pvd(options) => pvd::run(options),
        Measurement::One(options) => peers::one(options),
    }
}

/// Builds programs of this tree as they are released; answers their folder.
fn released(packages: &[&str]) -> Result<PathBuf, Failure> {
    let packages = packages.iter().flat_map(|package| ["--package", package]);
    build("release", &["--bins"].into_iter().chain(packages).collect::<Vec<_>>())
}

/// Builds what these arguments of cargo name; answers the folder of the profile's binaries.
fn build(profile: &str, arguments: &[&str]) -> Result<PathBuf, Failure> {
    let progress = Progress::start(&format!("building, {profile}"));
    let log = cargo::output_folder("bench")?.join("build.log");
    let mut command = cargo::cargo();
    command.args(["build", "--profile", profile]).args(arguments);
    let status = cargo::run(command, &log, |line| progress.note(line)).map_err(Failure::of("cargo build"))?;
    if !status.success() {
        progress.end(Mark::Bad, "");
        return Err(Failure::new(format!("cargo build failed:\n{}", cargo::tail(&log, 40))));
    }
    progress.end(Mark::Good, "");
    // Beside the folder of the profile that this program was built with.
    Ok(cargo::binaries()?.with_file_name(profile))
}
