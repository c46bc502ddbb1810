// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! When requests were sent that were lost, as seen from a guest that stood still for a while.
//!
//! A guest answers in order. So one that was lost although a later one was answered before the guest stood still came to nobody while the
//! guest ran; that is certain, however long frames take on their way and however late whoever says that it stopped says so. What
//! was sent once it ran again is late as well. The rest was sent while it stood still, or was under way when it stopped.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::Tally;

/// A time in which a guest stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Still {
    /// It had stopped by then,
    pub from: Duration,
    /// and did not run before this.
    pub until: Duration,
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Losses {
    /// One that was sent later was answered before the guest stood still.
    pub before: u64,
    /// They were sent while the guest stood still, or so shortly before that nobody can tell.
    pub during: u64,
    /// They were sent when it ran again.
    pub after: u64,
    /// When the first and the last of all were sent, in microseconds since the guest stood still.
    pub sent: Option<[i64; 2]>,
}

impl Losses {
    /// Those that were sent while the guest ran.
    pub fn while_it_ran(&self) -> u64 {
        self.before + self.after
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(sent) = self.sent else { return write!(f, "none lost") };
        let Losses { before, during, after, .. } = self;
        let [first, last] = sent.map(|since| since as f64 / 1e3);
        write!(
            f,
            "lost {before} before, {during} while, {after} after it stood still, {first:+.1} ms to {last:+.1} ms of its stop"
        )
    }
}

impl Tally {
    /// When those of these requests were sent that were lost.
    pub fn losses(&self, numbers: Range<u64>, still: Still) -> Losses {
        let fates = self.fates(numbers);
        // All before this one had come to the guest, if they came to anybody.
        let is_before = |answered: Option<Duration>| answered.is_some_and(|answered| answered <= still.from);
        let heard = fates.iter().rposition(|fate| is_before(fate.answered)).unwrap_or(0);
        let mut losses = Losses::default();
        for (at, fate) in fates.iter().enumerate().filter(|(_, fate)| fate.answered.is_none()) {
            let count = match fate.sent {
                _ if at < heard => &mut losses.before,
                sent if sent > still.until => &mut losses.after,
                _ => &mut losses.during,
            };
            *count += 1;
            let since = fate.sent.as_micros() as i64 - still.from.as_micros() as i64;
            losses.sent = Some([losses.sent.map_or(since, |[first, _]| first), since]);
        }
        losses
    }
}

#[cfg(test)]
mod tests {
    use super::{Losses, Still};
    use crate::stream::Tally;
    use std::time::Duration;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Of ten requests, 10 ms apart from 0, all but `lost` are answered after 1 ms, or when the guest runs again.
    fn losses(lost: &[u64]) -> Losses {
        let still = Still { from: ms(35), until: ms(65) };
        let mut tally = Tally::default();
        (0..10).for_each(|number| assert_eq!(tally.send(ms(10 * number)), number));
        for number in (0..10).filter(|number| !lost.contains(number)) {
            let at = ms(10 * number + 1);
            tally.answer(number, if at < still.from { at } else { at.max(still.until) });
        }
        tally.losses(0..10, still)
    }

    #[test]
    fn what_was_lost_while_the_guest_ran_is_told_from_what_it_could_not_hear() {
        let expected = |[before, during, after]: [u64; 3], sent| Losses { before, during, after, sent };
        assert_eq!(losses(&[]), Losses::default());
        assert_eq!(losses(&[4, 5, 6]), expected([0, 3, 0], Some([5_000, 25_000])));
        assert_eq!(losses(&[2, 3, 4]), expected([0, 3, 0], Some([-15_000, 5_000])), "they may have been under way");
        assert_eq!(losses(&[2]), expected([1, 0, 0], Some([-15_000, -15_000])), "the next was answered in time");
        assert_eq!(losses(&[0, 5, 7, 9]), expected([1, 1, 2], Some([-35_000, 55_000])));
        assert_eq!(losses(&[0, 5, 7]).while_it_ran(), 2);
    }
}
