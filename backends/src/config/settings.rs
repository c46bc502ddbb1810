// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The `[daemon]` table: what concerns the process and not the switch.

use super::fetch::PvdFetch;
use crate::runtime::{Cpus, PollMode};
use crate::vhost_user::SealPolicy;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Workers at most; the machine decides how many make sense.
pub(super) const WORKERS_MAX: i64 = 64;

/// The words of the configuration for [`PollMode`].
pub(super) const POLLS: [(&str, PollMode); 3] =
    [("adaptive", PollMode::Adaptive), ("always", PollMode::Always), ("never", PollMode::Never)];

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

/// What a `[[worker]]` table says; `None` where it says nothing, so that what all workers are told holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerSettings {
    /// When it polls.
    pub poll: Option<PollMode>,
    /// Where it may run.
    pub pin: Option<Cpus>,
}

impl WorkerSettings {
    /// What is said here, key by key, in the words of the configuration.
    pub fn said(&self) -> BTreeMap<&'static str, String> {
        let said = [("poll", word_of(&POLLS, self.poll)), ("pin", self.pin.as_ref().map(ToString::to_string))];
        said.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

/// Who may do what on the control socket; `None` where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callers {
    /// Members of this group are administrators.
    pub group: Option<String>,
    /// What others may do.
    pub others: Option<Others>,
}

/// What the `[daemon]` table and the `[[worker]]` tables say; `None` where it says nothing, so that a command line option or the default decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Data-plane threads.
    pub workers: Option<usize>,
    /// When they poll.
    pub poll: Option<PollMode>,
    /// Where they run: each on one of these CPUs, in order.
    pub pin: Option<Cpus>,
    /// What single workers are told instead, by number.
    pub single: Option<BTreeMap<usize, WorkerSettings>>,
    /// What to do about guest memory that its owner could truncate.
    pub seals: Option<SealPolicy>,
    /// Who may do what on the control socket.
    pub callers: Callers,
    /// Path of the control socket.
    pub socket: Option<PathBuf>,
    /// Directory of what must survive a restart.
    pub state: Option<PathBuf>,
    /// Log filter: a level, or `module=level` pairs.
    pub log: Option<String>,
    /// Whether Additional Information of PvDs is fetched, and how.
    pub pvd_fetch: Option<PvdFetch>,
}

impl Settings {
    /// The same with every gap filled from `other`.
    #[must_use]
    pub fn or(self, other: Settings) -> Settings {
        Settings {
            workers: self.workers.or(other.workers),
            poll: self.poll.or(other.poll),
            pin: self.pin.or(other.pin),
            single: self.single.or(other.single),
            seals: self.seals.or(other.seals),
            callers: Callers {
                group: self.callers.group.or(other.callers.group),
                others: self.callers.others.or(other.callers.others),
            },
            socket: self.socket.or(other.socket),
            state: self.state.or(other.state),
            log: self.log.or(other.log),
            pvd_fetch: self.pvd_fetch.or(other.pvd_fetch),
        }
    }

    /// What is said here, key by key, in the words of the configuration.
    pub fn said(&self) -> BTreeMap<&'static str, String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let said = [
            ("workers", self.workers.map(|workers| workers.to_string())),
            ("poll", word_of(&POLLS, self.poll)),
            ("pin", self.pin.as_ref().map(ToString::to_string)),
            ("worker", self.single.as_ref().map(said_of_single)),
            ("seals", word_of(&SEALS, self.seals)),
            ("group", self.callers.group.clone()),
            ("others", word_of(&Others::WORDS, self.callers.others)),
            ("socket", path(&self.socket)),
            ("state", path(&self.state)),
            ("log", self.log.clone()),
            ("pvd-fetch", self.pvd_fetch.as_ref().map(ToString::to_string)),
        ];
        said.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

/// `0: always; 2: never, pin 3`
fn said_of_single(single: &BTreeMap<usize, WorkerSettings>) -> String {
    let said = |settings: &WorkerSettings| {
        let pin = settings.pin.as_ref().map(|cpus| format!("pin {cpus}"));
        [word_of(&POLLS, settings.poll), pin].into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    single.iter().map(|(id, settings)| format!("{id}: {}", said(settings))).collect::<Vec<_>>().join("; ")
}

fn word_of<T: PartialEq + Copy>(words: &[(&str, T)], value: Option<T>) -> Option<String> {
    let found = words.iter().find(|(_, meaning)| Some(*meaning) == value);
    found.map(|(word, _)| (*word).to_owned())
}
