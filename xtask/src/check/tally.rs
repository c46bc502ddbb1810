// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Adding up what test programs report.
//!
//! libtest knows no skipped tests. A test that cannot run on this machine appends a line with its name and the reason
//! to the file that `WEFT_SKIP_LOG` names, and returns; libtest then counts it as passed, and here it is moved over.

use crate::progress::Mark;
use std::fmt;

/// A sum of results.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that ran and held.
    pub(crate) passed: usize,
    /// Tests that ran and did not hold, and failed steps.
    pub(crate) failed: usize,
    /// Tests and steps that could not be tried.
    pub(crate) skipped: usize,
    /// Why, one line for each skip that gave a reason.
    pub(crate) reasons: Vec<String>,
}

impl Tally {
    /// One failed step.
    pub(crate) fn failure() -> Tally {
        Tally { failed: 1, ..Tally::default() }
    }

    /// One step that could not be tried.
    pub(crate) fn skip(reason: String) -> Tally {
        Tally { skipped: 1, reasons: vec![reason], ..Tally::default() }
    }

    /// Adds all of `other`.
    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.reasons.extend(other.reasons);
    }

    /// Takes in a line of output; only a test program's closing line counts:
    /// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
    pub(crate) fn read(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ').map(|(number, what)| (number.parse().unwrap_or(0), what)) {
                Some((number, "passed")) => self.passed += number,
                Some((number, "failed")) => self.failed += number,
                Some((number, "ignored")) => self.skipped += number,
                _ => {}
            }
        }
    }

    /// Moves the tests named in a skip log from passed to skipped.
    pub(crate) fn take_skips(&mut self, log: &str) {
        for reason in log.lines().filter(|line| !line.is_empty()) {
            self.passed = self.passed.saturating_sub(1);
            self.skipped += 1;
            self.reasons.push(reason.to_owned());
        }
    }

    /// How a step with these results ended.
    pub(crate) fn mark(&self) -> Mark {
        match self {
            Tally { failed: 1.., .. } => Mark::Bad,
            Tally { passed: 0, skipped: 1.., .. } => Mark::Skipped,
            _ => Mark::Good,
        }
    }

    /// The sum, or nothing when there is nothing to tell.
    pub(crate) fn remark(&self) -> String {
        if *self == Tally::default() { String::new() } else { self.to_string() }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_add_up() {
        let mut tally = Tally::default();
        tally.read("running 8 tests");
        tally.read("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s");
        tally.read("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(tally.to_string(), "8 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn a_noted_skip_is_not_passed() {
        let mut tally = Tally { passed: 2, ..Tally::default() };
        tally.take_skips("boots: no qemu\n\n");
        assert_eq!(tally.to_string(), "1 passed, 0 failed, 1 skipped");
        assert_eq!(tally.reasons, ["boots: no qemu"]);
    }

    #[test]
    fn a_line_of_a_test_that_quotes_a_closing_line_does_not_count() {
        let mut tally = Tally::default();
        tally.read("  test result: ok. 5 passed; 0 failed");
        assert_eq!(tally, Tally::default());
    }
}
