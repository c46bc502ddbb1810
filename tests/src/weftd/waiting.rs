// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A `weft migrate prepare --wait`, while it waits.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{Weftd, binary, control};

/// It has had a port staged, and waits for the guest to move.
pub struct Waiting {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Weftd {
    /// As [`Weftd::hand_over`], by who waits until the guest has moved.
    ///
    /// # Panics
    /// When the port is not staged.
    pub fn hand_over_and_wait(&self, port: &str, to: &Weftd) -> Waiting {
        let socket = control(to.folder()).display().to_string();
        self.hand_over_by(port, to, &["--to", &socket])
    }

    /// The same by a way that these options say.
    ///
    /// # Panics
    /// When the port is not staged.
    pub fn hand_over_by(&self, port: &str, to: &Weftd, way: &[&str]) -> Waiting {
        let mut command = Command::new(binary("weft"));
        command.arg("--socket").arg(control(self.folder())).args(["migrate", "prepare", port, "--wait"]);
        command.arg("--vhost-user").arg(to.port_path(port)).args(way);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("weft can be started");
        let says = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut waiting = Waiting { child, says };
        let mut line = String::new();
        waiting.says.read_line(&mut line).expect("it is text");
        assert!(line.contains(": staged"), "{line}");
        waiting
    }
}

impl Waiting {
    /// Its exit code, and what it has said at the end.
    ///
    /// # Panics
    /// When that is no text.
    pub fn end(mut self) -> (i32, String) {
        let mut rest = String::new();
        self.says.read_to_string(&mut rest).expect("it is text");
        let status = self.child.wait().expect("it is ours");
        (status.code().unwrap_or(-1), rest)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
