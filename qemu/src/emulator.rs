// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Finds QEMU and decides whether it is new enough.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::program::{self, Failure};
use crate::version::Version;

/// A QEMU that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qemu {
    /// The program.
    pub path: PathBuf,
    /// Its version; below [`Version::OLDEST`] only where it came from [`Qemu::of_bookworm`].
    pub version: Version,
}

impl Qemu {
    /// Takes the first `qemu-system-x86_64` in `$PATH`.
    ///
    /// # Errors
    /// [`Error::NoQemu`] or [`Error::OldQemu`], each with what to install.
    pub fn find() -> Result<Qemu, Error> {
        Qemu::at(&program::find("qemu-system-x86_64").ok_or(Error::NoQemu)?)
    }

    /// Takes the QEMU at `path`.
    ///
    /// # Errors
    /// As [`Qemu::find`].
    pub fn at(path: &Path) -> Result<Qemu, Error> {
        Qemu::of_any_age(path).map_err(|_| Error::NoQemu)?.judge()
    }

    /// Takes the QEMU at `path` as it is.
    pub(crate) fn of_any_age(path: &Path) -> Result<Qemu, Failure> {
        let text = program::run(Command::new(path).arg("--version"), "qemu-system-x86")?;
        let version = Version::parse(&text).ok_or_else(|| Failure::Failed(format!("no version in `{text}`")))?;
        Ok(Qemu { path: path.to_owned(), version })
    }

    fn judge(self) -> Result<Qemu, Error> {
        if self.version < Version::OLDEST {
            return Err(Error::OldQemu { path: self.path, found: self.version });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_qemu_is_refused_with_advice() {
        let old = Qemu { path: "/usr/bin/qemu-system-x86_64".into(), version: Version { major: 7, minor: 2 } };
        let refusal = old.judge().unwrap_err();
        assert!(refusal.is_missing_tool());
        let text = refusal.to_string();
        for part in ["7.2", "crashes by itself", "bookworm-backports"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
