// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A weftd that another takes the place of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::process::Process;
use super::{Line, Weftd, binary, control, new_folder};
use crate::wait::{Deadline, for_value};

/// `weft upgrade`, under way.
#[derive(Debug)]
pub struct Upgrading(Child);

impl Upgrading {
    /// True when it has ended.
    ///
    /// # Panics
    /// The system does not know it.
    pub fn is_over(&mut self) -> bool {
        self.0.try_wait().expect("it is ours").is_some()
    }

    /// What it has said.
    ///
    /// # Errors
    /// There was no upgrade, and why.
    ///
    /// # Panics
    /// It does not end.
    pub fn outcome(mut self) -> Result<Value, String> {
        for_value("weft upgrade to end", Deadline::patient(), || self.is_over().then_some(()));
        let output = self.0.wait_with_output().expect("it is ours");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).expect("it answers in JSON"))
        } else {
            Err(text(&output.stderr))
        }
    }
}

impl Weftd {
    /// As [`Weftd::start`], from a copy of the program that a test may replace: [`Weftd::program`].
    ///
    /// # Panics
    /// When it does not start, with its log.
    pub fn start_copy() -> Weftd {
        let folder = new_folder();
        let program = folder.path().join("weftd");
        copy(&binary("weftd"), &program);
        Weftd::launch(folder, Line { program: Some(program), ..Line::default() })
    }

    /// The daemon's own program.
    ///
    /// # Panics
    /// It has none of its own.
    pub fn program(&self) -> &Path {
        self.line.program.as_deref().expect("it was started with start_copy")
    }

    /// Puts another program where the daemon's is.
    ///
    /// # Panics
    /// It cannot be.
    pub fn replace_program(&self, by: &Path) {
        let beside: PathBuf = self.folder().join("weftd.new");
        copy(by, &beside);
        fs::rename(&beside, self.program()).expect("the folder is ours");
    }

    /// Begins an upgrade.
    ///
    /// # Panics
    /// `weft` cannot be run at all.
    pub fn begin_upgrade(&self) -> Upgrading {
        self.begin_upgrade_with(&[])
    }

    /// The same with more arguments.
    ///
    /// # Panics
    /// As [`Weftd::begin_upgrade`].
    pub fn begin_upgrade_with(&self, more: &[&str]) -> Upgrading {
        // The successor is the daemon's child, and ours when that ends.
        Process::take_orphans();
        let mut command = Command::new(binary("weft"));
        command.arg("--socket").arg(control(self.folder())).args(["upgrade", "--json"]).args(more);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Upgrading(command.spawn().expect("weft can be started"))
    }

    /// The daemon is the successor from here on, as the upgrade has said.
    ///
    /// # Panics
    /// The one before does not end.
    pub fn succeeded_by(&mut self, said: &Value) {
        for_value("the weftd before to end", Deadline::patient(), || self.process.try_wait());
        let pid = said["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        self.process = Process::left(pid.expect("it says which process it is"));
    }

    /// Upgrades the daemon. Returns what `weft upgrade` has said.
    ///
    /// # Panics
    /// There was no upgrade.
    pub fn upgrade(&mut self) -> Value {
        let said = self.begin_upgrade().outcome().unwrap_or_else(|why| panic!("{why}"));
        self.succeeded_by(&said);
        said
    }
}

/// Copies a program, by a process of its own: what this one has open to be written, whoever another thread starts meanwhile has open,
/// too, for a moment, and nobody can run a program then (ETXTBSY).
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status().expect("cp can be started");
    assert!(copied.success(), "there is room for a program");
}
