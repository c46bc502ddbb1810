// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules on any text.

use crate::tree::{File, Tree};

const SPDX: &str = "SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause";

/// Endings of sources with comments. Markdown and recorded data carry no licence line,
/// nor do varlink interfaces, which are served to clients as they are.
const SOURCES: [&str; 5] = [".rs", ".toml", ".sh", ".yml", ".service"];

/// What only exists on somebody's own machine.
const MACHINE: [&str; 3] = ["/home/", "/root/", "/Users/"];

/// The one file that must spell them.
const SELF: &str = "tests/tests/tidy/text.rs";

/// The licence in the first line, or in the second one below `#!`.
pub(crate) fn spdx(tree: &Tree) -> Vec<String> {
    let missing = |file: &&File| !file.text.lines().take(2).any(|line| line.contains(SPDX));
    let sources = tree.files.iter().filter(|file| is_source(file));
    sources.filter(missing).map(|file| format!("{}:1: begin with `{SPDX}`", file.path)).collect()
}

fn is_source(file: &File) -> bool {
    SOURCES.iter().any(|ending| file.path.ends_with(ending)) || file.text.starts_with("#!/")
}

/// Paths that a clone on another machine would not have.
pub(crate) fn machine_paths(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != SELF) {
        for (number, line) in file.lines() {
            for path in MACHINE.iter().filter(|path| line.contains(**path)) {
                breaches.push(format!("{}:{number}: {path} exists on one machine only", file.path));
            }
        }
    }
    breaches
}
