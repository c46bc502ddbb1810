// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What became of each numbered request. No clock, no socket: times are arguments.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// Every request of a stream, by its number.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    fates: Vec<Fate>,
    /// The highest number that was answered.
    newest: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Fate {
    pub(super) sent: Duration,
    /// When the first answer came.
    pub(super) answered: Option<Duration>,
    /// Answers beyond the first.
    copies: u64,
    /// A later request was answered before.
    is_late: bool,
}

impl Tally {
    /// Notes that a request was sent at this time, and gives its number.
    pub fn send(&mut self, at: Duration) -> u64 {
        self.fates.push(Fate { sent: at, answered: None, copies: 0, is_late: false });
        self.sent() - 1
    }

    /// Notes an answer.
    ///
    /// # Panics
    /// When no request had this number.
    pub fn answer(&mut self, number: u64, at: Duration) {
        let is_late = self.newest.is_some_and(|newest| newest > number);
        let fate = usize::try_from(number).ok().and_then(|at| self.fates.get_mut(at));
        let fate = fate.unwrap_or_else(|| panic!("an answer to request {number}, which was never sent"));
        match fate.answered {
            Some(_) => fate.copies += 1,
            None => (fate.answered, fate.is_late) = (Some(at), is_late),
        }
        self.newest = self.newest.max(Some(number));
    }

    /// How many were sent, which is the number of the next.
    pub fn sent(&self) -> u64 {
        self.fates.len() as u64
    }

    /// When the first answer came that is not older than this.
    pub fn first_answer(&self, after: Duration) -> Option<Duration> {
        self.fates.iter().filter_map(|fate| fate.answered).filter(|answered| *answered >= after).min()
    }

    /// Those of these requests that were sent.
    pub(super) fn fates(&self, numbers: Range<u64>) -> &[Fate] {
        let end = numbers.end.min(self.sent()) as usize;
        self.fates.get(numbers.start as usize..end).unwrap_or_default()
    }

    /// What became of the requests with these numbers so far.
    pub fn report(&self, numbers: Range<u64>) -> Report {
        let fates = self.fates(numbers);
        Report {
            sent: fates.len() as u64,
            answered: fates.iter().filter(|fate| fate.answered.is_some()).count() as u64,
            duplicated: fates.iter().map(|fate| fate.copies).sum(),
            reordered: fates.iter().filter(|fate| fate.is_late).count() as u64,
            longest_gap: longest_gap(fates),
        }
    }
}

/// The longest time, from the first request to the last, in which no answer came.
fn longest_gap(fates: &[Fate]) -> Duration {
    let (Some(first), Some(last)) = (fates.first(), fates.last()) else { return Duration::ZERO };
    let mut times: Vec<Duration> = fates.iter().filter_map(|fate| fate.answered).collect();
    times.extend([first.sent, last.sent]);
    times.sort_unstable();
    times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

/// What became of a range of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Requests.
    pub sent: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Answers beyond the first.
    pub duplicated: u64,
    /// Requests that were answered after a later one.
    pub reordered: u64,
    /// The longest time without an answer.
    pub longest_gap: Duration,
}

impl Report {
    /// Requests that were not answered.
    pub fn lost(&self) -> u64 {
        self.sent - self.answered
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { sent, answered, duplicated, reordered, longest_gap } = self;
        let (lost, gap) = (self.lost(), longest_gap.as_millis());
        write!(
            f,
            "{sent:>6} sent {answered:>6} answered {lost:>5} lost {duplicated:>3} duplicated {reordered:>3} reordered, \
             longest gap {gap:>4} ms"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, Tally};
    use std::time::Duration;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Ten requests, 10 ms apart from 0, with these answers: number and time in ms.
    fn tally(answers: &[(u64, u64)]) -> Tally {
        let mut tally = Tally::default();
        (0..10).for_each(|number| assert_eq!(tally.send(ms(10 * number)), number));
        answers.iter().for_each(|&(number, at)| tally.answer(number, ms(at)));
        tally
    }

    #[test]
    fn what_is_lost_is_missed_and_leaves_a_gap() {
        let tally = tally(&[(0, 1), (1, 11), (2, 21), (7, 71), (8, 81), (9, 91)]);
        let all = Report { sent: 10, answered: 6, longest_gap: ms(50), ..Report::default() };
        assert_eq!((tally.report(0..99), all.lost()), (all, 4));
        assert_eq!(tally.report(3..7), Report { sent: 4, longest_gap: ms(30), ..Report::default() });
        assert_eq!(tally.report(50..60), Report::default());
    }

    #[test]
    fn the_first_answer_after_a_time_is_found() {
        let tally = tally(&[(3, 31), (6, 61), (5, 63)]);
        assert_eq!(
            [0, 31, 32, 62, 64].map(|at| tally.first_answer(ms(at))),
            [31, 31, 61, 63, 0].map(|at| (at > 0).then(|| ms(at)))
        );
    }

    #[test]
    fn an_answer_that_comes_twice_is_one_answer() {
        let report = tally(&[(4, 41), (4, 42), (4, 43), (5, 51)]).report(4..6);
        assert_eq!((report.answered, report.duplicated, report.reordered), (2, 2, 0));
    }

    #[test]
    fn an_answer_that_was_overtaken_is_reordered_once() {
        let report = tally(&[(3, 31), (6, 61), (4, 62), (5, 63), (4, 64), (7, 71)]).report(0..10);
        assert_eq!((report.answered, report.reordered, report.duplicated), (5, 2, 1));
    }

    #[test]
    #[should_panic(expected = "never sent")]
    fn an_answer_to_nothing_is_an_error() {
        tally(&[(10, 1)]);
    }
}
