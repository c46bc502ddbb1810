// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What became of requests while something was done, and of those while a guest moved.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use qemu::Moved;
use tests::stream::{Losses, Report};

/// What became of the requests of each stream, by host and family, while something was done.
pub(crate) struct Outcome {
    pub(crate) reports: [[Report; 2]; 2],
    pub(crate) numbers: [[Range<u64>; 2]; 2],
}

/// A move, or an attempt, by QEMU's account and by that of the streams.
pub(crate) struct Scene {
    /// `None`: the guest has not moved.
    pub(crate) moved: Option<Moved>,
    pub(crate) outcome: Outcome,
    /// From when the guest ran again to the first answer, by host and family.
    pub(crate) first_answers: [[Option<Duration>; 2]; 2],
    /// What was lost when, by host and family.
    pub(crate) losses: [[Losses; 2]; 2],
    /// Frames that both switches had for the guest, and no room in its rings.
    pub(crate) refused: u64,
    /// Requests that came to the guest and that it did not answer, for want of room of its own.
    pub(crate) unanswered: u64,
    /// Requests that had not come to a switch, and answers for which there was no room where they went.
    pub(crate) elsewhere: u64,
}

impl Outcome {
    /// Every stream's.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().flatten()
    }

    /// No answer came twice.
    #[track_caller]
    pub(crate) fn assert_once(&self) {
        assert!(self.all().all(|report| report.duplicated == 0), "{self}");
    }

    /// The same, and none after a later one.
    #[track_caller]
    pub(crate) fn assert_in_order(&self) {
        self.assert_once();
        assert!(self.all().all(|report| report.reordered == 0), "{self}");
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (host, reports) in self.reports.iter().enumerate() {
            for (family, report) in ["IPv4", "IPv6"].iter().zip(reports) {
                write!(f, "\n  host {host} {family} {report}")?;
            }
        }
        Ok(())
    }
}

impl Scene {
    /// Requests that were lost though they were sent while the guest ran.
    pub(crate) fn lost_while_it_ran(&self) -> u64 {
        self.losses.iter().flatten().map(Losses::while_it_ran).sum()
    }

    /// How many of these can have been lost for want of room, in the guest or its rings, or with who speaks with it.
    pub(crate) fn explained(&self) -> u64 {
        self.refused + self.unanswered + self.elsewhere
    }

    /// None of these was lost but for want of room.
    #[track_caller]
    pub(crate) fn assert_none_lost_while_it_ran(&self) {
        assert!(self.lost_while_it_ran() <= self.explained(), "a switch lost what came while the guest ran: {self}");
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.moved {
            Some(Moved { downtime, total, sent, rounds, stopped, resumed }) => write!(
                f,
                "QEMU: downtime {downtime:?}, total {total:?}, {} KiB in {rounds} rounds; stop to run {:?}; first answers after {:?}",
                sent >> 10,
                resumed.saturating_sub(stopped),
                self.first_answers.as_flattened().iter().flatten().collect::<Vec<_>>(),
            )?,
            None => write!(f, "the guest has not moved")?,
        }
        let Scene { outcome, refused, unanswered, elsewhere, .. } = self;
        write!(
            f,
            "{outcome}\n  no room: {refused} in its rings, {unanswered} in the guest, {elsewhere} on the way to the switch or back"
        )?;
        let lost = self.losses.iter().flatten().zip(["host 0 IPv4", "host 0 IPv6", "host 1 IPv4", "host 1 IPv6"]);
        lost.filter(|(losses, _)| losses.sent.is_some()).try_for_each(|(losses, of)| write!(f, "\n  {of} {losses}"))
    }
}
