// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Control's record of one namespace: what was asked for, and the data-plane object that came of it.

use crate::limits::SLOTS;
use crate::spec::NamespaceSpec;
use dataplane::{NamespaceConfig, PortSlot};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One namespace. Its MAC table lives in the data-plane object and is read there.
pub(crate) struct NamespaceRecord {
    pub(crate) spec: NamespaceSpec,
    pub(crate) table: Arc<dataplane::Namespace>,
    next_slot: u16,
}

impl NamespaceRecord {
    pub(crate) fn new(spec: NamespaceSpec, seed: u64) -> NamespaceRecord {
        let config = NamespaceConfig { macs_max: spec.macs_max, age: spec.age, seed };
        NamespaceRecord { spec, table: dataplane::Namespace::new(&config), next_slot: 0 }
    }

    /// A slot that is not in `taken`. Slots are handed out in turn, so that a number is not reused while a frame that
    /// was looked up a moment ago may still carry it. `None` when all are taken.
    pub(crate) fn free_slot(&mut self, taken: &BTreeSet<u16>) -> Option<PortSlot> {
        let slot = (0..SLOTS).map(|i| (self.next_slot + i) % SLOTS).find(|slot| !taken.contains(slot))?;
        self.next_slot = (slot + 1) % SLOTS;
        Some(PortSlot(slot))
    }

    pub(crate) fn set(&mut self, spec: NamespaceSpec) {
        self.table.set_age(spec.age);
        self.spec = spec;
    }
}

/// Seeds for the hash of each namespace's MAC table, from one secret number: the outputs of splitmix64, so that a
/// tenant who learns about collisions in one table knows nothing about another.
#[derive(Debug)]
pub(crate) struct Seeds(pub(crate) u64);

impl Seeds {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_slots_are_handed_out_in_turn_and_run_out() {
        let mut namespace = NamespaceRecord::new(NamespaceSpec::default(), 1);
        let mut taken = BTreeSet::new();
        assert_eq!(namespace.free_slot(&taken), Some(PortSlot(0)));
        assert_eq!(namespace.free_slot(&taken), Some(PortSlot(1)), "slot 0 is free again, and rests");
        for _ in 0..SLOTS {
            let slot = namespace.free_slot(&taken).unwrap();
            assert!(taken.insert(slot.0));
        }
        assert_eq!(namespace.free_slot(&taken), None);
    }
}
