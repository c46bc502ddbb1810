// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a daemon is to run: the command line before the configuration file before the default.

use super::logging::LOG_DEFAULT;
use crate::config::{Callers, Config, ConfigError, Others, PvdFetch, Settings};
use crate::ctl_server::access::{GROUP_DEFAULT, Policy};
use crate::runtime::{Cpus, PollMode, WorkerSpec};
use crate::store::STATE_DEFAULT;
use crate::vhost_user::SealPolicy;
use std::path::PathBuf;
use switch::Desired;

/// The control socket, unless the configuration or the command line names another.
pub const SOCKET_DEFAULT: &str = "/run/weft/ctl.sock";

/// How a daemon is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// What it wants to exist.
    pub base: Desired,
    /// What the command line, the file and the defaults say together; nothing is left open.
    pub settings: Settings,
}

impl Options {
    /// Reads the configuration file, if there is one, and puts all together. `line` is what the command line says.
    ///
    /// # Errors
    /// A mistake in the configuration file, or what it says does not fit the command line.
    pub fn gather(config: Option<PathBuf>, line: Settings) -> Result<Options, ConfigError> {
        let file = config.as_deref().map(Config::load).transpose()?.unwrap_or_default();
        let settings = line.or(file.settings).or(defaults());
        check_pin(&settings)?;
        Ok(Options { config, base: file.desired, settings })
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.settings.socket.clone().unwrap_or_else(|| SOCKET_DEFAULT.into())
    }

    pub(super) fn state(&self) -> PathBuf {
        self.settings.state.clone().unwrap_or_else(|| STATE_DEFAULT.into())
    }

    pub(super) fn policy(&self) -> Policy {
        let Callers { group, others } = &self.settings.callers;
        let group = group.as_deref().unwrap_or(GROUP_DEFAULT);
        Policy::new(group, others.unwrap_or_default())
    }

    /// How each worker is to run.
    pub(super) fn workers(&self) -> Vec<WorkerSpec> {
        let Settings { workers, poll, pin, single, .. } = &self.settings;
        let of = |id: usize| {
            let own = single.as_ref().and_then(|single| single.get(&id)).cloned().unwrap_or_default();
            let pin = own.pin.or_else(|| pin.as_ref()?.nth(id));
            WorkerSpec { poll: own.poll.or(*poll).unwrap_or_default(), pin }
        };
        (0..workers.unwrap_or(1)).map(of).collect()
    }
}

/// Command line and file may each be right and not fit each other.
fn check_pin(settings: &Settings) -> Result<(), ConfigError> {
    let (workers, cpus) = (settings.workers.unwrap_or(1), settings.pin.as_ref().map(Cpus::count));
    let Some(cpus) = cpus.filter(|cpus| *cpus < workers) else { return Ok(()) };
    let (file, key) = ("command line and configuration".to_owned(), "pin".to_owned());
    let message = format!("{cpus} CPUs for {workers} workers (expected one each)");
    Err(ConfigError { file, line: 0, column: 0, key, message })
}

fn defaults() -> Settings {
    Settings {
        workers: Some(1),
        poll: Some(PollMode::default()),
        pin: None,
        single: None,
        seals: Some(SealPolicy::default()),
        callers: Callers { group: Some(GROUP_DEFAULT.to_owned()), others: Some(Others::default()) },
        socket: Some(SOCKET_DEFAULT.into()),
        state: Some(STATE_DEFAULT.into()),
        log: Some(LOG_DEFAULT.to_owned()),
        pvd_fetch: Some(PvdFetch::Off),
    }
}

/// What a configuration text says otherwise than what is in force: key, value in force, value in the text.
pub(super) fn differing(in_force: &Settings, text: &Settings) -> Vec<(&'static str, String, String)> {
    let mut in_force = in_force.said();
    let said = text.said().into_iter();
    let pairs = said.map(|(key, new)| (key, in_force.remove(key).unwrap_or_default(), new));
    pairs.filter(|(_, old, new)| old != new).collect()
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::config::WorkerSettings;

    #[test]
    fn test_the_command_line_comes_before_the_file_before_the_default() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("weft.toml");
        std::fs::write(&file, "[daemon]\nworkers = 3\nlog = \"warn\"\n").unwrap();
        let line = Settings { log: Some("debug".into()), ..Settings::default() };
        let options = Options::gather(Some(file), line).unwrap();
        assert_eq!((options.settings.workers, options.settings.log.as_deref()), (Some(3), Some("debug")));
        assert_eq!(options.socket(), PathBuf::from(SOCKET_DEFAULT));
        let nothing = Options::gather(None, Settings::default()).unwrap();
        assert_eq!((nothing.settings, nothing.base), (defaults(), Desired::default()));
    }

    #[test]
    fn test_a_worker_takes_what_all_are_told_unless_it_is_told_itself() {
        let cpus = Cpus::parse(&allowed()).unwrap();
        let own = WorkerSettings { poll: Some(PollMode::Always), pin: None };
        let line = Settings { workers: Some(1), pin: Some(cpus.clone()), ..Settings::default() };
        let told = Settings { single: Some([(0, own), (1, WorkerSettings::default())].into()), ..line.clone() };
        let options = Options::gather(None, told).unwrap();
        assert_eq!(options.workers(), [WorkerSpec { poll: PollMode::Always, pin: cpus.nth(0) }]);
        let too_many = Settings { workers: Some(cpus.count() + 1), ..line };
        let refused = Options::gather(None, too_many).unwrap_err().to_string();
        assert!(refused.ends_with("(expected one each)"), "{refused}");
    }

    /// Every CPU of this process, as the kernel lists them.
    fn allowed() -> String {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim().to_owned()
    }

    #[test]
    fn test_only_what_a_text_says_can_differ() {
        let text = Settings { workers: Some(2), log: Some("info".into()), ..Settings::default() };
        assert_eq!(differing(&defaults(), &text), [("workers", "1".to_owned(), "2".to_owned())]);
    }
}
