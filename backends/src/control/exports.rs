// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ids of exports: each is given once, here and, as far as chance goes, anywhere.
//!
//! Whoever knows the id of a move may say where its guest is (`MoveTell`), so none tells anything about another: the part that cannot
//! be guessed is the number's keyed hash, and the key is the system's randomness and goes nowhere.

use std::hash::{BuildHasher, RandomState};
use switch::MoveId;

/// See the module.
#[derive(Default)]
pub(super) struct Exports {
    key: RandomState,
    last: u64,
}

impl Exports {
    /// The id of an export that is made now, in milliseconds since 1970.
    pub(super) fn next(&mut self, now_ms: u64) -> MoveId {
        self.last = now_ms.max(self.last.saturating_add(1));
        MoveId { number: self.last, secret: self.key.hash_one(self.last) }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_ids_are_in_order_and_tell_nothing_about_one_another() {
        let (mut here, mut there) = (Exports::default(), Exports::default());
        let ids: Vec<MoveId> = [5, 5, 3, 9].map(|now| here.next(now)).into();
        assert!(ids.windows(2).all(|pair| pair[0].number < pair[1].number && pair[0].secret != pair[1].secret));
        assert_ne!(there.next(5).secret, ids[0].secret, "nor does when they were made");
    }
}
