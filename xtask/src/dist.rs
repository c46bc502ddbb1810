// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Files for packages, derived from the very command line that `weft` parses.

use crate::Outcome;
use crate::cargo::output_folder;
use crate::failure::Failure;
use clap_complete::{Shell, generate_to};
use std::process::ExitCode;

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// One page for `weft` and one for each of its subcommands.
pub(crate) fn man() -> Outcome {
    let folder = output_folder("dist/man")?;
    clap_mangen::generate_to(ctl::cli(), &folder).map_err(Failure::of("writing the man pages"))?;
    println!("{}", folder.display());
    Ok(ExitCode::SUCCESS)
}

/// One file for each shell.
pub(crate) fn completions() -> Outcome {
    let folder = output_folder("dist/completions")?;
    for shell in SHELLS {
        generate_to(shell, &mut ctl::cli(), "weft", &folder).map_err(Failure::of("writing the completions"))?;
    }
    println!("{}", folder.display());
    Ok(ExitCode::SUCCESS)
}
