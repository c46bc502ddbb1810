// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The configuration space of the virtio network device.

use wire::MacAddr;

/// `VIRTIO_NET_S_LINK_UP` (virtio 1.2 section 5.1.4).
const LINK_UP: u16 = 1;

/// What a frontend may read of the device (`struct virtio_net_config`, virtio 1.2 section 5.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DeviceConfig {
    /// The port's address.
    pub(super) mac: MacAddr,
    /// Queue pairs, at least 1.
    pub(super) queue_pairs: u16,
    /// Largest packet without its Ethernet header, bytes.
    pub(super) mtu: u16,
}

impl DeviceConfig {
    /// All fields that the structure has. Speed and duplex are unknown; receive-side scaling and hashes are not offered.
    pub(super) fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..6].copy_from_slice(&self.mac.0);
        bytes[6..8].copy_from_slice(&LINK_UP.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.queue_pairs.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.mtu.to_le_bytes());
        bytes[12..17].fill(0xff);
        bytes
    }

    /// Exactly `size` bytes from `offset`; what lies beyond the structure reads as zero.
    pub(super) fn slice(self, offset: u32, size: u32) -> Vec<u8> {
        let bytes = self.to_bytes();
        let byte = |at: u64| usize::try_from(at).ok().and_then(|at| bytes.get(at)).copied().unwrap_or(0);
        (0..u64::from(size)).map(|at| byte(u64::from(offset) + at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_have_the_size_that_was_asked_for_wherever_they_lie() {
        let device = DeviceConfig { mac: MacAddr([2, 0, 0, 0, 0, 7]), queue_pairs: 2, mtu: 1500 };
        let expected = [2, 0, 0, 0, 0, 7, 1, 0, 2, 0, 0xdc, 5, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(device.slice(0, 17), expected);
        assert_eq!(device.slice(10, 2), [0xdc, 5]);
        assert_eq!(device.slice(20, 300), vec![0; 300]);
        assert_eq!(device.slice(u32::MAX, 2), [0, 0]);
    }
}
