// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the frame path was told and has confirmed. It is told of every change once, and answers in order.

use crate::limits::UNANSWERED_MAX;
use crate::{Growing, Steering};
use std::collections::VecDeque;
use std::time::Duration;

/// The steering on its way to the frame path.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// What the frame path does; `None` after a restart, when nobody knows.
    in_force: Option<Steering>,
    /// What it was told and has not answered, oldest first.
    unanswered: VecDeque<Steering>,
    /// What it could not do last, and how often in a row it could not.
    failed: Option<(Steering, u32)>,
    /// Before this the same is not tried again.
    retry: Option<Duration>,
}

/// An answer of the frame path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Failed,
}

impl Path {
    /// The frame path as a port begins: everything by the synthetic lane.
    pub(crate) fn new() -> Path {
        Path { in_force: Some(Steering::SYNTHETIC), ..Path::unknown() }
    }

    /// The frame path of which nothing is known.
    pub(crate) fn unknown() -> Path {
        Path { in_force: None, unanswered: VecDeque::new(), failed: None, retry: None }
    }

    /// What the frame path is to be told, if it does not do `wanted` already and may be asked now.
    pub(crate) fn tell(&mut self, wanted: Steering, now: Duration) -> Option<Steering> {
        let told = self.unanswered.back().copied().or(self.in_force);
        let waits = self.retry.is_some_and(|retry| now < retry);
        let in_vain = waits && self.failed.is_some_and(|(failed, _)| failed == wanted);
        if told == Some(wanted) || in_vain || self.unanswered.len() >= UNANSWERED_MAX {
            return None;
        }
        self.unanswered.push_back(wanted);
        Some(wanted)
    }

    /// Takes the answer to the oldest of what was told. `false`: there is none.
    pub(crate) fn answered(&mut self, answer: Answer, retry: Growing, now: Duration) -> bool {
        let Some(told) = self.unanswered.pop_front() else { return false };
        if answer == Answer::Done {
            (self.in_force, self.failed, self.retry) = (Some(told), None, None);
        } else {
            let times = self.failed.map_or(0, |(_, times)| times);
            self.failed = Some((told, times.saturating_add(1)));
            self.retry = Some(now.saturating_add(retry.nth(times)));
        }
        true
    }

    /// Everything was answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.unanswered.is_empty()
    }

    /// Whether the frame path is known to do `wanted`, with no change on its way.
    pub(crate) fn does(&self, wanted: Steering) -> bool {
        self.is_idle() && self.in_force == Some(wanted)
    }

    /// The end of the wait after a failure.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Ends that wait when its time has come.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.retry = self.retry.filter(|retry| now < *retry);
    }
}
