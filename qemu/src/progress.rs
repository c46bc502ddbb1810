// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What slow preparations report, so that a caller can draw it.

use std::fmt;

/// One step of a preparation. A step is over when the next one, or none, is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Another process prepares the same thing; this one waits for it.
    Waiting,
    /// A Debian package is being fetched; `percent` counts from 0 to 100.
    Downloading {
        /// The package.
        package: String,
        /// How much of it is here.
        percent: u8,
    },
    /// A Debian package is being unpacked into the cache.
    Unpacking {
        /// The package.
        package: String,
    },
    /// The guest's first file system is being written.
    Packing,
    /// A guest is booted once to learn whether this way of running guests works, and how fast.
    Calibrating {
        /// `KVM` or `TCG`.
        accelerator: &'static str,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Waiting => write!(f, "waiting for another preparation of the guest image"),
            Step::Downloading { package, percent } => write!(f, "downloading {package} ({percent} %)"),
            Step::Unpacking { package } => write!(f, "unpacking {package}"),
            Step::Packing => write!(f, "packing the guest image"),
            Step::Calibrating { accelerator } => write!(f, "booting one guest with {accelerator} to measure it"),
        }
    }
}

/// Called with every step, from the thread that prepares; must return soon.
pub type Progress<'a> = &'a dyn Fn(Step);

/// A [`Progress`] that says nothing.
pub fn silent(_: Step) {}
