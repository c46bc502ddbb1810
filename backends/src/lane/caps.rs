// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a lane can do, and what is left when a port has two of them.

/// Checksums that a receiver completes or does without (virtio 1.2 section 5.1.3): `GUEST_CSUM`; `CSUM` the other way round.
const CSUM: u64 = 1;
const GUEST_CSUM: u64 = 1 << 1;
/// `GUEST_TSO4`, `GUEST_TSO6`, `GUEST_ECN`: large TCP frames may be sent into the lane.
const GUEST_TCP: u64 = 1 << 7 | 1 << 8 | 1 << 9;
/// `HOST_TSO4`, `HOST_TSO6`, `HOST_ECN`: they may come out of it.
const HOST_TCP: u64 = 1 << 11 | 1 << 12 | 1 << 13;
/// `GUEST_USO4`, `GUEST_USO6` and `HOST_USO`: the same of UDP.
const GUEST_UDP: u64 = 1 << 54 | 1 << 55;
const HOST_UDP: u64 = 1 << 56;

/// What frames that go into a lane may leave undone where all is understood.
pub(super) const INTO: u64 = GUEST_CSUM | GUEST_TCP | GUEST_UDP;
/// What frames that come out of a lane may leave undone where all is used.
pub(super) const OUT_OF: u64 = CSUM | HOST_TCP | HOST_UDP;
/// What of both has to do with UDP's segmentation, which older kernels do not know.
pub(super) const UDP: u64 = GUEST_UDP | HOST_UDP;

/// What a lane can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Longest frame in bytes, its Ethernet header not counted.
    pub mtu: u16,
    /// Queues, each way.
    pub queues: u16,
    /// What its frames may leave undone, as bits of virtio-net's features: `CSUM` and `HOST_*` where they come out of the lane,
    /// `GUEST_*` where they go into it.
    pub offloads: u64,
    /// It can go away without being asked.
    pub removable: bool,
    /// The guest sees that it has it.
    pub guest_visible: bool,
}

impl Caps {
    /// What a port can do whose frames may take either lane: what both can. It is visible, or may lose something, when one of
    /// them is.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            mtu: self.mtu.min(other.mtu),
            queues: self.queues.min(other.queues),
            offloads: self.offloads & other.offloads,
            removable: self.removable || other.removable,
            guest_visible: self.guest_visible || other.guest_visible,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETDEV: Caps = Caps { mtu: 1500, queues: 4, offloads: INTO | OUT_OF, removable: true, guest_visible: false };
    const EMULATED: Caps = Caps { mtu: 65535, queues: 1, offloads: 0, removable: true, guest_visible: true };
    const RINGS: Caps =
        Caps { mtu: 9000, queues: 2, offloads: INTO | OUT_OF & !UDP, removable: false, guest_visible: true };

    #[test]
    fn a_port_promises_what_both_of_its_lanes_keep() {
        let both = RINGS.with(NETDEV);
        assert_eq!((both.mtu, both.queues, both.offloads), (1500, 2, (INTO | OUT_OF) & (INTO | OUT_OF & !UDP)));
        assert!(both.removable && both.guest_visible);
        assert_eq!(RINGS.with(EMULATED).offloads, 0);
    }

    #[test]
    fn the_order_of_lanes_does_not_matter_and_a_lane_twice_is_one() {
        for (one, other) in [(NETDEV, EMULATED), (EMULATED, RINGS), (RINGS, NETDEV)] {
            assert_eq!(one.with(other), other.with(one));
            assert_eq!(one.with(one), one);
            assert_eq!(one.with(other).with(RINGS), one.with(other.with(RINGS)));
        }
    }
}
