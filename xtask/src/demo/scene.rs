// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! All that the demo runs: guests, a switch, a folder. Everything goes when the scene is dropped.

use super::guests::Guests;
use super::switch::Switch;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use qemu::Setup;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// The stage. Fields are dropped in this order: guests first, so that none sees its NIC vanish, and the folder last.
pub(crate) struct Scene {
    /// Of both tenants.
    pub(crate) guests: Guests,
    /// Between them.
    pub(crate) switch: Switch,
    /// One more, once a guest has moved there.
    pub(crate) there: Option<Switch>,
    /// What guests are made with.
    pub(crate) setup: Setup,
    /// How often a guest's VMM looks for a switch that went away.
    pub(crate) reconnect: Duration,
    folder: TempDir,
}

impl Scene {
    /// Starts the switch, makes namespaces and ports, and boots the guests.
    ///
    /// # Errors
    /// Whatever did not start, or the interrupt.
    pub(crate) fn build(setup: &Setup, interrupt: &Interrupt) -> Result<Scene, Failure> {
        // A short name, because socket paths end at 107 bytes.
        let folder = tempfile::Builder::new().prefix("weft-demo-").tempdir()?;
        let switch = Switch::start(folder.path())?;
        switch.plug()?;
        interrupt.check()?;
        let guests = Guests::boot(setup, &switch, interrupt)?;
        let setup = setup.clone();
        let reconnect = setup.qemu.version.reconnect_interval();
        Ok(Scene { guests, switch, there: None, setup, reconnect, folder })
    }

    /// Where everything lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
