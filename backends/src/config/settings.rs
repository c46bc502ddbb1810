// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The `[daemon]` table: what concerns the process and not the switch.

use crate::vhost_user::SealPolicy;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Workers at most; the machine decides how many make sense.
pub(super) const WORKERS_MAX: i64 = 64;

/// When workers poll their queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Poll {
    /// Under load; an idle worker sleeps.
    #[default]
    Adaptive,
    /// All the time: the lowest latency, a whole CPU.
    Always,
    /// Never: every burst is announced by a kick.
    Never,
}

impl Poll {
    /// The words of the configuration.
    pub(super) const WORDS: [(&str, Poll); 3] =
        [("adaptive", Poll::Adaptive), ("always", Poll::Always), ("never", Poll::Never)];
}

/// What the control socket does for callers that are no administrators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// They may look and not touch.
    #[default]
    Read,
    /// They are refused.
    Refuse,
}

impl Others {
    /// The words of the configuration.
    pub(super) const WORDS: [(&str, Others); 2] = [("read", Others::Read), ("refuse", Others::Refuse)];
}

/// The words of the configuration for [`SealPolicy`].
pub(super) const SEALS: [(&str, SealPolicy); 3] =
    [("off", SealPolicy::Off), ("warn", SealPolicy::Warn), ("require", SealPolicy::Require)];

/// What the `[daemon]` table says; `None` where it says nothing, so that a command line option or the default decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Data-plane threads.
    pub workers: Option<usize>,
    /// When they poll.
    pub poll: Option<Poll>,
    /// What to do about guest memory that its owner could truncate.
    pub seals: Option<SealPolicy>,
    /// Members of this group are administrators.
    pub group: Option<String>,
    /// What others may do.
    pub others: Option<Others>,
    /// Path of the control socket.
    pub socket: Option<PathBuf>,
    /// Directory of what must survive a restart.
    pub state: Option<PathBuf>,
    /// Log filter: a level, or `module=level` pairs.
    pub log: Option<String>,
}

impl Settings {
    /// The same with every gap filled from `other`.
    #[must_use]
    pub fn or(self, other: Settings) -> Settings {
        Settings {
            workers: self.workers.or(other.workers),
            poll: self.poll.or(other.poll),
            seals: self.seals.or(other.seals),
            group: self.group.or(other.group),
            others: self.others.or(other.others),
            socket: self.socket.or(other.socket),
            state: self.state.or(other.state),
            log: self.log.or(other.log),
        }
    }

    /// What is said here, key by key, in the words of the configuration.
    pub fn said(&self) -> BTreeMap<&'static str, String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let said = [
            ("workers", self.workers.map(|workers| workers.to_string())),
            ("poll", word_of(&Poll::WORDS, self.poll)),
            ("seals", word_of(&SEALS, self.seals)),
            ("group", self.group.clone()),
            ("others", word_of(&Others::WORDS, self.others)),
            ("socket", path(&self.socket)),
            ("state", path(&self.state)),
            ("log", self.log.clone()),
        ];
        said.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

fn word_of<T: PartialEq + Copy>(words: &[(&str, T)], value: Option<T>) -> Option<String> {
    let found = words.iter().find(|(_, meaning)| Some(*meaning) == value);
    found.map(|(word, _)| (*word).to_owned())
}
