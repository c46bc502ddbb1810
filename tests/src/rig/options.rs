// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a port of a rig is made.

use dataplane::{MacPolicy, Role};

use crate::driver::{QueueOptions, Shape};
use crate::memory::Layout;

/// Feature bits (virtio 1.2 sections 5.1.3 and 6) as masks.
pub mod feature {
    /// The device completes checksums for the driver.
    pub const CSUM: u64 = 1;
    /// The driver takes frames with unfinished checksums.
    pub const GUEST_CSUM: u64 = 1 << 1;
    /// The driver takes TCP over IPv4 unsegmented.
    pub const GUEST_TSO4: u64 = 1 << 7;
    /// The driver takes TCP over IPv6 unsegmented.
    pub const GUEST_TSO6: u64 = 1 << 8;
    /// The driver takes unsegmented TCP with ECN's CWR.
    pub const GUEST_ECN: u64 = 1 << 9;
    /// The device segments TCP over IPv4.
    pub const HOST_TSO4: u64 = 1 << 11;
    /// The device segments TCP over IPv6.
    pub const HOST_TSO6: u64 = 1 << 12;
    /// The device segments TCP with ECN's CWR.
    pub const HOST_ECN: u64 = 1 << 13;
    /// The driver takes UDP over IPv4 unsegmented.
    pub const GUEST_USO4: u64 = 1 << 54;
    /// The driver takes UDP over IPv6 unsegmented.
    pub const GUEST_USO6: u64 = 1 << 55;
    /// The device segments UDP.
    pub const HOST_USO: u64 = 1 << 56;
    /// Mergeable receive buffers.
    pub const MRG_RXBUF: u64 = 1 << 15;
    /// `used_event` and `avail_event`.
    pub const EVENT_IDX: u64 = 1 << 29;
    /// A modern device.
    pub const VERSION_1: u64 = 1 << 32;
    /// What every port of a rig negotiates unless it is told otherwise.
    pub const BASIC: u64 = VERSION_1 | EVENT_IDX | MRG_RXBUF;
    /// Everything that a sender of offloaded frames needs.
    pub const SENDER: u64 = BASIC | CSUM | HOST_TSO4 | HOST_TSO6 | HOST_ECN | HOST_USO;
    /// Everything that a receiver of offloaded frames needs.
    pub const RECEIVER: u64 = BASIC | GUEST_CSUM | GUEST_TSO4 | GUEST_TSO6 | GUEST_ECN | GUEST_USO4 | GUEST_USO6;
}

/// See the module. The default is a host with one queue pair and large mergeable buffers.
#[derive(Debug, Clone)]
pub struct PortOptions {
    /// Its role.
    pub role: Role,
    /// Which source MACs it may use.
    pub macs: MacPolicy,
    /// Its MTU in bytes.
    pub mtu: u16,
    /// What its driver negotiated.
    pub features: u64,
    /// Queue pairs.
    pub pairs: u16,
    /// How its queues are made; name and event-idx are set by the rig.
    pub queue: QueueOptions,
    /// Shape and length of its receive buffers.
    pub buffers: (Shape, usize),
    /// Pairs whose receive queue is filled; the others stay empty.
    pub filled: u16,
    /// Its memory.
    pub memory: Layout,
}

impl Default for PortOptions {
    fn default() -> PortOptions {
        PortOptions {
            role: Role::Host,
            macs: MacPolicy::Own,
            mtu: 1500,
            features: feature::BASIC,
            pairs: 1,
            queue: QueueOptions { in_order: true, heap_len: 2 << 20, ..QueueOptions::default() },
            buffers: (Shape::whole(), 2048),
            filled: u16::MAX,
            memory: Layout::adjacent(16 << 20),
        }
    }
}

impl PortOptions {
    /// The default with these features.
    #[must_use]
    pub fn with_features(features: u64) -> PortOptions {
        PortOptions { features, ..PortOptions::default() }
    }

    /// The default with this MTU.
    #[must_use]
    pub fn with_mtu(mtu: u16) -> PortOptions {
        PortOptions { mtu, ..PortOptions::default() }
    }

    /// The default with this role.
    #[must_use]
    pub fn with_role(role: Role) -> PortOptions {
        PortOptions { role, ..PortOptions::default() }
    }
}
