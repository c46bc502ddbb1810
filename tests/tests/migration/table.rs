// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What moves of one kind came to, as a row of the table in `docs/performance.md`.

use std::fmt::{self, Display};
use std::time::Duration;

use tests::stream::Report;

use crate::scene::Scene;

/// Moves of one kind. It prints itself when it ends.
pub(crate) struct Row {
    what: &'static str,
    moves: Vec<Cells>,
}

/// What is in the row of one move.
struct Cells {
    downtime: Duration,
    /// From QEMU's STOP at the source to its RESUME at the destination.
    still: Duration,
    /// From then until each stream of each host was answered.
    answers: Duration,
    /// What was lost, divided by what was offered in a second.
    blocked: Duration,
    /// Sent, lost, lost though the guest ran when they were sent, without room in its rings, answered twice, overtaken.
    counts: [u64; 6],
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
        let counts = [sent, lost, scene.lost_while_it_ran(), scene.refused, twice, overtaken];
        self.moves.push(Cells {
            downtime: scene.moved.downtime,
            still: scene.moved.resumed.saturating_sub(scene.moved.stopped),
            answers: scene.first_answers.iter().flatten().max().copied().unwrap_or_default(),
            blocked: Duration::from_secs_f64(lost as f64 / f64::from(pace)),
            counts,
        });
    }

    fn spread(&self, of: impl Fn(&Cells) -> Duration) -> Spread {
        Spread(self.moves.iter().map(of).collect())
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        if !self.moves.is_empty() {
            eprintln!(
                "| what | QEMU's downtime | still | answers | sent | lost | lost while it ran | no room | blocked | twice | overtaken |\n{self}"
            );
        }
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [sent, lost, ran, refused, twice, overtaken] =
            [0, 1, 2, 3, 4, 5].map(|at| self.moves.iter().map(|one| one.counts[at]).sum::<u64>());
        let times = [self.spread(|one| one.downtime), self.spread(|one| one.still), self.spread(|one| one.answers)];
        let ([downtime, still, answers], blocked) = (times, self.spread(|one| one.blocked));
        let (what, moves) = (self.what, self.moves.len());
        write!(f, "| {what}, {moves} times: median (the longest) | {downtime} | {still} | {answers} ")?;
        write!(f, "| {sent} | {lost} | {ran} | {refused} | {blocked} | {twice} | {overtaken} |")
    }
}

impl Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort();
        let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
        write!(f, "{:.1} ms ({:.1} ms)", ms(sorted.get(sorted.len() / 2)), ms(sorted.last()))
    }
}
