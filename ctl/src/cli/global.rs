// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Options that every verb takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// See the module.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Control socket of weftd
    #[arg(long, global = true, value_name = "PATH", env = "WEFT_SOCKET", hide_env_values = true)]
    #[arg(default_value = "/run/weft/ctl.sock")]
    pub(super) socket: PathBuf,

    /// Answer in JSON, in the form of that version (only 1 exists): indented on a terminal, one line in a pipe
    #[arg(short, long, global = true, value_name = "VERSION", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "1", value_parser = clap::value_parser!(u8).range(1..=1))]
    pub(super) json: Option<u8>,

    /// Give up when weftd does not answer for so long
    #[arg(short = 'T', long, global = true, value_name = "SECS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,

    /// Leave out the titles of table columns
    #[arg(long, global = true)]
    pub(super) no_header: bool,
}

impl Global {
    /// How long an answer may take.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}
