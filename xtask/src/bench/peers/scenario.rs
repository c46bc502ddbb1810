// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is measured: one table, a row each.

use crate::failure::Failure;

/// One kind of work for a switch.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// On the command line and in the JSON.
    pub(crate) name: &'static str,
    /// In tables, for people.
    pub(crate) title: &'static str,
    /// Ports of the switch, all in one namespace, all with a load.
    pub(crate) ports: usize,
    /// Bytes of a frame, without its checksum.
    pub(crate) frame: usize,
}

const fn two(name: &'static str, title: &'static str, frame: usize) -> Scenario {
    Scenario { name, title, ports: 2, frame }
}

/// All scenarios.
pub(crate) const ALL: [Scenario; 4] = [
    two("64", "64 B, 2 ports", 64),
    two("512", "512 B, 2 ports", 512),
    two("1500", "1500 B, 2 ports", 1500),
    two("9000", "9000 B, 2 ports", 9000),
];

/// The scenario of that name.
///
/// # Errors
/// There is none; with the names that there are.
pub(crate) fn find(name: &str) -> Result<&'static Scenario, Failure> {
    ALL.iter().find(|scenario| scenario.name == name).ok_or_else(|| {
        let known: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
        Failure::new(format!("no scenario {name}; there are {}, and all", known.join(", ")))
    })
}

impl Scenario {
    /// Entries of a guest's ring.
    pub(crate) fn ring(&self) -> usize {
        if self.ports > 2 { 256 } else { 1024 }
    }

    /// Frames beyond an ordinary MTU need larger buffers, and a switch that is told so.
    pub(crate) fn jumbo(&self) -> bool {
        self.frame > 1514
    }
}
