// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules on the table of others' tests of what a NetVSC-like device does: each has a test here that exists, or a reason why not.

use crate::regressions::functions;
use crate::tree::Tree;
use std::fs;

const DOCUMENT: &str = "switch/netvsc/tests/device/main.rs";
/// Rows that there are at least: nobody shortens the table unseen.
const ROWS: usize = 45;

/// Compares the table with the tests in the tree.
pub(crate) fn tests(tree: &Tree) -> Vec<String> {
    let Ok(document) = fs::read_to_string(tree.root.join(DOCUMENT)) else {
        return vec![format!("{DOCUMENT}: missing")];
    };
    let all = functions(tree);
    let rows = document.lines().filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |")?.split_once(" | "));
    let (mut breaches, mut count) = (Vec::new(), 0);
    for (others, here) in rows.filter(|(others, _)| *others != "others") {
        count += 1;
        let named: Vec<&str> = here.split('`').skip(1).step_by(2).collect();
        if named.is_empty() && !here.starts_with("none: ") {
            breaches.push(format!("{DOCUMENT}: {others}: name a test, or say `none: ` and why"));
        }
        let gone = named.iter().filter(|test| !all.contains(test.rsplit("::").next().unwrap_or(test)));
        breaches.extend(gone.map(|test| format!("{DOCUMENT}: {others}: there is no test `{test}`")));
    }
    breaches.extend((count < ROWS).then(|| format!("{DOCUMENT}: {count} rows, of at least {ROWS}")));
    breaches
}
