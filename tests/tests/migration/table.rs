// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What moves of one kind came to, as a row of the table in `docs/performance.md`.

use std::fmt::{self, Display};
use std::time::Duration;

use qemu::Moved;
use tests::stream::Report;

use crate::scene::Scene;

/// Moves of one kind, or attempts. It prints itself when it ends.
pub(crate) struct Row {
    what: &'static str,
    moves: Vec<Cells>,
}

/// What is in the row of one move.
struct Cells {
    /// Of a guest that has moved: QEMU's downtime; from its STOP at the source to its RESUME at the destination; and from then until each
    /// stream of each host was answered.
    times: Option<[Duration; 3]>,
    /// What was lost, divided by what was offered in a second.
    blocked: Duration,
    /// Sent, lost, lost though the guest ran when they were sent, without room in its rings, not answered by it, answered twice, overtaken.
    counts: [u64; 7],
}

/// The middle and the longest of some times.
struct Spread(Vec<Duration>);

impl Row {
    pub(crate) fn new(what: &'static str) -> Row {
        Row { what, moves: Vec::new() }
    }

    /// One more move, under so many requests a second.
    pub(crate) fn add(&mut self, scene: &Scene, pace: u32) {
        let sum = |count: fn(&Report) -> u64| scene.outcome.all().map(count).sum();
        let [sent, lost] = [sum(|one| one.sent), sum(Report::lost)];
        let [twice, overtaken] = [sum(|one| one.duplicated), sum(|one| one.reordered)];
        let counts = [sent, lost, scene.lost_while_it_ran(), scene.refused, scene.unanswered, twice, overtaken];
        let answers = scene.first_answers.as_flattened().iter().flatten().max().copied().unwrap_or_default();
        let still = |moved: Moved| moved.resumed.saturating_sub(moved.stopped);
        self.moves.push(Cells {
            times: scene.moved.map(|moved| [moved.downtime, still(moved), answers]),
            blocked: Duration::from_secs_f64(lost as f64 / f64::from(pace)),
            counts,
        });
    }

    fn spread(&self, of: impl Fn(&Cells) -> Option<Duration>) -> Spread {
        Spread(self.moves.iter().filter_map(of).collect())
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        if !self.moves.is_empty() {
            eprintln!(
                "| what | QEMU's downtime | still | answers | sent | lost | lost while it ran | no room | not answered | blocked | twice | overtaken |\n{self}"
            );
        }
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [sent, lost, ran, refused, unanswered, twice, overtaken] =
            [0, 1, 2, 3, 4, 5, 6].map(|at| self.moves.iter().map(|one| one.counts[at]).sum::<u64>());
        let [downtime, still, answers] = [0, 1, 2].map(|at| self.spread(|one| one.times.map(|times| times[at])));
        let blocked = self.spread(|one| Some(one.blocked));
        let (what, moves) = (self.what, self.moves.len());
        write!(f, "| {what}, {moves} times: median (the longest) | {downtime} | {still} | {answers} ")?;
        write!(f, "| {sent} | {lost} | {ran} | {refused} | {unanswered} | {blocked} | {twice} | {overtaken} |")
    }
}

impl Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort();
        // Of a guest that has not moved there are no times.
        let Some(longest) = sorted.last() else { return Ok(()) };
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        write!(f, "{:.1} ms ({:.1} ms)", ms(sorted[sorted.len() / 2]), ms(*longest))
    }
}
