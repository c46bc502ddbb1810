// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Counts as they were recorded, and with what.

use super::Counts;
use crate::cargo::root;
use crate::failure::Failure;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What decides about a count beside our sources, by version.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tools {
    rustc: String,
    valgrind: String,
    /// Copies and comparisons are the C library's.
    libc: String,
}

impl Tools {
    /// Those of this machine.
    ///
    /// # Errors
    /// Which one is not there.
    pub(super) fn find() -> Result<Tools, String> {
        let valgrind = first_line("valgrind").ok_or("no valgrind here (apt-get install valgrind)")?;
        let rustc = first_line("rustc").ok_or("no rustc here")?;
        Ok(Tools { rustc, valgrind, libc: first_line("ldd").ok_or("no ldd here")? })
    }

    /// The first that is another one.
    pub(super) fn differ(&self, here: &Tools) -> Option<String> {
        let pairs = [(&self.rustc, &here.rustc), (&self.valgrind, &here.valgrind), (&self.libc, &here.libc)];
        pairs.iter().find(|(then, now)| then != now).map(|(then, now)| format!("{then}, here {now}"))
    }
}

fn first_line(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok().filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
}

/// `benches/instructions.json`.
pub(super) struct Record {
    /// With which it was recorded.
    pub(super) tools: Tools,
    /// Instructions a frame, by work.
    pub(super) counts: Counts,
}

impl Record {
    /// Reads it.
    ///
    /// # Errors
    /// It is not there, or not as [`Record::store`] writes it.
    pub(super) fn load() -> Result<Record, Failure> {
        let path = path();
        let text = fs::read_to_string(&path).map_err(Failure::of(path.display()))?;
        let value: Value = serde_json::from_str(&text).map_err(Failure::of(path.display()))?;
        let tool = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let tools = Tools { rustc: tool("rustc"), valgrind: tool("valgrind"), libc: tool("libc") };
        let counts = value["instructions_a_frame"].as_object().into_iter().flatten();
        let counts = counts.filter_map(|(work, count)| Some((work.clone(), count.as_f64()?)));
        Ok(Record { tools, counts: counts.collect() })
    }

    /// Writes it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn store(&self) -> Result<(), Failure> {
        let Tools { rustc, valgrind, libc } = &self.tools;
        let counts = &self.counts;
        let value = json!({ "rustc": rustc, "valgrind": valgrind, "libc": libc, "instructions_a_frame": counts });
        let path = path();
        fs::write(&path, format!("{value:#}\n")).map_err(Failure::of(path.display()))
    }
}

fn path() -> PathBuf {
    root().join("benches/instructions.json")
}
