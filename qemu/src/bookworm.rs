// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Debian 12's own QEMU, in the cache beside whatever is installed.
//!
//! It is older than [`crate::Version::OLDEST`]: 7.2, which crashes by itself as soon as the driver of an emulated guest
//! starts a vhost-user NIC that has interrupt vectors (MSI-X). People have it all the same, so what does work with it deserves
//! a test.

use std::path::Path;

use crate::archive::{download_into, publish};
use crate::emulator::Qemu;
use crate::error::Error;
use crate::image;
use crate::progress::Progress;

/// The program, its modules, its option ROMs and its firmware. It finds the last three by their places beside it.
const PACKAGES: [&str; 4] = ["qemu-system-x86", "qemu-system-common", "qemu-system-data", "seabios"];
/// The release whose packages they are, whatever else apt knows.
const RELEASE: &str = "bookworm";

impl Qemu {
    /// Takes Debian 12's own QEMU from the cache, and unpacks it there first where it is missing. Nothing is installed.
    ///
    /// Guests on it get vhost-user NICs without interrupt vectors (`vectors=0`), which share one interrupt line.
    ///
    /// # Errors
    /// [`Error::Package`] or [`Error::NoProgram`] where apt has no such package or the machine lacks its libraries.
    pub fn of_bookworm(cache: &Path, progress: Progress<'_>) -> Result<Qemu, Error> {
        let _lock = image::lock(cache, progress)?;
        let folder = cache.join("qemu-bookworm");
        let path = folder.join("usr/bin/qemu-system-x86_64");
        if !path.is_file() {
            publish(&folder, |staging| {
                let packages = PACKAGES.iter().map(|name| format!("{name}/{RELEASE}"));
                packages.into_iter().try_for_each(|package| download_into(staging, cache, &package, progress))
            })?;
        }
        Qemu::of_any_age(&path).map_err(|reason| reason.about(PACKAGES[0]))
    }
}
