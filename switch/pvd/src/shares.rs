// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who holds how much of something that all ports of a namespace share.

use std::collections::BTreeMap;

/// What each port holds, `None` being the operator. There is common room, and each has a small share of its own beside it.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    held: BTreeMap<Option<u32>, usize>,
    total: usize,
}

impl Shares {
    /// How much more this one may take: what is left in common, or of its own share.
    pub(crate) fn room(&self, port: Option<u32>, common: usize, own: usize) -> usize {
        let held = self.held.get(&port).copied().unwrap_or(0);
        common.saturating_sub(self.total).max(own.saturating_sub(held))
    }

    /// `before` becomes `after` in the hands of this one.
    pub(crate) fn change(&mut self, port: Option<u32>, before: usize, after: usize) {
        let held = self.held.entry(port).or_insert(0);
        *held = *held + after - before;
        self.total = self.total + after - before;
        if *held == 0 {
            self.held.remove(&port);
        }
    }

    /// What all hold together.
    pub(crate) fn total(&self) -> usize {
        self.total
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_who_takes_everything_leaves_the_others_their_own() {
        let mut shares = Shares::default();
        shares.change(Some(1), 0, 10);
        assert_eq!((shares.room(Some(1), 10, 3), shares.room(Some(2), 10, 3), shares.room(None, 12, 3)), (0, 3, 3));
        shares.change(Some(2), 0, 3);
        assert_eq!((shares.room(Some(2), 10, 3), shares.total()), (0, 13));
        shares.change(Some(1), 10, 0);
        assert_eq!((shares.room(Some(1), 10, 3), shares.held.len()), (7, 1));
    }
}
