// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules on Rust sources. The syntax tree decides, not the text: a word in a comment breaks nothing.

mod names;
mod shape;

use crate::tree::{File, Tree};

/// The one crate that may say `unsafe`.
const UNSAFE: &str = "backends/sys/";
/// How a condition begins.
const CONDITION: [&str; 2] = ["#[cfg(", "#![cfg("];
/// The conditions that there are.
const CONDITIONS: [&str; 3] = ["test", "target_arch = \"x86_64\"", "not(target_arch = \"x86_64\")"];
const FILE_LINES_MAX: usize = 500;
const THEORY_LINES_MIN: usize = 10;

/// Files and functions that one can still take in.
pub(crate) fn sizes(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in tree.rust() {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            breaches.push(format!("{}: {lines} lines, {FILE_LINES_MAX} are allowed; split it", file.path));
        }
        breaches.extend(shape::long_functions(file));
    }
    breaches
}

/// `unsafe` outside the one crate, and crates that do not forbid it.
pub(crate) fn unsafe_code(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in tree.rust().filter(|file| !file.path.starts_with(UNSAFE)) {
        breaches.extend(shape::unsafe_code(file));
        if is_root(tree, file) && !file.text.contains("\n#![forbid(unsafe_code)]") {
            breaches.push(format!("{}: add `#![forbid(unsafe_code)]`", file.path));
        }
    }
    breaches
}

/// What the sans-I/O half must not name, tests of it excepted.
pub(crate) fn sans_io(tree: &Tree) -> Vec<String> {
    let inside = |file: &&File| file.path.starts_with("switch/") && !is_test(&file.path);
    tree.rust().filter(inside).flat_map(names::impure).collect()
}

/// Conditions of a build that nothing ever fulfils, for instance because they are misspelt: what they keep is never built.
pub(crate) fn conditions(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in tree.rust() {
        for (number, line) in file.lines() {
            let said = CONDITION.iter().find_map(|begin| line.trim_start().strip_prefix(begin)?.split_once(")]"));
            let unknown = said.filter(|(said, _)| !CONDITIONS.contains(said));
            breaches
                .extend(unknown.map(|(said, _)| format!("{}:{number}: `{said}` is no condition of ours", file.path)));
        }
    }
    breaches
}

/// `#[ignore]`, `todo!` and their kin.
pub(crate) fn unfinished(tree: &Tree) -> Vec<String> {
    tree.rust().flat_map(names::unfinished).collect()
}

/// How each crate's root begins.
pub(crate) fn theories(tree: &Tree) -> Vec<String> {
    let roots = tree.manifests().filter_map(|manifest| {
        let source = |name: &str| tree.file(&format!("{}/src/{name}", manifest.folder()));
        source("lib.rs").or_else(|| source("main.rs"))
    });
    let short = |file: &&File| theory_lines(file) < THEORY_LINES_MIN;
    roots
        .filter(short)
        .map(|file| {
            format!("{}:2: begin with a theory of operation, {THEORY_LINES_MIN} lines of `//!` or more", file.path)
        })
        .collect()
}

fn theory_lines(file: &File) -> usize {
    file.text.lines().filter(|line| line.starts_with("//!")).count()
}

/// `lib.rs`, `main.rs` or a binary of a crate.
fn is_root(tree: &Tree, file: &File) -> bool {
    let folder = file.folder();
    let package = folder.strip_suffix("/src").or_else(|| folder.strip_suffix("/src/bin"));
    let named = folder.ends_with("/src/bin") || file.path.ends_with("/lib.rs") || file.path.ends_with("/main.rs");
    named && package.is_some_and(|package| tree.file(&format!("{package}/Cargo.toml")).is_some())
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn parse(file: &File) -> syn::File {
    syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path))
}
