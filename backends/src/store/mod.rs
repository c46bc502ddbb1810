// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What must survive `kill -9`: one versioned JSON file in the state directory.
//!
//! # What is in it, and how it combines with the configuration file
//!
//! * For each port the virtio features that its guests were ever offered. The set never shrinks: a VMM that has seen a
//!   feature refuses to reconnect to a device without it.
//! * What RA guard has learnt of each port that it learns about.
//! * The numbers of all namespaces, ports and static PvDs, so that everybody finds his things under those that he knows.
//! * What hosts were told of static PvDs, for that outlives both weftd and what the configuration says.
//! * The [`Overlay`]: how what runs differs from the configuration file, that is, what an operator did with `weft`.
//!   The file is the base; what was done with `weft` lies over it, and is kept over restarts and reloads of the file
//!   until `weft config apply` makes everything as one file says. When the file has changed meanwhile so that the two do
//!   not fit together, the file wins, and what had to be left out is told.
//!
//! Beside it lies what was learnt, which need not survive and is missed when it does not (`learnt.rs`).
//!
//! # How it is written
//!
//! To a new file that is synced and renamed over the old one, so that a crash leaves one or the other and never half of
//! one. A file that cannot be understood is moved aside and reported; it never keeps the daemon from starting.

mod claim;
mod delegation;
pub(crate) mod format;
mod learnt;
mod limits;
mod mediation;
mod moves;
mod overlay;
pub(crate) mod pvds;
pub(crate) mod ra_guard;
mod upgrade;
mod vf;

pub use claim::Taken;
pub use overlay::Overlay;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use switch::{Announced, Desired, Made, Passage, PortPath, RoutersFound, SavedNumbers, SavedVfs};

/// The directory, unless the configuration or the command line names another.
pub const STATE_DEFAULT: &str = "/var/lib/weft";

/// Larger files are not ours, in bytes. All static PvDs that there may be, with the longest names and all announced, take half of it.
const STATE_MAX: u64 = 256 << 20;

/// What is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Virtio features that the guests of each port were ever offered.
    pub offered: BTreeMap<PortPath, u64>,
    /// The numbers of namespaces, ports and static PvDs.
    pub numbers: SavedNumbers,
    /// What RA guard has decided of each port of which it has, or nothing would hold a guest to it over a restart.
    pub routers_found: BTreeMap<PortPath, RoutersFound>,
    /// Where the VFs of ports are.
    pub vfs: SavedVfs,
    /// Which ports came from other switches or go there, and where their guests are.
    pub moves: BTreeMap<PortPath, Passage>,
    /// What was made here for ports that are to come, and goes if they do not.
    pub made: Made,
    /// What hosts may have been told of static PvDs, be they of the file or not: what the next process does not say any more it takes
    /// back.
    pub announced: Vec<Announced>,
    /// What was done with `weft`, over the configuration file.
    pub overlay: Overlay,
}

/// The place where it is stored.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// The directory, while it is this process's alone.
    claim: Option<File>,
}

impl Store {
    /// That in `directory`. Nothing is read yet, and it may be another's: see [`Store::claim`].
    pub fn at(directory: &Path) -> Store {
        Store { path: directory.join("state.json"), claim: None }
    }

    /// Reads what it holds over the configuration `base`. This never fails: what is damaged is moved aside. The second value says in
    /// words what an operator ought to know about that.
    pub fn load(&self, base: &Desired) -> (Saved, Option<String>) {
        match self.read(base) {
            Ok(saved) => (saved, None),
            Err(why) => (Saved::default(), Some(self.move_aside(&why))),
        }
    }

    /// The same of a store that another process writes: nothing is moved.
    ///
    /// # Errors
    /// What it holds cannot be used, and why.
    pub fn load_others(&self, base: &Desired) -> Result<Saved, String> {
        self.read(base).map_err(|why| format!("{}: {why}", self.path.display()))
    }

    /// Where it is stored.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores all of it.
    ///
    /// # Errors
    /// The system's; what was stored before is then stored still.
    pub fn save(&self, saved: &Saved) -> io::Result<()> {
        let directory = self.directory();
        fs::create_dir_all(directory)?;
        let text = format::to_text(saved)?;
        if text.len() as u64 > STATE_MAX {
            // It would be taken for damaged at the next start.
            return Err(io::Error::other(format!(
                "it would be larger than {STATE_MAX} bytes; delete what is not needed"
            )));
        }
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        // The rename itself lives in the directory.
        File::open(directory)?.sync_all()
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    fn read(&self, base: &Desired) -> Result<Saved, String> {
        let length = match fs::metadata(&self.path) {
            Ok(metadata) => metadata.len(),
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Saved::default()),
            Err(why) => return Err(why.to_string()),
        };
        if length > STATE_MAX {
            return Err(format!("is larger than {STATE_MAX} bytes"));
        }
        let text = fs::read_to_string(&self.path).map_err(|why| why.to_string())?;
        format::from_text(&text, base)
    }

    fn move_aside(&self, why: &str) -> String {
        let aside = self.path.with_extension("damaged");
        let path = self.path.display();
        match fs::rename(&self.path, &aside) {
            Ok(()) => format!("{path} could not be used ({why}) and was moved to {}", aside.display()),
            Err(failed) => format!("{path} could not be used ({why}) and could not be moved aside ({failed})"),
        }
    }
}

#[cfg(test)]
mod tests;
