// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subsystem of MAC tables: the place of one in every namespace, and the table itself where there are ports.

use super::Subsystem;
use super::seeds::Seeds;
use crate::refusal::Refusal;
use crate::tree::Namespace;
use dataplane::{Instant, MacTablePlace, NamespaceConfig};
use std::sync::Arc;

/// Gives every namespace the place of its MAC table.
pub(crate) struct MacTables {
    seeds: Seeds,
}

impl MacTables {
    /// All tables are hashed with numbers that follow from `seeds`.
    pub(crate) fn new(seeds: Seeds) -> MacTables {
        MacTables { seeds }
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
