// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Measured tables in `docs/performance.md`: rewritten between marks, so that no figure is ever copied by hand.

use crate::cargo::root;
use crate::failure::Failure;
use std::fmt::Write;
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

/// Rows of equal length as a Markdown table with columns of equal width; the first one is the head.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(text, "| {cell:width$} ");
        }
        text += "|\n";
        if number == 0 {
            widths.iter().for_each(|width| text += &format!("|{}", "-".repeat(width + 2)));
            text += "|\n";
        }
    }
    text
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
