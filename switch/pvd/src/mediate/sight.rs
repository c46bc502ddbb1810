// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which PvDs a port sees: a set of them, or all (RFC 7556 section 2.4 leaves different sets for different hosts to others).

use crate::{BadPvdName, PvdName};
use std::collections::BTreeSet;
use std::fmt;
use wire::name::NameRef;

/// The word for all PvDs without a name. A name of one label is told from it by its closing dot.
const IMPLICIT: &str = "implicit";

/// One element of a [`Sight`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// Every PvD that its routers do not name.
    Implicit,
    /// The PvD of this name.
    Named(PvdName),
}

impl Seen {
    /// What a word means: a name, or `implicit`.
    ///
    /// # Errors
    /// It is no name.
    pub fn of(word: &str) -> Result<Seen, BadPvdName> {
        if word == IMPLICIT { Ok(Seen::Implicit) } else { word.parse().map(Seen::Named) }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Implicit => f.write_str(IMPLICIT),
            Seen::Named(name) => name.fmt(f),
        }
    }
}

/// Which PvDs a port sees: of no other it gets an advertisement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// All.
    #[default]
    All,
    /// These; none of them, and it gets no advertisement at all.
    Only(BTreeSet<Seen>),
}

impl Sight {
    /// Whether a port sees the PvD of this name; `None`: one without a name.
    pub fn sees(&self, name: Option<NameRef<'_>>) -> bool {
        let matches = |seen: &Seen| match seen {
            Seen::Implicit => name.is_none(),
            Seen::Named(own) => name == Some(own.as_name()),
        };
        match self {
            Sight::All => true,
            Sight::Only(set) => set.iter().any(matches),
        }
    }

    /// Whether something is hidden from the port.
    pub fn is_narrow(&self) -> bool {
        *self != Sight::All
    }

    /// The elements as words; `None`: all.
    pub fn words(&self) -> Option<Vec<String>> {
        match self {
            Sight::All => None,
            Sight::Only(set) => Some(set.iter().map(Seen::to_string).collect()),
        }
    }
}
