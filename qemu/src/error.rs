// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What can go wrong between a caller and a guest. Every text says what to do next.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::version::Version;

/// Why a guest, its image or a command in it failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No `qemu-system-x86_64` in `$PATH`.
    #[error(
        "no qemu-system-x86_64 in $PATH: install Debian's package qemu-system-x86 \
         (on Debian 12: apt-get install -t bookworm-backports qemu-system-x86)"
    )]
    NoQemu,
    /// QEMU is there and too old to run a guest on a vhost-user port.
    #[error(
        "{} is QEMU {found}, and QEMU before 8 crashes by itself when an emulated guest uses a vhost-user NIC; \
         install a newer one (on Debian 12: apt-get install -t bookworm-backports qemu-system-x86)", path.display()
    )]
    OldQemu {
        /// The program that was found.
        path: PathBuf,
        /// Its version.
        found: Version,
    },
    /// A helper program is missing.
    #[error("the program `{program}` is missing: apt-get install {package}")]
    NoProgram {
        /// The program's name.
        program: String,
        /// The Debian package that has it.
        package: String,
    },
    /// A Debian package could not be found, downloaded or unpacked.
    #[error("Debian package {package}: {reason}")]
    Package {
        /// The package, or the pattern that was searched for.
        package: String,
        /// What happened and what to do.
        reason: String,
    },
    /// A file of ours could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The kernel package lacks something that the image needs.
    #[error("guest image: {0}")]
    Image(String),
    /// The description of a guest contradicts itself or the limits of QEMU.
    #[error("guest {guest}: {field}: {reason}")]
    Spec {
        /// The guest's name.
        guest: String,
        /// The field at fault.
        field: &'static str,
        /// What was expected.
        reason: String,
    },
    /// The virtual machine's process ended while it was needed.
    #[error("guest {guest}: the virtual machine ended with {status}{details}")]
    Ended {
        /// The guest's name.
        guest: String,
        /// Exit code or signal.
        status: String,
        /// Its stderr and the end of the guest's console.
        details: String,
    },
    /// Something did not happen within its time limit.
    #[error("guest {guest}: {what} did not happen within {limit:?}{details}")]
    Timeout {
        /// The guest's name.
        guest: String,
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// The end of the guest's console.
        details: String,
    },
    /// The guest restarted, or its kernel stopped, under a command.
    #[error("guest {guest}: {what}{details}")]
    Lost {
        /// The guest's name.
        guest: String,
        /// What happened.
        what: String,
        /// The end of the guest's console.
        details: String,
    },
    /// QEMU refused a QMP command, or its monitor broke.
    #[error("QMP {command}: {reason}")]
    Qmp {
        /// The command.
        command: String,
        /// QEMU's own words, or what was wrong with its answer.
        reason: String,
    },
    /// A command in a guest ended with another status than zero, where success was required.
    #[error("guest {guest}: `{command}` ended with status {status}: {output}")]
    Command {
        /// The guest's name.
        guest: String,
        /// The shell command.
        command: String,
        /// Its exit status.
        status: i32,
        /// What it printed.
        output: String,
    },
}

impl Error {
    /// True when this machine lacks what guests need (QEMU, a package, a helper program), so that a test must report
    /// itself as skipped; false for real failures.
    pub fn is_missing_tool(&self) -> bool {
        matches!(self, Error::NoQemu | Error::OldQemu { .. } | Error::NoProgram { .. } | Error::Package { .. })
    }

    /// For `map_err`: ties a system error to the file it is about.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    }
}
