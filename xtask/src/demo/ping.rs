// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What busybox's `ping` reports.

use std::fmt;

/// The closing lines of one `ping`, counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pings {
    /// Requests that were sent.
    pub(crate) sent: u32,
    /// Requests that were answered.
    pub(crate) received: u32,
    /// Answers beyond the first to one request.
    pub(crate) duplicates: u32,
    /// The longest time from a request to its answer, in whole milliseconds; zero without an answer.
    pub(crate) longest_ms: u64,
}

impl Pings {
    /// Reads the whole output of `ping`; `None` when it has no closing line (yet).
    pub(crate) fn read(output: &str) -> Option<Pings> {
        let closing = output.lines().find(|line| line.contains("packets transmitted"))?;
        let count = |what: &str| {
            let part = closing.split(", ").find(|part| part.ends_with(what))?;
            part.split(' ').next()?.parse().ok()
        };
        Some(Pings {
            sent: count("packets transmitted")?,
            received: count("packets received")?,
            duplicates: count("duplicates").unwrap_or(0),
            longest_ms: longest_ms(output).unwrap_or(0),
        })
    }

    /// The same, without the requests after the last one that was answered: they may have been under way when it ended.
    pub(crate) fn up_to_the_last_answer(output: &str) -> Option<Pings> {
        let counted = Pings::read(output)?;
        let numbers =
            output.lines().filter_map(|line| line.split_once("seq=")?.1.split(' ').next()?.parse::<u32>().ok());
        let sent = numbers.max().map_or(counted.sent, |last| last + 1);
        Some(Pings { sent, ..counted })
    }

    /// Whether every request had exactly one answer.
    pub(crate) fn all(&self) -> bool {
        self.sent > 0 && self.received == self.sent && self.duplicates == 0
    }

    /// Whether no request had an answer.
    pub(crate) fn none(&self) -> bool {
        self.sent > 0 && self.received == 0
    }

    /// Requests without an answer.
    pub(crate) fn lost(&self) -> u32 {
        self.sent.saturating_sub(self.received)
    }
}

/// From the line `round-trip min/avg/max = 0.061/0.077/0.107 ms`, which is missing when nothing was answered.
fn longest_ms(output: &str) -> Option<u64> {
    let times = output.lines().find_map(|line| line.strip_prefix("round-trip min/avg/max = "))?;
    let longest = times.split('/').nth(2)?.split(['.', ' ']).next()?;
    longest.parse().ok()
}

impl fmt::Display for Pings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} answered", self.received, self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_is_read() {
        let text = "PING 10.0.0.2 (10.0.0.2): 56 data bytes\n64 bytes from 10.0.0.2: seq=0 ttl=64 time=0.3 ms\n\n\
                    --- 10.0.0.2 ping statistics ---\n\
                    30 packets transmitted, 27 packets received, 1 duplicates, 10% packet loss\n\
                    round-trip min/avg/max = 0.285/40.435/812.646 ms\n";
        let pings = Pings::read(text);
        assert_eq!(pings, Some(Pings { sent: 30, received: 27, duplicates: 1, longest_ms: 812 }));
        assert_eq!(pings.map(|pings| pings.lost()), Some(3));
    }

    #[test]
    fn what_was_under_way_at_the_end_is_not_lost() {
        let text = "64 bytes from 10.0.0.2: seq=0 ttl=64 time=0.3 ms\n64 bytes from 10.0.0.2: seq=2 ttl=64 time=0.3 ms\n\n\
                    4 packets transmitted, 2 packets received, 50% packet loss\n";
        assert_eq!(Pings::read(text).map(|pings| pings.lost()), Some(2));
        assert_eq!(Pings::up_to_the_last_answer(text).map(|pings| pings.lost()), Some(1));
    }

    #[test]
    fn an_unfinished_ping_has_no_counts() {
        assert_eq!(Pings::read("64 bytes from 10.0.0.2: seq=0 ttl=64 time=0.3 ms"), None);
    }

    #[test]
    fn nothing_sent_is_neither_all_nor_none() {
        assert!(!Pings::default().all() && !Pings::default().none());
    }
}
