// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is not taken in, and why: each reason is counted.

use std::fmt;

/// Why an advertisement, or one option of it, is not taken in. What was known before stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// Its source is not a link-local address (RFC 4861 section 6.1.2).
    NotLinkLocal,
    /// The namespace has no room for another PvD from this port.
    Pvds,
    /// The PvD is heard from as many routers as it may be.
    Routers,
    /// The router says as much about this PvD as it may. One option is left out.
    RouterEntries,
    /// The namespace has no room for more from this port. One option is left out.
    Entries,
    /// The operator gave the prefix to another PvD. One option is left out.
    Pinned,
    /// Too many PvDs that are gone are still being read.
    Zombies,
}

impl Refused {
    /// All reasons.
    pub const ALL: [Refused; 7] = [
        Refused::NotLinkLocal,
        Refused::Pvds,
        Refused::Routers,
        Refused::RouterEntries,
        Refused::Entries,
        Refused::Pinned,
        Refused::Zombies,
    ];
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::NotLinkLocal => "the router's address is not link-local",
            Refused::Pvds => "the namespace has no room for another PvD from this port",
            Refused::Routers => "the PvD is heard from too many routers",
            Refused::RouterEntries => "the router says too much about one PvD",
            Refused::Entries => "the namespace has no room for more prefixes, routes and resolvers from this port",
            Refused::Pinned => "the operator gave the prefix to another PvD",
            Refused::Zombies => "too many PvDs that are gone are still being read",
        })
    }
}

impl std::error::Error for Refused {}

/// How often each reason was given, and what was taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Advertisements that changed something.
    pub changed: u64,
    /// Advertisements that said nothing new.
    pub refreshed: u64,
    /// Advertisements that said nothing at all: of a PvD that is not known they told nothing that lasts.
    pub void: u64,
    refused: [u64; Refused::ALL.len()],
}

impl Counters {
    /// What was counted elsewhere: [`Counters::changed`], [`Counters::refreshed`], [`Counters::void`], and each reason.
    #[must_use]
    pub fn of([changed, refreshed, void]: [u64; 3], often: impl Fn(Refused) -> u64) -> Counters {
        Counters { changed, refreshed, void, refused: Refused::ALL.map(often) }
    }

    /// How often this reason was given.
    pub fn refused(&self, why: Refused) -> u64 {
        self.refused[why as usize]
    }

    pub(crate) fn refuse(&mut self, why: Refused) {
        self.refused[why as usize] += 1;
    }
}
