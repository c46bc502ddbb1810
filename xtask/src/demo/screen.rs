// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the reader sees, and the count of what was claimed.
//!
//! Every line that states a fact goes through [`Screen::claim`], which takes the truth of it along with its words.

use crate::progress::Mark;

/// Standard output with a memory of all claims.
#[derive(Default)]
pub(crate) struct Screen {
    chapters: usize,
    held: usize,
    failed: Vec<String>,
}

impl Screen {
    /// Begins a numbered chapter.
    pub(crate) fn chapter(&mut self, title: &str) {
        self.chapters += 1;
        println!("\n{}. {title}", self.chapters);
    }

    /// Prints `text`, marked by whether it is true.
    pub(crate) fn claim(&mut self, holds: bool, text: &str) {
        let mark = if holds { Mark::Good } else { Mark::Bad };
        println!("   {} {text}", mark.sign());
        if holds {
            self.held += 1;
        } else {
            self.failed.push(text.to_owned());
        }
    }

    /// Plain words, indented like claims.
    pub(crate) fn say(&self, text: &str) {
        for line in text.lines() {
            println!("   {line}");
        }
    }

    /// A command that the reader may type, and what it answered.
    pub(crate) fn command(&self, command: &str, answer: &str) {
        println!("   $ {command}");
        for line in answer.lines() {
            println!("     {line}");
        }
    }

    /// Whether every claim so far was true.
    pub(crate) fn all_held(&self) -> bool {
        self.failed.is_empty()
    }

    /// The sum of the claims after so many seconds, and the false ones once more.
    pub(crate) fn sum(&self, seconds: u64) {
        let all = self.held + self.failed.len();
        println!("\n{} of {all} claims held, {seconds} s after set-up.", self.held);
        for text in &self.failed {
            println!("   {} {text}", Mark::Bad.sign());
        }
    }
}
