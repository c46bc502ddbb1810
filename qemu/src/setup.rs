// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Everything that guests need on this machine, in one call.

use std::path::Path;
use std::time::Duration;

use crate::accel::Accel;
use crate::cmdline::CommandLine;
use crate::emulator::Qemu;
use crate::error::Error;
use crate::guest::Guest;
use crate::image::{self, Flavour, Image};
use crate::progress::Progress;
use crate::spec::GuestSpec;

/// A machine that is ready to run guests.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The QEMU that runs them.
    pub qemu: Qemu,
    /// What they boot.
    pub image: Image,
    /// How they run, and how fast.
    pub accel: Accel,
}

impl Setup {
    /// Finds QEMU, prepares the image in [`image::cache_folder`] and calibrates. Takes a moment when all is in the cache.
    ///
    /// # Errors
    /// Where [`Error::is_missing_tool`] is true, a test must report itself as skipped, with the error's text as reason.
    pub fn prepare(progress: Progress<'_>) -> Result<Setup, Error> {
        Setup::prepare_in(&image::cache_folder(), Flavour::default(), progress)
    }

    /// Like [`Setup::prepare`] with a cache folder and a kernel of one's own choice.
    ///
    /// # Errors
    /// As [`Setup::prepare`].
    pub fn prepare_in(cache: &Path, flavour: Flavour, progress: Progress<'_>) -> Result<Setup, Error> {
        let qemu = Qemu::find()?;
        let image = Image::prepare(cache, flavour, progress)?;
        let accel = Accel::calibrate(cache, &qemu, &image, progress)?;
        Ok(Setup { qemu, image, accel })
    }

    /// Starts a guest; see [`Guest::start`].
    ///
    /// # Errors
    /// As [`Guest::start`].
    pub fn start(&self, spec: &GuestSpec) -> Result<Guest, Error> {
        Guest::start(&self.qemu, &self.image, &self.accel, spec)
    }

    /// The command line that [`Setup::start`] uses, for people who want to start the guest by hand.
    pub fn command_line(&self, spec: &GuestSpec) -> CommandLine {
        CommandLine::qemu(&self.qemu, &self.image, self.accel.kind, spec)
    }

    /// A time limit for this machine; see [`Accel::limit`].
    pub fn limit(&self, base: Duration) -> Duration {
        self.accel.limit(base)
    }
}
