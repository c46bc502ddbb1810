// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules on `README.md`: the verbs that it lists exist, and all that exist are listed.

use crate::tree::Tree;
use std::collections::BTreeSet;

const DOCUMENT: &str = "README.md";
/// clap's own.
const UNLISTED: [&str; 1] = ["help"];

/// Compares the table of commands with what `weft` parses.
pub(crate) fn commands(tree: &Tree) -> Vec<String> {
    let Some(document) = tree.file(DOCUMENT) else {
        return vec![format!("{DOCUMENT}: missing")];
    };
    let listed: BTreeSet<String> = document.lines().flat_map(|(_, line)| listed_in(line)).collect();
    let parsed = parsed();
    let gone = listed.difference(&parsed).map(|verb| format!("{DOCUMENT}: `weft {verb}` does not exist"));
    let missing = parsed.difference(&listed).map(|verb| format!("{DOCUMENT}: `weft {verb}` is not listed"));
    gone.chain(missing).collect()
}

/// ``| `weft port add, del` | …`` says `port add` and `port del`; words in capitals or brackets are arguments.
fn listed_in(line: &str) -> Vec<String> {
    let Some((command, _)) = line.strip_prefix("| `weft ").and_then(|rest| rest.split_once('`')) else {
        return Vec::new();
    };
    let is_verb = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
    let mut words = command.split([' ', ',']).filter(|word| !word.is_empty()).filter(is_verb);
    let object = words.next().unwrap_or_default();
    let verbs: Vec<String> = words.map(|verb| format!("{object} {verb}")).collect();
    if verbs.is_empty() { vec![object.to_owned()] } else { verbs }
}

fn parsed() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for object in ctl::cli().get_subcommands().filter(|object| !UNLISTED.contains(&object.get_name())) {
        let name = object.get_name();
        if !object.has_subcommands() {
            found.insert(name.to_owned());
        }
        found.extend(object.get_subcommands().map(|verb| format!("{name} {}", verb.get_name())));
    }
    found
}
