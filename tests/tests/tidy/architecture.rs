// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules on `ARCHITECTURE.md`: short enough to be read, and true where a machine can tell.

use crate::tree::Tree;

const DOCUMENT: &str = "ARCHITECTURE.md";
const LINES_MAX: usize = 250;

/// Endings that make a code span without `/` a path.
const ENDINGS: [&str; 5] = [".rs", ".toml", ".md", ".sh", ".varlink"];

/// Every code span that looks like a path is one.
pub(crate) fn paths(tree: &Tree) -> Vec<String> {
    let Some(document) = tree.file(DOCUMENT) else {
        return vec![format!("{DOCUMENT}: missing")];
    };
    let mut breaches = Vec::new();
    for (number, line) in document.lines() {
        for span in line.split('`').skip(1).step_by(2).filter(|span| is_path(tree, span)) {
            if !tree.root.join(span).exists() {
                breaches.push(format!("{DOCUMENT}:{number}: `{span}` does not exist; mend the document"));
            }
        }
    }
    breaches
}

/// A path begins with a folder of the root, or is a file name that ends as ours do.
fn is_path(tree: &Tree, span: &str) -> bool {
    let clean = !span.is_empty() && !span.contains([' ', '*', ':', '<', '=']);
    let inside = span.split_once('/').is_some_and(|(first, _)| !first.is_empty() && tree.root.join(first).is_dir());
    clean && !span.starts_with('.') && (inside || ENDINGS.iter().any(|ending| span.ends_with(ending)))
}

/// A document that nobody finishes is no document.
pub(crate) fn length(tree: &Tree) -> Vec<String> {
    let lines = tree.file(DOCUMENT).map_or(0, |file| file.text.lines().count());
    let long = lines > LINES_MAX;
    long.then(|| format!("{DOCUMENT}: {lines} lines, {LINES_MAX} are allowed")).into_iter().collect()
}
