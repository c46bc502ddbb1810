// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The policers of a namespace: all ports of it and of what lies in it share them, so that who makes namespaces in his
//! own is not rid of his limits by that.
//!
//! A burst does not climb the tree: each namespace has its own policers and those of all that it lies in in one list, and
//! control makes the lists anew when a limit changes. The buckets are the same ones in all of them.

use std::sync::Arc;

use arc_swap::Guard;

use super::Policers;
use crate::burst::Burst;
use crate::drops::DropReason;
use crate::rate::Limits;
use crate::swapped::Swapped;
use crate::time::Instant;

/// Where a namespace keeps the policers that hold for what its ports send.
#[derive(Debug, Default)]
pub struct NamespacePolicers(Swapped<List>);

/// Policers of a namespace and of those that it lies in, at one moment.
#[derive(Debug, Default)]
struct List {
    /// Its own, if it has limits of its own.
    own: Option<Arc<Policers>>,
    /// Of what it lies in, the innermost first.
    above: Vec<Arc<Policers>>,
}

impl List {
    fn iter(&self) -> impl Iterator<Item = &Arc<Policers>> {
        self.own.iter().chain(&self.above)
    }
}

impl NamespacePolicers {
    /// Those of a namespace without limits.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Sets the limits of the namespace, from the next burst on, and takes over those that hold where it lies, `above`. A
    /// limit that stays what it was goes on counting. Limits of what is received mean nothing to a namespace. Called by
    /// control alone, for parents before their children.
    pub fn set(&self, limits: &Limits, above: Option<&Self>) {
        let above: Vec<_> = above.map(|above| above.0.load().iter().cloned().collect()).unwrap_or_default();
        let on = !limits.is_empty() || !above.is_empty();
        let own = |before: &List| match &before.own {
            Some(own) => Policers::new(limits, own),
            None => Policers::new(limits, &Policers::default()),
        };
        self.0.replace(|before| List { own: (!limits.is_empty()).then(|| Arc::new(own(before))), above }, on);
    }

    /// All that hold for a burst; `None`: nothing is limited.
    #[inline]
    pub(super) fn levels(&self) -> Option<Levels> {
        self.0.get().map(Levels)
    }
}

/// What a burst holds of a namespace's policers.
pub(super) struct Levels(Guard<Arc<List>>);

impl Levels {
    #[cold]
    pub(super) fn transmit(&self, burst: &mut Burst, now: Instant) {
        self.0.iter().for_each(|policers| policers.transmit(burst, now, DropReason::NamespaceTxPoliced));
    }

    /// Whether all let something pass, the innermost asked first.
    pub(super) fn all(&self, passes: impl Fn(&Policers) -> bool) -> bool {
        self.0.iter().all(|policers| passes(policers))
    }

    #[cold]
    pub(super) fn flood(&self, burst: &mut Burst, now: Instant) {
        self.0.iter().for_each(|policers| policers.flood(burst, now, DropReason::NamespaceFloodPoliced));
    }
}
