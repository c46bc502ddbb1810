// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was learnt is written down now and then, so that little of it is lost when this process is killed, and is known again to the
//! one that is started next. See `store/learnt.rs`.
//!
//! To look at all of it takes as long as to see what has aged, which happens each second. Looking takes a hundredth of this thread's
//! time at most, however much there is, and in a quiet network something is written once a minute.

use super::daemon::Daemon;
use super::subscriber::Loop;
use crate::runtime::clock;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};
use switch::Learnt;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(5);
/// What has not changed is written again after this long: it was heard again meanwhile.
const REFRESH: Duration = Duration::from_secs(60);
/// One part in so many of the time goes into looking.
const SHARE: u32 = 100;

/// When it is looked at what was learnt, and what was written of it.
#[derive(Default)]
pub(super) struct Remembering {
    /// Not before this time, whatever happens; and then, even if nothing has.
    rested: Option<Instant>,
    due: Option<Instant>,
    /// What had been heard of PvDs by the last look.
    stirs: u64,
    /// When something was last written, and a digest of it without ages.
    written: Option<(Instant, u64)>,
    /// It could not be written.
    failed: bool,
}

impl Remembering {
    /// Whether to look. What routers say is looked at as soon as can be: they may have taken something back.
    fn is_due(&self, stirs: u64, now: Instant) -> bool {
        let is_over = |at: Option<Instant>| at.is_none_or(|at| at <= now);
        is_over(self.due) || stirs != self.stirs && is_over(self.rested)
    }

    /// It was looked at from `begun` until `now`.
    fn looked(&mut self, stirs: u64, begun: Instant, now: Instant) {
        let rested = now + now.saturating_duration_since(begun) * SHARE;
        (self.stirs, self.rested, self.due) = (stirs, Some(rested), Some(rested.max(now + LOOK)));
    }

    /// Whether to write down what has this digest.
    fn is_news(&self, digest: u64, stirs: u64, now: Instant) -> bool {
        let same = |(at, before): (Instant, u64)| before == digest && now.saturating_duration_since(at) < REFRESH;
        stirs != self.stirs || !self.written.is_some_and(same)
    }
}

/// What is the same as long as nothing else is learnt, whatever it ages.
fn digest(learnt: &Learnt) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (port, macs) in &learnt.macs {
        (port.to_string(), macs.iter().map(|(mac, _)| mac.0).collect::<Vec<_>>()).hash(&mut hasher);
    }
    for (port, addresses) in &learnt.addresses {
        (port.to_string(), addresses.iter().map(|one| one.ip).collect::<Vec<_>>()).hash(&mut hasher);
    }
    for (namespace, ras) in &learnt.ras {
        (namespace.to_string(), ras.iter().map(|ra| ra.router).collect::<Vec<_>>()).hash(&mut hasher);
    }
    hasher.finish()
}

impl Daemon {
    /// Writes down what was learnt, if it is time.
    pub(super) fn remember(&mut self, now: Instant) {
        let stirs = self.control.pvd_stirs();
        if self.asleep.is_some() || !self.remembering.is_due(stirs, now) {
            return;
        }
        let at = clock();
        let learnt = self.control.learnt(at);
        let digest = digest(&learnt);
        if self.remembering.is_news(digest, stirs, now) {
            let written = self.origin.store.save_learnt(&learnt, at.since_origin());
            match &written {
                Ok(()) => self.remembering.written = Some((now, digest)),
                Err(why) if !self.remembering.failed => tracing::warn!(%why, "what was learnt is not written down"),
                Err(_) => {}
            }
            self.remembering.failed = written.is_err();
        }
        self.remembering.looked(stirs, now, Instant::now());
    }

    /// Goes on with what a weftd has learnt that was killed a moment ago.
    pub(super) fn recall(&mut self, events: &mut Loop) {
        let now = clock();
        match self.origin.store.load_learnt(now.since_origin()) {
            Ok(Some((learnt, way))) => {
                self.control.succeed(&learnt, way, now);
                self.act(events);
                tracing::info!(ago = ?way, "what was learnt is known again");
            }
            Ok(None) => {}
            Err(why) => tracing::warn!(why, "what was learnt is not known"),
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn test_looking_takes_a_part_of_the_time_and_what_routers_say_does_not_wait_longer() {
        let (mut all, start) = (Remembering::default(), Instant::now());
        assert!(all.is_due(0, start), "at once");
        all.looked(0, start, start + MOMENT);
        let rested = start + MOMENT + MOMENT * SHARE;
        assert_eq!([start, rested, start + MOMENT + LOOK].map(|now| all.is_due(0, now)), [false, false, true]);
        assert_eq!([start + MOMENT, rested].map(|now| all.is_due(1, now)), [false, true]);
        let long = LOOK * 2 / SHARE;
        all.looked(1, start, start + long);
        assert!(!all.is_due(1, start + LOOK * 2) && all.is_due(1, start + long + LOOK * 2));
    }

    #[test]
    fn test_what_has_not_changed_is_written_once_a_minute() {
        let (mut all, start) = (Remembering::default(), Instant::now());
        assert!(all.is_news(7, 0, start), "nothing was written");
        all.written = Some((start, 7));
        let later = |seconds| start + Duration::from_secs(seconds);
        assert_eq!([1, 59, 60].map(|seconds| all.is_news(7, 0, later(seconds))), [false, false, true]);
        assert!(all.is_news(8, 0, later(1)) && all.is_news(7, 1, later(1)));
    }

    #[test]
    fn test_age_makes_nothing_new_of_what_was_learnt() {
        let learnt = |mac: &str, age| {
            let macs = [("red:up".parse().unwrap(), vec![(mac.parse().unwrap(), Duration::from_secs(age))])].into();
            Learnt { macs, ..Learnt::default() }
        };
        let first = digest(&learnt("02:00:00:00:00:01", 1));
        assert_eq!(first, digest(&learnt("02:00:00:00:00:01", 9)));
        assert_ne!(first, digest(&learnt("02:00:00:00:00:02", 1)));
    }
}
