// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a synthetic guest is like.
use crate::driver::{Shape, VNET_HEADER_LEN};
use crate::frames::Mac;
use crate::frontend::protocol;
use crate::frontend::script::Order;
use crate::memory::Layout;

/// Virtio feature bits (virtio 1.2 sections 5.1.3 and 6) and the two of vhost.
pub mod feature {
    /// The device takes frames with an incomplete checksum.
    pub const CSUM: u64 = 1 << 0;
    /// The driver takes frames with an incomplete checksum.
    pub const GUEST_CSUM: u64 = 1 << 1;
    /// The device tells its MTU.
    pub const MTU: u64 = 1 << 3;
    /// The device tells its MAC.
    pub const MAC: u64 = 1 << 5;
    /// The driver takes TSO over IPv4.
    pub const GUEST_TSO4: u64 = 1 << 7;
    /// The driver takes TSO over IPv6.
    pub const GUEST_TSO6: u64 = 1 << 8;
    /// The device takes TSO over IPv4.
    pub const HOST_TSO4: u64 = 1 << 11;
    /// The device takes TSO over IPv6.
    pub const HOST_TSO6: u64 = 1 << 12;
    /// A frame may be spread over several receive buffers.
    pub const MRG_RXBUF: u64 = 1 << 15;
    /// Control queue, served by the VMM.
    pub const CTRL_VQ: u64 = 1 << 17;
    /// The driver announces itself when asked.
    pub const GUEST_ANNOUNCE: u64 = 1 << 21;
    /// More than one queue pair.
    pub const MQ: u64 = 1 << 22;
    /// Dirty pages are logged (vhost).
    pub const LOG_ALL: u64 = 1 << 26;
    /// Indirect tables.
    pub const INDIRECT_DESC: u64 = 1 << 28;
    /// Event indices instead of flags.
    pub const EVENT_IDX: u64 = 1 << 29;
    /// Protocol features can be negotiated (vhost-user).
    pub const PROTOCOL_FEATURES: u64 = 1 << 30;
    /// Virtio 1.0 or later.
    pub const VERSION_1: u64 = 1 << 32;
    /// Buffers are used in the order in which they were made available.
    pub const IN_ORDER: u64 = 1 << 35;

    /// Without these nothing works here.
    pub const BASE: u64 = VERSION_1 | PROTOCOL_FEATURES;
    /// What both sides need for unfinished checksums and segmentation.
    pub const OFFLOADS: u64 = CSUM | GUEST_CSUM | GUEST_TSO4 | GUEST_TSO6 | HOST_TSO4 | HOST_TSO6;
    /// What a Linux guest of today takes.
    pub const LINUX: u64 =
        BASE | OFFLOADS | MTU | MAC | MRG_RXBUF | CTRL_VQ | GUEST_ANNOUNCE | MQ | INDIRECT_DESC | EVENT_IDX;
}

/// Receive buffers of a driver that merges them, bytes with header; Linux's first guess is 1.5 KiB.
const MERGEABLE_BUFFER: usize = 1536;
/// Receive buffer of a driver that takes TSO without merging.
const BIG_BUFFER: usize = VNET_HEADER_LEN + 65550;
/// Receive buffer of a driver with neither, for an MTU of 1500 and a VLAN tag.
const PLAIN_BUFFER: usize = VNET_HEADER_LEN + 1518;
/// Heap used up by a receive buffer beyond its own bytes, at most: guards and rounding for each descriptor.
const BUFFER_OVERHEAD: usize = 1024;

/// Which side makes the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The frontend connects: the port is in server mode.
    Connects,
    /// The frontend listens: the port is in client mode.
    Listens,
}

/// What a synthetic guest is like. Start from the default and change what the test is about.
#[derive(Debug, Clone)]
pub struct GuestOptions {
    /// Names the guest in failure texts.
    pub name: String,
    /// Its MAC address, which must be the port's unless the port allows any.
    pub mac: Mac,
    /// Whose message order to follow.
    pub order: Order,
    /// Which side makes the connection.
    pub side: Side,
    /// Queue pairs.
    pub queue_pairs: u16,
    /// Entries of each queue.
    pub queue_size: u16,
    /// Virtio features that the driver knows; what the switch offers of them is used.
    pub features: u64,
    /// Protocol features that the VMM knows.
    pub protocol: u64,
    /// Whether the VMM asks one question more when rings have been started, so that the switch has served them all when
    /// the call returns. Real VMMs do not, and a frame that comes too early is lost.
    pub settles: bool,
    /// The memory. Mapped, but only touched where used, so plenty costs nothing.
    pub layout: Layout,
    /// How receive buffers and transmitted frames are cut.
    pub shape: Shape,
}

impl GuestOptions {
    /// A guest of this name whose MAC address ends in `number`.
    pub fn new(name: &str, number: u8) -> GuestOptions {
        GuestOptions {
            name: name.to_owned(),
            mac: [0x02, 0x77, 0x65, 0x66, 0x74, number],
            order: Order::Qemu,
            side: Side::Connects,
            queue_pairs: 1,
            queue_size: 256,
            features: feature::LINUX,
            protocol: protocol::MQ
                | protocol::REPLY_ACK
                | protocol::CONFIG
                | protocol::CONFIGURE_MEM_SLOTS
                | protocol::LOG_SHMFD,
            settles: true,
            layout: Layout::flat(512 << 20),
            shape: Shape::whole(),
        }
    }

    /// Length of a receive buffer under these negotiated features, header included.
    pub(super) fn receive_buffer(features: u64) -> usize {
        if features & feature::MRG_RXBUF != 0 {
            return MERGEABLE_BUFFER;
        }
        let big = features & (feature::GUEST_TSO4 | feature::GUEST_TSO6) != 0;
        if big { BIG_BUFFER } else { PLAIN_BUFFER }
    }

    /// Heap that a full receive queue needs.
    pub(super) fn receive_heap(&self, features: u64) -> usize {
        usize::from(self.queue_size) * (GuestOptions::receive_buffer(features) + BUFFER_OVERHEAD)
    }
}
