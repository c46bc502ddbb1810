// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How slow work shows itself: a spinner with the time and the latest line while it runs, one line when it ends.
//!
//! Without a terminal nothing spins; a line at the start tells a reader of the log where the time goes.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

/// A piece of work that is under way.
pub(crate) struct Progress {
    label: String,
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// Begins to show `label`.
    pub(crate) fn start(label: &str) -> Progress {
        let bar = ProgressBar::new_spinner().with_style(spinner());
        bar.set_prefix(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        if !stderr().is_terminal() {
            eprintln!("  . {label}");
        }
        Progress { label: label.to_owned(), bar, started: Instant::now() }
    }

    /// Shows what the work is at now.
    pub(crate) fn note(&self, text: &str) {
        self.bar.set_message(text.trim().to_owned());
    }

    /// Shows how much of a known total is done. At zero the spinner turns into a bar, at the total it turns back.
    pub(crate) fn advance(&self, done: u64, total: u64) {
        if done == 0 {
            self.bar.set_length(total);
            self.bar.set_style(style("  {spinner} {prefix:24} {elapsed:>4}  [{bar:30}] {msg}").progress_chars("=> "));
        }
        self.bar.set_position(done);
        if done >= total {
            self.bar.set_style(spinner());
        }
    }

    /// Ends the work; `mark` and `remark` stay on the screen together with the time that it took.
    pub(crate) fn end(self, mark: Mark, remark: &str) {
        self.bar.finish_and_clear();
        let seconds = self.started.elapsed().as_secs_f32();
        eprintln!("  {} {:24} {seconds:5.1} s  {remark}", mark.sign(), self.label);
    }
}

impl Drop for Progress {
    /// Work that ends by an error leaves no spinner behind.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How a piece of work ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// As it should.
    Good,
    /// Not as it should.
    Bad,
    /// It could not be tried.
    Skipped,
}

impl Mark {
    /// One column wide.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Mark::Good => "✓",
            Mark::Bad => "✗",
            Mark::Skipped => "-",
        }
    }
}

fn spinner() -> ProgressStyle {
    style("  {spinner} {prefix:24} {elapsed:>4}  {wide_msg:.dim}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well formed")
}
