// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The demo: a short play in ten chapters on real guests. What it says is checked as it is said, and one false
//! claim makes it end with an error.

mod cast;
mod daemon;
mod failover;
mod guests;
mod migrate;
mod ping;
mod routers;
mod running;
mod scene;
mod screen;
mod steps;
mod switch;
mod tenant;
mod upgrade;

use crate::Outcome;
use crate::cargo;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::machine;
use crate::progress::{Mark, Progress};
use cast::CAST;
use clap::Args;
use qemu::Setup;
use scene::Scene;
use screen::Screen;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// Options of `demo`.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave guests and switch running at the end, until Ctrl-C, and say how to use them
    #[arg(long)]
    keep: bool,
    /// Install nothing (heeded by ./demo; by itself this program never installs anything)
    #[arg(long)]
    no_install: bool,
}

/// Plays the demo. Guests, switch and files are gone afterwards, however it ends.
pub(crate) fn run(options: &Options) -> Outcome {
    let interrupt = Interrupt::install()?;
    match play(options, &interrupt) {
        // Ctrl-C reaches guests and switch as well, and their end is what fails first.
        Err(_) if interrupt.check().is_err() => Err(Failure::new("interrupted")),
        outcome => outcome,
    }
}

fn play(options: &Options, interrupt: &Interrupt) -> Outcome {
    println!("weft, a switch for the guests of many tenants. First, what is slow:\n");
    build()?;
    let setup = prepare()?;
    interrupt.check()?;
    let started = Instant::now();
    let mut scene = Scene::build(&setup, interrupt)?;
    let mut screen = Screen::default();
    for step in steps::ALL {
        interrupt.check()?;
        step(&mut scene, &mut screen)?;
    }
    screen.sum(started.elapsed().as_secs());
    if options.keep {
        keep(&scene, &cargo::binaries()?, interrupt);
    } else {
        println!("Run ./demo --keep to go on playing with the guests.");
    }
    Ok(if screen.all_held() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same profile as `check`, so that whoever runs both compiles once.
fn build() -> Result<(), Failure> {
    let progress = Progress::start("building weft and weftd");
    let log = cargo::output_folder("demo")?.join("build.log");
    let mut command = cargo::cargo();
    command.args(["build", "--package", "backends", "--package", "ctl", "--package", "tests", "--bins"]);
    let status = cargo::run(command, &log, |line| progress.note(line)).map_err(Failure::of("cargo build"))?;
    if !status.success() {
        progress.end(Mark::Bad, "");
        return Err(Failure::new(format!("cargo build failed:\n{}", cargo::tail(&log, 40))));
    }
    progress.end(Mark::Good, "");
    Ok(())
}

/// What guests need, from the cache where it is there.
fn prepare() -> Result<Setup, Failure> {
    let progress = Progress::start("guest image");
    let setup = machine::prepare(&progress)?;
    progress.end(Mark::Good, &machine::remark(&setup));
    Ok(setup)
}

/// Says how to go on, and waits for Ctrl-C.
fn keep(scene: &Scene, binaries: &Path, interrupt: &Interrupt) {
    let folder = scene.folder().display();
    println!("\nAll of it goes on running. In another terminal:");
    for role in CAST {
        println!("   cargo xtask console {}", scene.guests.get(role).console_socket().display());
    }
    println!("   export WEFT_SOCKET={folder}/ctl.sock PATH={}:$PATH", binaries.display());
    println!("   weft port show");
    if let Some(there) = &scene.there {
        println!("   weft --socket {} port show", there.control().display());
    }
    println!("   less {folder}/weftd.log");
    println!("Ctrl-C here stops guests and switch, and removes {folder}.");
    interrupt.wait();
}
