// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The configuration file, `weft.toml`.
//!
//! A text becomes a [`Config`] in two steps: `low` is what TOML can express, key by key with its place in the text, and
//! `high` is what it means, with a module beside it for each table that is not simple. Every mistake is a [`ConfigError`] that names file, line, key and what was expected; the
//! first one ends the attempt, and whoever called keeps the configuration that runs.
//!
//! ```toml
//! [[namespace]]
//! name = "red"
//!
//! [[port]]
//! name = "vm1"
//! namespace = "red"
//! mac = "02:00:00:00:00:01"
//! vhost-user = "/run/weft/vm1.sock"
//! ```

mod confined;
mod daemon;
mod delegation;
mod fetch;
mod high;
mod lanes;
mod limits;
mod low;
mod mediation;
mod mistake;
mod pvds;
mod ra_guard;
mod said;
mod settings;
mod value;
mod vf;

pub use fetch::{FetchSettings, PvdFetch};
pub use mistake::ConfigError;
pub use settings::{Callers, Others, Settings, WorkerSettings};
pub(crate) use value::MAC_EXPECTED;

use switch::Desired;

/// Larger files are refused, in bytes; the control socket has the same bound.
pub const CONFIG_MAX: usize = 1 << 20;

/// A configuration that makes sense.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Namespaces, ports, static MAC entries and static PvDs.
    pub desired: Desired,
    /// What the `[daemon]` table and the `[[worker]]` tables say.
    pub settings: Settings,
}

impl Config {
    /// Reads the configuration in `text`; `file` is its name in error texts.
    ///
    /// # Errors
    /// The first mistake.
    pub fn parse(file: &str, text: &str) -> Result<Config, ConfigError> {
        high::config(text).map_err(|mistake| mistake.at(file, text))
    }

    /// The configuration as a file, every default filled in: [`Config::parse`] reads the very same out of it.
    ///
    /// # Errors
    /// It would be larger than [`CONFIG_MAX`], or a number is too large for TOML.
    pub fn text(desired: &Desired, settings: &Settings) -> Result<String, String> {
        said::text(desired, settings)
    }

    /// Reads the configuration file at `path`.
    ///
    /// # Errors
    /// It cannot be read, is too large, is not UTF-8, or has a mistake.
    pub fn load(path: &std::path::Path) -> Result<Config, ConfigError> {
        let file = path.display().to_string();
        let unreadable =
            |why: String| ConfigError { file: file.clone(), line: 0, column: 0, key: String::new(), message: why };
        let text = std::fs::read_to_string(path).map_err(|why| unreadable(format!("cannot be read: {why}")))?;
        if text.len() > CONFIG_MAX {
            return Err(unreadable(format!("is larger than {CONFIG_MAX} bytes")));
        }
        Config::parse(&file, &text)
    }
}

#[cfg(test)]
mod tests;
