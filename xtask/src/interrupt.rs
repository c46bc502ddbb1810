// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ctrl-C, turned from a signal into something that a task asks for, so that all it
//! started and wrote goes with it.

use crate::failure::Failure;
use std::sync::mpsc::{Receiver, channel};

/// Knows whether somebody asked this task to stop (SIGINT, SIGTERM, SIGHUP).
pub(crate) struct Interrupt(Receiver<()>);

impl Interrupt {
    /// Takes over the signals. Once in a process.
    ///
    /// # Errors
    /// When the signals cannot be taken over.
    pub(crate) fn install() -> Result<Interrupt, Failure> {
        let (sender, receiver) = channel();
        let note = move || {
            // The receiver lives as long as the task; after it nobody asks.
            let _ = sender.send(());
        };
        ctrlc::set_handler(note).map_err(Failure::of("taking over Ctrl-C"))?;
        Ok(Interrupt(receiver))
    }

    /// A failure when a signal has come; asked for between steps.
    ///
    /// # Errors
    /// "interrupted", which ends the task in the ordinary way.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.0.try_recv().is_ok() { Err(Failure::new("interrupted")) } else { Ok(()) }
    }

    /// Sleeps until a signal comes.
    pub(crate) fn wait(&self) {
        // An error would mean that the handler is gone; then there is nothing left to wait for.
        let _ = self.0.recv();
    }
}
