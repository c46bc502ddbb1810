// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Measured tables in `docs/performance.md`: rewritten between marks, so that no figure is ever copied by hand.

use crate::cargo::root;
use crate::failure::Failure;
use std::fs;

const DOCUMENT: &str = "docs/performance.md";

/// Replaces what stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
///
/// # Errors
/// The marks are not there, or the file cannot be read or written.
pub(crate) fn rewrite(name: &str, text: &str) -> Result<(), Failure> {
    let path = root().join(DOCUMENT);
    let document = fs::read_to_string(&path).map_err(Failure::of(DOCUMENT))?;
    let new = between(&document, name, text).ok_or_else(|| Failure::new(format!("{DOCUMENT}: no marks of {name}")))?;
    fs::write(&path, new).map_err(Failure::of(DOCUMENT))
}

fn between(document: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->\n"));
    let (before, rest) = document.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let document = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n";
        let new = between(document, "x", "new\n").expect("the marks are there");
        assert_eq!(new, "a\n<!-- x: begin -->\nnew\n<!-- x: end -->\nb\n");
        assert_eq!(between(document, "y", "new\n"), None);
    }
}
