// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subsystem of MAC tables: the place of one in every namespace, and the table itself where there are ports.

use super::Subsystem;
use crate::refusal::Refusal;
use crate::tree::Namespace;
use dataplane::{Instant, MacTablePlace, NamespaceConfig};
use std::sync::Arc;

/// Gives every namespace the place of its MAC table.
pub(crate) struct MacTables {
    seeds: Seeds,
}

impl MacTables {
    /// `seed` should be secret: all tables are hashed with numbers that follow from it.
    pub(crate) fn new(seed: u64) -> MacTables {
        MacTables { seeds: Seeds(seed) }
    }
}

impl Subsystem for MacTables {
    type Instance = Arc<MacTablePlace>;

    fn name(&self) -> &'static str {
        "MAC table"
    }

    fn init(&mut self, namespace: &Namespace) -> Result<Arc<MacTablePlace>, Refusal> {
        let spec = namespace.spec();
        let config = NamespaceConfig { macs_max: spec.macs_max, age: spec.age, seed: self.seeds.next() };
        Ok(MacTablePlace::new(&config))
    }

    fn tick(&mut self, place: &mut Arc<MacTablePlace>, now: Instant) {
        place.expire(now);
    }
}

/// Seeds for the hash of each namespace's MAC table, from one secret number: the outputs of splitmix64, so that a
/// tenant who learns about collisions in one table knows nothing about another.
#[derive(Debug)]
struct Seeds(u64);

impl Seeds {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
