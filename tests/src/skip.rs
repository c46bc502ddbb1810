// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Tests that cannot run on this machine. They count as skipped, never as passed, and say why.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

/// Notes that the calling test cannot run, and why; the test returns right afterwards.
///
/// `reason` is one line and names what is missing. It goes to standard error and, when `WEFT_SKIP_LOG` names a file,
/// as one line into that file: libtest knows no skipped tests, so `cargo xtask check` counts those lines.
///
/// # Panics
/// When the file cannot be written: a skip that nobody sees would be a lie.
pub fn skip(reason: &str) {
    let thread = thread::current();
    let line = format!("{}: {}\n", thread.name().unwrap_or("(nameless)"), reason.replace('\n', " "));
    eprint!("skipped: {line}");
    if let Some(path) = env::var_os("WEFT_SKIP_LOG") {
        let log = OpenOptions::new().append(true).create(true).open(&path);
        // One write a line, so that test programs that run at the same time do not mix theirs.
        let written = log.and_then(|mut log| log.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// False, and a note, when this machine lets the calling test be nobody else: that takes root and `setpriv`.
///
/// # Panics
/// As [`skip`].
pub fn can_be_others() -> bool {
    let setpriv = Command::new("setpriv").arg("--version").stdout(Stdio::null()).status().is_ok();
    let able = rustix::process::geteuid().is_root() && setpriv;
    if !able {
        skip("needs root and setpriv, to call as other users");
    }
    able
}
