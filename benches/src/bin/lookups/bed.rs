// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is looked for, and where.

use std::time::Duration;

use pvd::{Limits, PvdHandle, PvdName, Reader, Registry, Statement};

pub(crate) const NOW: Duration = Duration::from_secs(1);
pub(crate) const LIMITS: Limits = Limits { pvds: 200_000, port_pvds: 16, entries: 1_000_000, port_entries: 256 };

/// PvDs, and the numbers of their names in the order in which they are asked for.
pub(crate) struct Bed {
    pub(crate) names: Vec<usize>,
    pub(crate) handles: Vec<PvdHandle>,
    pub(crate) registry: Registry,
    pub(crate) reader: Reader,
}

impl Bed {
    pub(crate) fn new(size: usize) -> Bed {
        let names = shuffled(size);
        let mut registry = Registry::new(LIMITS, 7);
        for number in 0..size {
            registry.set(&name(number), &Statement::default(), NOW).expect("there is room");
        }
        let handle = |number: &usize| registry.members().by_name(&name(*number)).expect("it is there").handle();
        let handles = names.iter().map(handle).collect();
        let reader = registry.reader();
        Bed { names, handles, registry, reader }
    }
}

pub(crate) fn name(number: usize) -> PvdName {
    format!("pvd-{number}.tenant.example").parse().expect("a name")
}

/// Numbers in an order that no cache foresees.
fn shuffled(size: usize) -> Vec<usize> {
    let mut numbers: Vec<_> = (0..size).collect();
    let mut state = 1_u64;
    for i in (1..size).rev() {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        numbers.swap(i, (state >> 33) as usize % (i + 1));
    }
    numbers
}
