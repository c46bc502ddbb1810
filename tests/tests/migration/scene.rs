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

/// A move, by QEMU's account and by that of the streams.
pub(crate) struct Scene {
    pub(crate) moved: Moved,
    pub(crate) outcome: Outcome,
    /// From when the guest ran again to the first answer, by host and family.
    pub(crate) first_answers: [[Duration; 2]; 2],
    /// What was lost when, by host and family.
    pub(crate) losses: [[Losses; 2]; 2],
    /// Frames that both switches had for the guest, and no room in its rings.
    pub(crate) refused: u64,
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

    /// None of these was lost but for want of room in the rings of a guest that was too slow.
    #[track_caller]
    pub(crate) fn assert_none_lost_while_it_ran(&self) {
        assert!(self.lost_while_it_ran() <= self.refused, "a switch lost what came while the guest ran: {self}");
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moved { downtime, total, sent, rounds, stopped, resumed } = self.moved;
        let still = resumed.saturating_sub(stopped);
        let [[a4, a6], [b4, b6]] = self.first_answers;
        write!(
            f,
            "QEMU: downtime {downtime:?}, total {total:?}, {} KiB in {rounds} rounds; stop to run {still:?}; first answers after \
             {a4:?} {a6:?} {b4:?} {b6:?}{}",
            sent >> 10,
            self.outcome
        )?;
        write!(f, "\n  {} found no room in its rings", self.refused)?;
        let lost = self.losses.iter().flatten().zip(["host 0 IPv4", "host 0 IPv6", "host 1 IPv4", "host 1 IPv6"]);
        lost.filter(|(losses, _)| losses.sent.is_some()).try_for_each(|(losses, of)| write!(f, "\n  {of} {losses}"))
    }
}
