// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a guest's driver negotiated, as the frame path sees it (virtio 1.2 section 5.1.3).

use wire::{Gso, VnetHeader};

/// Bit numbers of the features that the frame path knows.
mod bit {
    pub(super) const CSUM: u32 = 0;
    pub(super) const GUEST_CSUM: u32 = 1;
    pub(super) const GUEST_TSO4: u32 = 7;
    pub(super) const GUEST_TSO6: u32 = 8;
    pub(super) const GUEST_ECN: u32 = 9;
    pub(super) const HOST_TSO4: u32 = 11;
    pub(super) const HOST_TSO6: u32 = 12;
    pub(super) const HOST_ECN: u32 = 13;
    pub(super) const MRG_RXBUF: u32 = 15;
    pub(super) const VERSION_1: u32 = 32;
    pub(super) const GUEST_USO4: u32 = 54;
    pub(super) const GUEST_USO6: u32 = 55;
    pub(super) const HOST_USO: u32 = 56;
}

/// The acknowledged feature bits of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Negotiated(pub u64);

impl Negotiated {
    const fn has(self, bit: u32) -> bool {
        self.0 & (1 << bit) != 0
    }

    /// Length of the virtio-net header in this guest's rings: 10 for a legacy driver without mergeable buffers
    /// (section 5.1.6.1), else 12.
    #[must_use]
    pub const fn header_len(self) -> usize {
        if self.has(bit::VERSION_1) || self.has(bit::MRG_RXBUF) { VnetHeader::LEN } else { VnetHeader::LEN - 2 }
    }

    /// Whether a received frame may take several chains.
    #[must_use]
    pub const fn mergeable(self) -> bool {
        self.has(bit::MRG_RXBUF)
    }

    /// Whether the guest may send a frame that asks for this.
    #[must_use]
    pub fn may_send(self, header: &VnetHeader) -> bool {
        let gso = match header.gso() {
            None => true,
            Some(Gso::Tcp4) => self.has(bit::HOST_TSO4),
            Some(Gso::Tcp6) => self.has(bit::HOST_TSO6),
            Some(Gso::UdpL4) => self.has(bit::HOST_USO),
            Some(Gso::Udp) => false,
        };
        gso && (!header.needs_csum() || self.has(bit::CSUM)) && (!header.ecn() || self.has(bit::HOST_ECN))
    }

    /// Whether the guest can receive a frame that still needs this.
    #[must_use]
    pub fn can_receive(self, header: &VnetHeader) -> bool {
        let gso = match header.gso() {
            None => true,
            Some(Gso::Tcp4) => self.has(bit::GUEST_TSO4),
            Some(Gso::Tcp6) => self.has(bit::GUEST_TSO6),
            // One bit a family, and the header does not say which: only a guest that takes both is sure to cope.
            Some(Gso::UdpL4) => self.has(bit::GUEST_USO4) && self.has(bit::GUEST_USO6),
            Some(Gso::Udp) => false,
        };
        gso && (!header.needs_csum() || self.has(bit::GUEST_CSUM)) && (!header.ecn() || self.has(bit::GUEST_ECN))
    }
}
