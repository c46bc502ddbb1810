// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Finds and runs helper programs.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::error::Error;

/// Why a helper program gave no output.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is not installed; the Debian package that has it.
    Missing { program: String, package: String },
    /// It ran and failed; its last words.
    Failed(String),
}

impl Failure {
    /// As an error about the Debian package, or the file, that was worked on.
    pub(crate) fn about(self, subject: &str) -> Error {
        match self {
            Failure::Missing { program, package } => Error::NoProgram { program, package },
            Failure::Failed(reason) => Error::Package { package: subject.to_owned(), reason },
        }
    }
}

/// The first file of this name in `$PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Standard output of a program that must succeed.
pub(crate) fn output(command: &mut Command, package: &str) -> Result<Vec<u8>, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let Ok(Output { status, stdout, stderr }) = command.output() else {
        return Err(Failure::Missing { program, package: package.to_owned() });
    };
    if status.success() {
        return Ok(stdout);
    }
    Err(Failure::Failed(format!("{program} ended with {status}: {}", String::from_utf8_lossy(&stderr).trim())))
}

/// Like [`output`], as text.
pub(crate) fn run(command: &mut Command, package: &str) -> Result<String, Failure> {
    output(command, package).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
