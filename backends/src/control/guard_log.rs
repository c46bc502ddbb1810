// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the RA guard has dropped, in the log (RFC 7113 section 3): told by the counters, once a second, so that nothing on
//! the frame path logs. However much a guest sends, each of its ports has one line for each reason in [`EVERY`], and all
//! ports together have [`LINES`] a second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use switch::{Control, DropReason, PortPath};

/// How long the log says nothing of a port and reason after a line about them.
const EVERY: Duration = Duration::from_secs(10);
/// Lines at a time. What finds no room is told later, with what has come since.
const LINES: usize = 16;

/// How much was told of one port and reason, and when.
#[derive(Clone, Copy)]
struct Told {
    count: u64,
    at: Instant,
}

/// A line to be: frames of a port that were dropped since the last one.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    port: PortPath,
    reason: DropReason,
    frames: u64,
}

/// See the module.
#[derive(Default)]
pub(super) struct GuardLog {
    told: BTreeMap<(PortPath, DropReason), Told>,
}

impl GuardLog {
    /// Logs what is new.
    pub(super) fn tick(&mut self, control: &Control, now: Instant) {
        for Line { port, reason, frames } in self.news(control.guarded(), now) {
            tracing::warn!(%port, %reason, frames, "dropped by the RA guard; `weft explain` tells why");
        }
    }

    /// What is to be told of these counters, of which none is 0.
    fn news<'a>(&mut self, counters: impl Iterator<Item = (&'a PortPath, DropReason, u64)>, now: Instant) -> Vec<Line> {
        let before = std::mem::take(&mut self.told);
        let mut due = Vec::new();
        for (port, reason, count) in counters {
            let key = (port.clone(), reason);
            // A port that was made anew under this name counts anew.
            let told = before.get(&key).filter(|told| told.count <= count).copied();
            let is_due = told.is_none_or(|told| count > told.count && now.duration_since(told.at) >= EVERY);
            if is_due {
                due.push((told.map(|told| told.at), count - told.map_or(0, |told| told.count), key.clone()));
            }
            self.told.extend(told.map(|told| (key, told)));
        }
        // Those who have waited longest go first, so that nobody is kept out of the log by others.
        due.sort_by_key(|(at, ..)| *at);
        due.truncate(LINES);
        let line = |(_, frames, (port, reason)): (_, u64, (PortPath, DropReason))| {
            let key = (port.clone(), reason);
            let count = self.told.get(&key).map_or(0, |told| told.count) + frames;
            self.told.insert(key, Told { count, at: now });
            Line { port, reason, frames }
        };
        due.into_iter().map(line).collect()
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn port(number: usize) -> PortPath {
        format!("red:vm{number}").parse().unwrap()
    }

    fn line(number: usize, reason: DropReason, frames: u64) -> Line {
        Line { port: port(number), reason, frames }
    }

    #[test]
    fn test_a_flood_is_one_line_in_a_while_with_all_that_came_since() {
        use DropReason::{RaPrefix, RogueRouter};
        let (start, second, vm1) = (Instant::now(), Duration::from_secs(1), port(1));
        let mut log = GuardLog::default();
        let mut news = |counters: &[(DropReason, u64)], seconds| {
            let counters = counters.iter().map(|(reason, count)| (&vm1, *reason, *count));
            log.news(counters, start + second * seconds)
        };
        assert_eq!(news(&[], 0), []);
        assert_eq!(news(&[(RogueRouter, 3)], 1), [line(1, RogueRouter, 3)], "at once");
        assert_eq!(news(&[(RogueRouter, 1_000_003)], 2), []);
        assert_eq!(
            news(&[(RogueRouter, 2_000_003), (RaPrefix, 1)], 3),
            [line(1, RaPrefix, 1)],
            "each reason by itself"
        );
        assert_eq!(news(&[(RogueRouter, 2_000_003), (RaPrefix, 1)], 11), [line(1, RogueRouter, 2_000_000)]);
        assert_eq!(news(&[(RogueRouter, 2_000_003), (RaPrefix, 1)], 100), [], "nothing has come since");
        assert_eq!(news(&[(RogueRouter, 5)], 101), [line(1, RogueRouter, 5)], "a new port of that name");
    }

    #[test]
    fn test_many_ports_have_their_lines_in_turn() {
        let (start, ports) = (Instant::now(), (0..5 * LINES).map(port).collect::<Vec<_>>());
        let mut log = GuardLog::default();
        let mut told = std::collections::BTreeSet::new();
        for second in 0..5 {
            let counters = ports.iter().map(|port| (port, DropReason::RogueRouter, 1 + second));
            let lines = log.news(counters, start + Duration::from_secs(second));
            assert_eq!(lines.len(), LINES);
            assert!(lines.iter().all(|line| line.frames == 1 + second), "nothing is left out");
            told.extend(lines.into_iter().map(|line| line.port));
        }
        assert_eq!(told.len(), ports.len());
        assert_eq!(log.told.len(), ports.len());
        log.news(std::iter::empty(), start);
        assert!(log.told.is_empty(), "ports that are gone are forgotten");
    }
}
