// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which lanes of a port get a frame: the one word by which control switches a port's data path.

use std::sync::atomic::{AtomicU8, Ordering};

/// Some of the lanes of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneSet {
    /// The virtio rings.
    pub synthetic: bool,
    /// The other lane: that of a VF, or the only one of a port without a guest.
    pub vf: bool,
}

impl LaneSet {
    /// The virtio rings alone.
    pub const SYNTHETIC: Self = Self { synthetic: true, vf: false };
    /// The other lane alone.
    pub const VF: Self = Self { synthetic: false, vf: true };
    /// Each frame goes to both, to a guest that takes it from one.
    pub const BOTH: Self = Self { synthetic: true, vf: true };

    const fn bits(self) -> u8 {
        self.synthetic as u8 | (self.vf as u8) << 1
    }

    const fn of_bits(bits: u8) -> Self {
        Self { synthetic: bits & 1 != 0, vf: bits & 2 != 0 }
    }
}

/// Which lanes get what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steering {
    /// Frames for one address.
    pub unicast: LaneSet,
    /// Frames for a group, broadcasts included.
    pub multicast: LaneSet,
    /// What the guest sends over its rings to one address leaves by the other lane, past the namespace: the guest model
    /// `host-lane` while the VF is active.
    pub outward: bool,
}

impl Default for Steering {
    fn default() -> Self {
        Self::all(LaneSet::SYNTHETIC)
    }
}

impl Steering {
    const MULTICAST: u32 = 2;
    const OUTWARD: u8 = 1 << 4;
    /// Everything into the rings.
    const PLAIN: u8 = LaneSet::SYNTHETIC.bits() | LaneSet::SYNTHETIC.bits() << Self::MULTICAST;

    /// Everything to these lanes.
    #[must_use]
    pub const fn all(lanes: LaneSet) -> Self {
        Self { unicast: lanes, multicast: lanes, outward: false }
    }

    /// Which lanes get a frame of this kind.
    #[must_use]
    pub const fn of(self, multicast: bool) -> LaneSet {
        if multicast { self.multicast } else { self.unicast }
    }

    const fn bits(self) -> u8 {
        let outward = if self.outward { Self::OUTWARD } else { 0 };
        self.unicast.bits() | self.multicast.bits() << Self::MULTICAST | outward
    }

    const fn of_bits(bits: u8) -> Self {
        Self {
            unicast: LaneSet::of_bits(bits),
            multicast: LaneSet::of_bits(bits >> Self::MULTICAST),
            outward: bits & Self::OUTWARD != 0,
        }
    }
}

/// The steering of a port, changed by control and read by workers, each once a burst.
pub(crate) struct Wheel(AtomicU8);

impl Default for Wheel {
    fn default() -> Self {
        Self(AtomicU8::new(Steering::PLAIN))
    }
}

impl Wheel {
    pub(crate) fn set(&self, steering: Steering) {
        self.0.store(steering.bits(), Ordering::Release);
    }

    pub(crate) fn get(&self) -> Steering {
        Steering::of_bits(self.0.load(Ordering::Acquire))
    }

    /// Whether all frames for the guest go into its rings, as nearly always.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.0.load(Ordering::Relaxed) & !Steering::OUTWARD == Steering::PLAIN
    }

    /// Whether the guest's own frames leave by the other lane.
    #[inline]
    pub(crate) fn is_outward(&self) -> bool {
        self.0.load(Ordering::Relaxed) & Steering::OUTWARD != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_steering_is_read_as_it_was_set() {
        let wheel = Wheel::default();
        assert!(wheel.is_plain() && wheel.get() == Steering::default());
        for bits in 0..32_u8 {
            let steering = Steering::of_bits(bits);
            wheel.set(steering);
            assert_eq!((wheel.get(), wheel.is_outward()), (steering, steering.outward));
            let plain = Steering { outward: false, ..steering } == Steering::default();
            assert_eq!(wheel.is_plain(), plain, "{steering:?}");
        }
    }
}
