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
    /// Ports of the switch, all in one namespace, each with a guest.
    pub(crate) ports: usize,
    /// Bytes of a frame, without its checksum.
    pub(crate) frame: usize,
    /// What the guests send.
    pub(crate) traffic: Traffic,
}

/// Who sends to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// Two guests to each other.
    Pair,
    /// Every guest to many others, in turns of a few frames.
    Mesh,
    /// Two guests to each other, from and to this many addresses in no order.
    Macs(usize),
    /// Two guests to each other: TCP that the switch need not segment.
    Segments,
    /// Nobody to anybody.
    Silence,
}

const fn pair(name: &'static str, title: &'static str, frame: usize) -> Scenario {
    Scenario { name, title, ports: 2, frame, traffic: Traffic::Pair }
}

const fn macs(name: &'static str, title: &'static str, count: usize) -> Scenario {
    Scenario { name, title, ports: 2, frame: 64, traffic: Traffic::Macs(count) }
}

const fn mesh(name: &'static str, title: &'static str, ports: usize) -> Scenario {
    Scenario { name, title, ports, frame: 64, traffic: Traffic::Mesh }
}

/// All scenarios.
pub(crate) const ALL: [Scenario; 11] = [
    pair("64", "64 B, 2 ports", 64),
    pair("512", "512 B, 2 ports", 512),
    pair("1500", "1500 B, 2 ports", 1500),
    pair("9000", "9000 B, 2 ports", 9000),
    Scenario { name: "tso", title: "TSO, 2 ports", ports: 2, frame: 65226, traffic: Traffic::Segments },
    mesh("ports-16", "64 B, 16 ports", 16),
    mesh("ports-64", "64 B, 64 ports", 64),
    macs("macs-10", "64 B, 10 MACs", 10),
    macs("macs-1k", "64 B, 1 k MACs", 1000),
    macs("macs-100k", "64 B, 100 k MACs", 100_000),
    Scenario { name: "idle-64", title: "idle, 64 ports", ports: 64, frame: 64, traffic: Traffic::Silence },
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
    /// Entries of a guest's ring. Fewer where there are many ports, as the memory of all guests is one testpmd's, and where
    /// buffers are so large that the processor's caches would not hold them.
    pub(crate) fn ring(&self) -> usize {
        if self.ports > 2 || self.jumbo() { 256 } else { 1024 }
    }

    /// Frames beyond an ordinary MTU need larger buffers, and a switch that is told so.
    pub(crate) fn jumbo(&self) -> bool {
        self.frame > 1514 && !self.segments()
    }

    /// Frames are segmented by their receiver, or never.
    pub(crate) fn segments(&self) -> bool {
        self.traffic == Traffic::Segments
    }

    /// MAC addresses beside the ports' own.
    pub(crate) fn macs(&self) -> Option<usize> {
        if let Traffic::Macs(count) = self.traffic { Some(count) } else { None }
    }
}
