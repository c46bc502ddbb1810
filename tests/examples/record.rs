// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stands between any VMM and a port of a running weftd, and prints what the VMM says.
//!
//! ```text
//! cargo run -p tests --example record -- connects|listens SOCKET-OF-THE-VMM SOCKET-OF-THE-PORT
//! ```
//!
//! `connects` or `listens` is what the VMM does. Each line on standard input begins a section of that name; at the end
//! of input the recording is printed, in the form of `tests/src/golden/recorded/`.
use std::io::{self, BufRead};
use std::path::Path;
use std::process::ExitCode;

use tests::guest::Side;
use tests::recorder::Recorder;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let side = match arguments.first().map(String::as_str) {
        Some("connects") if arguments.len() == 3 => Side::Connects,
        Some("listens") if arguments.len() == 3 => Side::Listens,
        _ => {
            eprintln!("usage: record connects|listens SOCKET-OF-THE-VMM SOCKET-OF-THE-PORT");
            return ExitCode::FAILURE;
        }
    };
    match record(side, Path::new(&arguments[1]), Path::new(&arguments[2])) {
        Ok(recording) => print!("{recording}"),
        Err(reason) => {
            eprintln!("record: {reason}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn record(side: Side, vmm: &Path, port: &Path) -> io::Result<String> {
    let mut recorder = Recorder::start(side, vmm, port)?;
    for name in io::stdin().lock().lines() {
        recorder.section(name?.trim());
    }
    Ok(recorder.text())
}
