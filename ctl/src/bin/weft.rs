// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft`, the operator's command; `ctl::run` does the work.
#![forbid(unsafe_code)]

use std::io::{IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;

use ctl::{Streams, run};

fn main() -> ExitCode {
    let terminal = stdout().is_terminal();
    let streams = Streams { input: &mut stdin(), output: &mut stdout(), errors: &mut stderr(), terminal };
    ExitCode::from(run(std::env::args_os(), streams))
}
