// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program that goes on running, until its end or that of the test.

use std::process::{Child, Command};

/// See the module.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a program.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Process {
        Process(command.spawn().unwrap_or_else(|why| panic!("{command:?}: {why}")))
    }

    /// Ends it as a crash does, without a word to anybody.
    ///
    /// # Panics
    /// When it had ended by itself.
    pub fn kill_9(&mut self) {
        let ended = self.0.try_wait().expect("a child can be waited for");
        assert_eq!(ended, None, "it ended by itself before it was killed");
        self.0.kill().expect("a running child can be killed");
        self.0.wait().expect("a killed child ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
