// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whose a state directory is. Two weftd that kept their state in one would write over each other's, and after a restart each
//! would have forgotten what it was told.
//!
//! The directory itself is locked, so that nothing is left behind by a process that dies, however it dies.

use super::Store;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{self, File};
use std::path::PathBuf;

/// Another weftd keeps its state there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: another weftd keeps its state there; stop it, or use another directory (--state)")]
pub struct Taken(PathBuf);

impl Store {
    /// Has the directory for this process alone, from now on until it is let go of; that it has it already is no mistake. One that
    /// cannot be made or locked is not had, and nothing can be stored there either, which is told when it is tried.
    ///
    /// # Errors
    /// Another process has it.
    pub fn claim(&mut self) -> Result<(), Taken> {
        let directory = self.directory();
        if self.claim.is_some() {
            return Ok(());
        }
        let Ok(locked) = fs::create_dir_all(directory).and_then(|()| File::open(directory)) else { return Ok(()) };
        match flock(&locked, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Err(Taken(directory.to_owned())),
            _ => self.claim = Some(locked),
        }
        Ok(())
    }

    /// Lets another process have it.
    pub fn let_go(&mut self) {
        self.claim = None;
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_directory_is_one_weftds_until_it_lets_go_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (Store::at(directory.path()), Store::at(directory.path()));
        one.claim().unwrap();
        one.claim().unwrap();
        let refused = other.claim().unwrap_err();
        assert_eq!(refused, Taken(directory.path().to_owned()));
        one.let_go();
        other.claim().unwrap();
        one.claim().unwrap_err();
        drop(other);
        one.claim().unwrap();
    }

    #[test]
    fn test_a_directory_that_cannot_be_made_is_no_reason_not_to_start() {
        let file = tempfile::NamedTempFile::new().unwrap();
        Store::at(&file.path().join("state")).claim().unwrap();
    }
}
