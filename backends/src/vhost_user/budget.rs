// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How much guest memory all sessions together may map.
//!
//! Address space and mappings are the process's, so one tenant must not be able to use them up for all. Each session has
//! a [`Ledger`] of the memory tables that it has and will have: the guard enters one before the daemon gets to know it,
//! and the rings strike one out when the table after it is in force. The two exist side by side in between, so a session
//! holds as much as the largest pair of neighbours in its ledger. The log of a migration is no part of a table and has a
//! [`Lease`] of its own.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What memory takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Share {
    pub(super) bytes: u64,
    pub(super) regions: usize,
}

impl Share {
    fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, regions: self.regions + other.regions }
    }

    fn largest(self, other: Self) -> Self {
        Self { bytes: self.bytes.max(other.bytes), regions: self.regions.max(other.regions) }
    }

    fn fits(self, max: Self) -> bool {
        self.bytes <= max.bytes && self.regions <= max.regions
    }
}

/// What there is for all sessions, and how much of it is in use.
#[derive(Debug)]
pub(super) struct Budget {
    max: Share,
    used: Mutex<Share>,
}

/// Half of the 47 bits of address space that a process has, and of the 65530 mappings that Linux lets it have
/// (`vm.max_map_count`) what leaves enough for everything else.
const PROCESS_MAX: Share = Share { bytes: 1 << 46, regions: 40 << 10 };

/// What all sessions of the daemon share.
pub(super) static PROCESS: Budget = Budget::new(PROCESS_MAX);

const _: () = assert!(PROCESS_MAX.regions <= sys::GUARDED_REGIONS_MAX, "every region must be guarded");

impl Budget {
    pub(super) const fn new(max: Share) -> Self {
        Self { max, used: Mutex::new(Share { bytes: 0, regions: 0 }) }
    }

    /// Lets a session hold `wanted` instead of `held`. False: there is not so much left, and nothing has changed.
    fn exchange(&self, held: Share, wanted: Share) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let others = Share { bytes: used.bytes - held.bytes, regions: used.regions - held.regions };
        let total = others.plus(wanted);
        // Who wants no more than it has is served also when limits are tight.
        let fits = total.fits(self.max) || wanted.fits(held);
        if fits {
            *used = total;
        }
        fits
    }
}

/// The tables of one session: the one in force, then those that the daemon has yet to map.
#[derive(Debug)]
pub(super) struct Ledger {
    budget: &'static Budget,
    tables: Mutex<VecDeque<Share>>,
}

impl Ledger {
    /// The ledger of a session that begins.
    pub(super) fn new(budget: &'static Budget) -> Self {
        Self { budget, tables: Mutex::new(VecDeque::from([Share::default()])) }
    }

    fn tables(&self) -> MutexGuard<'_, VecDeque<Share>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a table that the daemon is about to map. False: there is no room for it.
    pub(super) fn enter(&self, table: Share) -> bool {
        let mut tables = self.tables();
        let held = peak(&tables);
        tables.push_back(table);
        let fits = self.budget.exchange(held, peak(&tables));
        if !fits {
            tables.pop_back();
        }
        fits
    }

    /// The next table is in force, and nothing of the one before it is mapped any more.
    pub(super) fn advance(&self) {
        let mut tables = self.tables();
        let held = peak(&tables);
        if tables.len() > 1 {
            tables.pop_front();
        }
        self.budget.exchange(held, peak(&tables));
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let held = peak(&self.tables());
        self.budget.exchange(held, Share::default());
    }
}

/// What something beside a session's memory takes, for as long as this lives.
#[derive(Debug)]
pub(super) struct Lease {
    budget: &'static Budget,
    share: Share,
}

impl Lease {
    /// `None`: there is not so much left.
    pub(super) fn take(budget: &'static Budget, share: Share) -> Option<Self> {
        budget.exchange(Share::default(), share).then(|| Self { budget, share })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.exchange(self.share, Share::default());
    }
}

/// The most that is mapped at any time while one table after the other comes into force.
fn peak(tables: &VecDeque<Share>) -> Share {
    let alone = tables.front().copied().unwrap_or_default();
    let pairs = tables.iter().zip(tables.iter().skip(1));
    pairs.fold(alone, |peak, (old, new)| peak.largest(old.plus(*new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(bytes: u64, regions: usize) -> &'static Budget {
        Box::leak(Box::new(Budget::new(Share { bytes, regions })))
    }

    fn used(budget: &Budget) -> (u64, usize) {
        let used = budget.used.lock().unwrap();
        (used.bytes, used.regions)
    }

    fn share(bytes: u64) -> Share {
        Share { bytes, regions: 1 }
    }

    #[test]
    fn old_and_new_count_until_the_old_is_gone() {
        let budget = budget(100, 100);
        let ledger = Ledger::new(budget);
        assert!(ledger.enter(share(60)));
        ledger.advance();
        assert_eq!(used(budget), (60, 1));
        assert!(!ledger.enter(share(50)), "110 would be mapped for a moment");
        assert_eq!(used(budget), (60, 1));
        assert!(ledger.enter(share(40)) && ledger.enter(share(50)), "each only beside its neighbour");
        assert_eq!(used(budget), (100, 2));
        ledger.advance();
        assert_eq!(used(budget), (90, 2));
        ledger.advance();
        assert_eq!(used(budget), (50, 1));
    }

    #[test]
    fn what_one_session_holds_another_gets_when_it_ends() {
        let budget = budget(100, 3);
        let (greedy, other) = (Ledger::new(budget), Ledger::new(budget));
        assert!(greedy.enter(share(70)) && !other.enter(share(40)));
        assert!(!other.enter(Share { bytes: 0, regions: 3 }), "regions are counted as well");
        assert!(other.enter(share(30)), "the others' share is not touched by a refusal");
        drop(greedy);
        assert!(other.enter(share(40)));
        drop(other);
        assert_eq!(used(budget), (0, 0));
    }

    #[test]
    fn what_is_leased_is_there_again_when_it_is_not_needed_any_more() {
        let budget = budget(100, 3);
        let lease = Lease::take(budget, share(60)).expect("there is room");
        assert!(Lease::take(budget, share(60)).is_none());
        assert_eq!(used(budget), (60, 1), "a refusal takes nothing");
        drop(lease);
        assert_eq!(used(budget), (0, 0));
    }
}
