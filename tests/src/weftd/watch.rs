// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Somebody who watches what happens to PvDs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use super::binary;
use crate::wait::{Deadline, for_value};

/// A `weft pvd watch --json` that runs, and the documents that it prints.
#[derive(Debug)]
pub struct Watch {
    child: Child,
    lines: Receiver<Value>,
}

impl Watch {
    /// Begins to watch by this control socket, with more arguments.
    ///
    /// # Panics
    /// `weft` cannot be run at all.
    pub fn start(socket: &Path, arguments: &[&str]) -> Watch {
        let mut command = Command::new(binary("weft"));
        command.arg("--socket").arg(socket).args(["pvd", "watch", "--json", "-T", "60"]).args(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("weft can be started");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = send.send(serde_json::from_str(&line).expect("a document"));
            }
        });
        Watch { child, lines }
    }

    /// Waits for the next document.
    ///
    /// # Panics
    /// None comes.
    pub fn next(&self, what: &str) -> Value {
        for_value(what, Deadline::patient(), || self.try_next())
    }

    /// The next document, if it is there.
    pub fn try_next(&self) -> Option<Value> {
        self.lines.try_recv().ok()
    }

    /// Waits for the next event: its kind and its PvD.
    ///
    /// # Panics
    /// None comes.
    pub fn event(&self, what: &str) -> (String, String) {
        let event = self.next(what);
        let text = |key: &str| event[key].as_str().unwrap_or_else(|| panic!("{what}: {event}")).to_owned();
        (text("kind"), text("name"))
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
