// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ids of exports: each is given once, here and, as far as chance goes, anywhere.

use std::hash::{BuildHasher, Hasher, RandomState};
use switch::MoveId;

/// See the module.
pub(super) struct Exports {
    source: u64,
    last: u64,
}

impl Exports {
    pub(super) fn new() -> Exports {
        Exports { source: RandomState::new().build_hasher().finish(), last: 0 }
    }

    /// The id of an export that is made now, in milliseconds since 1970.
    pub(super) fn next(&mut self, now_ms: u64) -> MoveId {
        self.last = now_ms.max(self.last.saturating_add(1));
        MoveId { number: self.last, source: self.source }
    }
}
