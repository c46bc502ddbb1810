// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where the endpoint's notices go.

use std::sync::mpsc::Sender;

use vmm_sys_util::eventfd::EventFd;

use super::Notice;

/// Sends notices with the port's name, and wakes whoever reads them.
pub(super) struct Outlet {
    port: String,
    notices: Sender<(String, Notice)>,
    wake: EventFd,
    /// The features last told, so that a frontend that repeats itself is told once.
    up: Option<u64>,
    /// The last warning, likewise.
    warned: Option<String>,
}

impl Outlet {
    pub(super) fn new(port: String, notices: Sender<(String, Notice)>, wake: EventFd) -> Self {
        Self { port, notices, wake, up: None, warned: None }
    }

    pub(super) fn send(&self, notice: Notice) {
        // Nobody reads any more: the daemon is ending.
        let _ = self.notices.send((self.port.clone(), notice));
        // A full counter has woken the reader already.
        let _ = self.wake.write(1);
    }

    pub(super) fn up(&mut self, features: u64) {
        if self.up.replace(features) != Some(features) {
            self.send(Notice::Up { features });
        }
    }

    pub(super) fn down(&mut self, reason: String) {
        self.up = None;
        self.warned = None;
        self.send(Notice::Down { reason });
    }

    /// A session begins: warnings from before are not about it.
    pub(super) fn begin(&mut self) {
        self.warned = None;
    }

    /// The last warning of the session in force.
    pub(super) fn warned(&self) -> Option<&str> {
        self.warned.as_deref()
    }

    pub(super) fn warn(&mut self, reason: String) {
        if self.warned.as_ref() != Some(&reason) {
            self.warned = Some(reason.clone());
            self.send(Notice::Warned { reason });
        }
    }
}
