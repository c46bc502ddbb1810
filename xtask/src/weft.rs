// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The `weft` command, used as a person would use it.

use crate::failure::Failure;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One build's `weft`, bound to the control socket of one weftd.
pub(crate) struct Weft {
    program: PathBuf,
    socket: PathBuf,
}

impl Weft {
    /// The one in the folder `binaries`, for the daemon that listens on `socket`.
    pub(crate) fn new(binaries: &Path, socket: &Path) -> Weft {
        Weft { program: binaries.join("weft"), socket: socket.to_owned() }
    }

    /// Runs a command line such as `port list`, split at blanks, and answers what it printed.
    ///
    /// # Errors
    /// What `weft` itself said when it ended with an error.
    pub(crate) fn run(&self, line: &str) -> Result<String, Failure> {
        let mut command = Command::new(&self.program);
        command.env("WEFT_SOCKET", &self.socket).args(line.split_whitespace());
        let output = command.output().map_err(Failure::of(format!("starting {}", self.program.display())))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let reason = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("weft {line}: {}", reason.trim_end())))
    }

    /// The same with `--json`, parsed.
    ///
    /// # Errors
    /// As [`Weft::run`], and when the answer is not JSON.
    pub(crate) fn json(&self, line: &str) -> Result<Value, Failure> {
        let answer = self.run(&format!("{line} --json"))?;
        serde_json::from_str(&answer).map_err(Failure::of(format!("weft {line} --json")))
    }

    /// One port as `port list --json` has it.
    ///
    /// # Errors
    /// As [`Weft::json`], and when there is no such port.
    pub(crate) fn port(&self, name: &str) -> Result<Value, Failure> {
        let ports = self.json("port list")?;
        let found = ports.as_array().and_then(|ports| ports.iter().find(|port| port["name"] == name));
        found.cloned().ok_or_else(|| Failure::new(format!("weft port list --json: no port {name}")))
    }
}
