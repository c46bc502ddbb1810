// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where switches and loads meet: the tree, and a folder with the ports' sockets.

use super::tree::{FOLDER, Tree};
use crate::cargo;
use crate::failure::Failure;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// See the module. The folder goes when this is dropped; logs lie in `target/bench`.
pub(crate) struct Site<'a> {
    /// Of the peers.
    pub(crate) tree: &'a Tree,
    folder: TempDir,
    logs: PathBuf,
}

impl Site<'_> {
    /// A site with an empty folder.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(crate) fn open(tree: &Tree) -> Result<Site<'_>, Failure> {
        // A short name, because socket paths end at 107 bytes.
        let folder = tempfile::Builder::new().prefix("weft-bench-").tempdir()?;
        Ok(Site { tree, folder, logs: cargo::output_folder("bench")? })
    }

    /// The folder, as programs outside the tree see it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file for the output of one program; the last one's is overwritten.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// A program of the tree, with the folder at [`FOLDER`].
    pub(crate) fn command(&self, program: &str) -> Command {
        self.tree.command(self.folder.path(), program)
    }
}

/// The name of a port's socket in the folder.
pub(crate) fn socket(port: usize) -> String {
    format!("s{port}")
}

/// The socket of a port, as programs in the tree see it.
pub(crate) fn inside(port: usize) -> String {
    format!("{FOLDER}/{}", socket(port))
}

/// A program that runs beside this one and ends with it.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts it, with what it prints in `log`.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Daemon, Failure> {
        let output = File::create(log).map_err(Failure::of(log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().map_err(Failure::of(format!("starting {}", command.get_program().display())))?;
        Ok(Daemon(child))
    }

    /// Its process number.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
