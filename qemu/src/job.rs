// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A script that runs in a guest beside others; `guest/job` is its other half.

use std::time::Duration;

use crate::commands::Output;
use crate::error::Error;
use crate::guest::Guest;

/// A running, or ended, script. Dropping it leaves the script alone.
#[derive(Debug)]
pub struct Job<'a> {
    guest: &'a Guest,
    id: u32,
}

impl Guest {
    /// Starts a shell script that runs beside others.
    ///
    /// # Errors
    /// As [`Guest::run`].
    pub fn spawn(&self, script: &str) -> Result<Job<'_>, Error> {
        Job::start(self, self.next_number(), script)
    }
}

impl<'a> Job<'a> {
    fn start(guest: &'a Guest, id: u32, script: &str) -> Result<Job<'a>, Error> {
        // Quoted, the end mark keeps the shell from touching the script.
        guest.run_ok(&format!(
            "cat >/run/jobs/{id}.script <<'END-OF-THE-JOB'\n{script}\nEND-OF-THE-JOB\n/etc/job start {id}"
        ))?;
        Ok(Job { guest, id })
    }

    /// Waits for the script's end.
    ///
    /// # Errors
    /// [`Error::Timeout`] when it still runs after `limit`, which is meant as it stands; it may be waited for again.
    pub fn wait(&self, limit: Duration) -> Result<Output, Error> {
        self.guest.run_within(&format!("/etc/job wait {}", self.id), limit)
    }

    /// What it printed so far.
    ///
    /// # Errors
    /// As [`Guest::run`].
    pub fn stdout_so_far(&self) -> Result<String, Error> {
        self.guest.run_ok(&format!("cat /run/jobs/{}.out", self.id))
    }

    /// Sends a signal (`INT`, `TERM`, `KILL`) to everything that the script started. An ended script ignores it.
    ///
    /// # Errors
    /// As [`Guest::run_ok`].
    pub fn signal(&self, name: &str) -> Result<(), Error> {
        self.guest.run_ok(&format!("/etc/job signal {} {name}", self.id)).map(drop)
    }
}
