// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One object as a page: a title and indented lines of key and value.

use super::text::printable;

/// Width of the key column; the longest key of any page and two spaces.
const KEY_WIDTH: usize = 13;

/// A page under construction.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
}

impl Page {
    /// A page about the object of that kind and name.
    pub(crate) fn new(kind: &str, name: &str) -> Page {
        Page { text: format!("{kind} {}\n", printable(name)) }
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, key: &str, value: &str) {
        self.text.push_str(&format!("  {key:KEY_WIDTH$}{}\n", printable(value)));
    }

    /// Adds lines below the last one, indented deeper.
    pub(crate) fn below(&mut self, lines: &str) {
        for line in lines.lines() {
            self.text.push_str(&format!("    {line}\n"));
        }
    }

    /// The whole page.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}
