// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules on `docs/regressions.md`: every defect has a test, and every test that it names exists.

use crate::tree::{File, Tree};
use std::collections::BTreeSet;
use std::fs;

const DOCUMENT: &str = "docs/regressions.md";
/// Defects that are known.
const DEFECTS: u32 = 30;

/// Compares the table with the tests in the tree.
pub(crate) fn tests(tree: &Tree) -> Vec<String> {
    let Ok(document) = fs::read_to_string(tree.root.join(DOCUMENT)) else {
        return vec![format!("{DOCUMENT}: missing")];
    };
    let all = functions(tree);
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let (mut breaches, mut listed) = (Vec::new(), BTreeSet::new());
    for (number, rest) in rows.filter_map(|(number, rest)| Some((number.parse::<u32>().ok()?, rest))) {
        let named: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        let gone = named.iter().filter(|test| !all.contains(*test));
        breaches.extend(gone.map(|test| format!("{DOCUMENT}: {number}: there is no test `{test}`")));
        listed.extend((!named.is_empty()).then_some(number));
    }
    let missing = (1..=DEFECTS).filter(|number| !listed.contains(number));
    breaches.extend(missing.map(|number| format!("{DOCUMENT}: {number} has no test")));
    breaches
}

/// The names of all functions in the tree.
pub(crate) fn functions(tree: &Tree) -> BTreeSet<&str> {
    tree.rust().flat_map(File::lines).filter_map(|(_, line)| function(line)).collect()
}

/// The name of a function that begins on this line.
fn function(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("fn ")?.split_once('(').map(|(name, _)| name)
}
