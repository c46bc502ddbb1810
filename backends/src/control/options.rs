// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a daemon is to run: the command line before the configuration file before the default.

use super::logging::LOG_DEFAULT;
use crate::config::{Config, ConfigError, Others, Poll, Settings};
use crate::ctl_server::access::{GROUP_DEFAULT, Policy};
use crate::runtime::PollMode;
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
    /// A mistake in the configuration file.
    pub fn gather(config: Option<PathBuf>, line: Settings) -> Result<Options, ConfigError> {
        let file = config.as_deref().map(Config::load).transpose()?.unwrap_or_default();
        Ok(Options { config, base: file.desired, settings: line.or(file.settings).or(defaults()) })
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.settings.socket.clone().unwrap_or_else(|| SOCKET_DEFAULT.into())
    }

    pub(super) fn state(&self) -> PathBuf {
        self.settings.state.clone().unwrap_or_else(|| STATE_DEFAULT.into())
    }

    pub(super) fn policy(&self) -> Policy {
        let group = self.settings.group.as_deref().unwrap_or(GROUP_DEFAULT);
        Policy::new(group, self.settings.others.unwrap_or_default())
    }

    pub(super) fn poll(&self) -> PollMode {
        poll_mode(self.settings.poll.unwrap_or_default())
    }
}

fn defaults() -> Settings {
    Settings {
        workers: Some(1),
        poll: Some(Poll::default()),
        seals: Some(SealPolicy::default()),
        group: Some(GROUP_DEFAULT.to_owned()),
        others: Some(Others::default()),
        socket: Some(SOCKET_DEFAULT.into()),
        state: Some(STATE_DEFAULT.into()),
        log: Some(LOG_DEFAULT.to_owned()),
    }
}

/// What a configuration text says otherwise than what is in force: key, value in force, value in the text.
pub(super) fn differing(in_force: &Settings, text: &Settings) -> Vec<(&'static str, String, String)> {
    let mut in_force = in_force.said();
    let said = text.said().into_iter();
    let pairs = said.map(|(key, new)| (key, in_force.remove(key).unwrap_or_default(), new));
    pairs.filter(|(_, old, new)| old != new).collect()
}

fn poll_mode(poll: Poll) -> PollMode {
    match poll {
        Poll::Adaptive => PollMode::Adaptive,
        Poll::Always => PollMode::Always,
        Poll::Never => PollMode::Never,
    }
}

#[cfg(test)]
mod test {
    use super::*;

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
    fn test_only_what_a_text_says_can_differ() {
        let text = Settings { workers: Some(2), log: Some("info".into()), ..Settings::default() };
        assert_eq!(differing(&defaults(), &text), [("workers", "1".to_owned(), "2".to_owned())]);
    }
}
