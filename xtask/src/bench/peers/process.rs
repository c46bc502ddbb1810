// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a switch's process costs, as the kernel accounts for it (proc(5)).

use crate::failure::Failure;
use std::fs;
use std::time::Duration;

/// `utime` and `stime` are in hundredths of a second on every Linux of x86-64 (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A process, by its number.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Processor time of all its threads.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn time(self) -> Result<Duration, Failure> {
        let text = self.read("stat")?;
        // The name, in parentheses, may hold blanks; the fields behind it are numbered from 3.
        let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
        let ticks: u32 = fields.skip(14 - 3).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }

    /// Bytes of its own ordinary memory that are resident.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn anonymous(self) -> Result<u64, Failure> {
        self.status("RssAnon:")
    }

    /// Bytes of huge pages that are mapped; before guests attach these are its own.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn huge_pages(self) -> Result<u64, Failure> {
        self.status("HugetlbPages:")
    }

    fn status(self, name: &str) -> Result<u64, Failure> {
        let text = self.read("status")?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
        value.map(|kib: u64| kib << 10).ok_or_else(|| Failure::new(format!("/proc/{}/status: no {name}", self.0)))
    }

    fn read(self, name: &str) -> Result<String, Failure> {
        let path = format!("/proc/{}/{name}", self.0);
        fs::read_to_string(&path).map_err(Failure::of(&path))
    }
}
