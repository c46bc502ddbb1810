// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A person's terminal on the serial console of a guest.

use crate::Outcome;
use crate::failure::Failure;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `console`.
#[derive(Args)]
pub(crate) struct Options {
    /// The console's socket, as `./demo --keep` prints it
    socket: PathBuf,
}

/// Connects the terminal with the console until Ctrl-] is pressed or the guest ends.
pub(crate) fn run(options: &Options) -> Outcome {
    println!("Ctrl-] leaves the console; the guest runs on.");
    let socket = &options.socket;
    let hint = "is the guest running, and nobody else on its console?";
    qemu::console::visit(socket).map_err(Failure::of(format!("{}: {hint}", socket.display())))?;
    println!();
    Ok(ExitCode::SUCCESS)
}
