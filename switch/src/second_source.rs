// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A PvD that is heard from another port than the one that it is known from. It may be one PvD with several routers (RFC 8801 section
//! 3.4), or somebody who speaks in another's name, which nothing in the message tells: so an operator says what is to come of it.
//!
//! Who is heard first has the name, until nothing of what he said lasts. What an operator himself says of a PvD is nobody's claim to it.

use crate::control::Control;
use crate::name::Name;
use crate::path::NamespacePath;
use pvd::{Advert, PvdName, Registry};
use std::collections::BTreeSet;

/// Of how many second sources control remembers that they are to be told of.
const UNTOLD: usize = 64;

/// What comes of a second source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondSource {
    /// It is heard as any.
    #[default]
    Accept,
    /// It is heard, counted and told in the log.
    Alert,
    /// It is not heard by anybody; that is counted and told in the log.
    Deny,
}

impl SecondSource {
    /// All of them.
    pub const ALL: [SecondSource; 3] = [SecondSource::Accept, SecondSource::Alert, SecondSource::Deny];

    /// The word for it in configuration and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            SecondSource::Accept => "accept",
            SecondSource::Alert => "alert",
            SecondSource::Deny => "deny",
        }
    }

    /// What a word means.
    pub fn of(word: &str) -> Option<SecondSource> {
        SecondSource::ALL.into_iter().find(|policy| policy.as_str() == word)
    }
}

/// A second source that was heard, for the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecondHeard {
    /// Where.
    pub namespace: NamespacePath,
    /// Of which PvD.
    pub pvd: PvdName,
    /// From which port.
    pub port: Name,
    /// Nobody was told what it said.
    pub denied: bool,
}

/// Those that are to be told of.
#[derive(Debug, Default)]
pub(crate) struct SecondsHeard(BTreeSet<SecondHeard>);

impl SecondsHeard {
    pub(crate) fn add(&mut self, heard: SecondHeard) {
        if self.0.len() < UNTOLD {
            self.0.insert(heard);
        }
    }
}

/// Whether an advertisement names a PvD that is known from other ports and not from its own.
pub(crate) fn is_second(registry: &Registry, advert: &Advert<'_>) -> bool {
    let pvd = advert.name().and_then(|name| registry.members().by_name(&PvdName::from(name)));
    let attributes = pvd.map(|pvd| pvd.attributes());
    let ports = || attributes.iter().flat_map(|known| known.sources()).filter_map(|source| source.origin().port());
    ports().next().is_some() && ports().all(|port| port != advert.port)
}

impl Control {
    /// Second sources that were heard where they are watched for, since this was last asked; of a flood some.
    pub fn take_second_sources(&mut self) -> Vec<SecondHeard> {
        std::mem::take(&mut self.plant.learning.seconds.0).into_iter().collect()
    }
}
