// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What failed tests have to say, picked out of a log in which everything else is noise.
//!
//! libtest prints the output of failed tests between a line `failures:` and the program's closing line; with
//! `--no-fail-fast` dozens of programs may follow, so the end of the log tells nothing.

/// The sections of `log` that tell of failed tests, in order, at most `limit` lines of each; empty where none failed.
pub(crate) fn sections(log: &str, limit: usize) -> String {
    let mut found = Vec::new();
    let mut lines = log.lines();
    while lines.any(|line| line == "failures:") {
        let section: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("test result: ")).collect();
        found.extend(shortened(&section, limit));
    }
    found.join("\n")
}

/// Both ends of a long section: the first failure is at its beginning, the list of names at its end.
fn shortened(section: &[&str], limit: usize) -> Vec<String> {
    let whole = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    if section.len() <= limit {
        return whole(section);
    }
    let half = limit / 2;
    let left_out = format!("... {} lines more in the log ...", section.len() - 2 * half);
    [whole(&section[..half]), vec![left_out], whole(&section[section.len() - half..])].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
test one ... FAILED

failures:

---- one stdout ----
why it failed

failures:
    one

test result: FAILED. 0 passed; 1 failed
running 0 tests
test result: ok. 0 passed; 0 failed
";

    #[test]
    fn the_reason_and_the_name_are_found_and_nothing_else() {
        let found = sections(LOG, 100);
        assert!(found.contains("why it failed") && found.contains("    one"), "{found}");
        assert!(!found.contains("running") && !found.contains("test result"), "{found}");
    }

    #[test]
    fn a_log_without_failures_has_no_sections() {
        assert_eq!(sections("test one ... ok\n\ntest result: ok. 1 passed; 0 failed\n", 100), "");
    }

    #[test]
    fn a_long_section_keeps_both_ends() {
        let noise: String = (0..1000).map(|n| format!("noise {n}\n")).collect();
        let found = sections(&LOG.replace("why it failed\n", &format!("why it failed\n{noise}")), 20);
        assert!(found.contains("why it failed") && found.ends_with("    one\n"), "{found}");
        assert!(found.lines().count() < 30, "{found}");
    }
}
