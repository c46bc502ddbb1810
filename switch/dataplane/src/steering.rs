// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which lanes of a port get a frame: the one word by which control switches a port's data path.
//!
//! A switch is done when the word is written; nobody is waited for. A worker reads it once a burst, and all of a burst can be seen by the
//! guest before the worker takes the next of the same queue. So of each flow, which has one queue and thus one worker at a time, the last
//! frame on the old lane is there before the first on the new one (`several_workers_keep_each_flow_whole_and_in_order_while_a_port_is_switched_to_and_fro`).

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
    /// None.
    const NEITHER: Self = Self { synthetic: false, vf: false };

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
    /// The guest may change over from its rings to the other lane at any moment. Frames go by the rings alone, and it is asked whether
    /// it has taken them (`confirm.rs`); a guest that does not answer gets them by the lanes above.
    pub asks: bool,
}

impl Default for Steering {
    fn default() -> Self {
        Self::all(LaneSet::SYNTHETIC)
    }
}

impl Steering {
    /// Frames for the guest wait, in order, until something else is said.
    pub const HELD: Self = Self::all(LaneSet::NEITHER);
    /// The guest is about to change over to the other lane. See [`Steering::asks`].
    pub const ASKING: Self = Self { asks: true, ..Self::all(LaneSet::BOTH) };

    const MULTICAST: u32 = 2;
    const OUTWARD: u8 = 1 << 4;
    /// Frames wait, whatever else it says.
    const WAIT: u8 = 1 << 5;
    const ASKS: u8 = 1 << 6;
    /// Everything into the rings.
    const PLAIN: u8 = LaneSet::SYNTHETIC.bits() | LaneSet::SYNTHETIC.bits() << Self::MULTICAST;

    /// Everything to these lanes.
    #[must_use]
    pub const fn all(lanes: LaneSet) -> Self {
        Self { unicast: lanes, multicast: lanes, outward: false, asks: false }
    }

    /// Which lanes get a frame of this kind.
    #[must_use]
    pub const fn of(self, multicast: bool) -> LaneSet {
        if multicast { self.multicast } else { self.unicast }
    }

    const fn bits(self) -> u8 {
        let outward = if self.outward { Self::OUTWARD } else { 0 };
        let asks = if self.asks { Self::ASKS } else { 0 };
        self.unicast.bits() | self.multicast.bits() << Self::MULTICAST | outward | asks
    }

    const fn of_bits(bits: u8) -> Self {
        Self {
            unicast: LaneSet::of_bits(bits),
            multicast: LaneSet::of_bits(bits >> Self::MULTICAST),
            outward: bits & Self::OUTWARD != 0,
            asks: bits & Self::ASKS != 0,
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
    /// `waits`: frames wait, those that come too, until [`Wheel::end_hold`].
    pub(crate) fn set(&self, steering: Steering, waits: bool) {
        let waits = if waits { Steering::WAIT } else { 0 };
        self.0.store(steering.bits() | waits, Ordering::Release);
    }

    /// Nothing waits any more. Called by who holds the lock of the hold, as [`Wheel::set`] is.
    pub(crate) fn end_hold(&self) {
        self.0.fetch_and(!Steering::WAIT, Ordering::Release);
    }

    /// Whether frames wait.
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        self.0.load(Ordering::Acquire) & Steering::WAIT != 0
    }

    /// Whether those that wait need not any more.
    pub(crate) fn is_releasing(&self) -> bool {
        let steering = self.get();
        self.is_held() && !steering.asks && steering != Steering::HELD
    }

    /// Whether the guest is asked what it has taken.
    pub(crate) fn is_asking(&self) -> bool {
        self.get().asks
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
        for bits in (0..128_u8).filter(|bits| bits & Steering::WAIT == 0) {
            let steering = Steering::of_bits(bits);
            wheel.set(steering, false);
            assert_eq!(
                (wheel.get(), wheel.is_outward(), wheel.is_asking()),
                (steering, steering.outward, steering.asks)
            );
            let plain = Steering { outward: false, ..steering } == Steering::default();
            assert_eq!(wheel.is_plain(), plain, "{steering:?}");
            wheel.set(steering, true);
            assert_eq!((wheel.get(), wheel.is_held(), wheel.is_plain()), (steering, true, false));
            assert_eq!(wheel.is_releasing(), steering != Steering::HELD && !steering.asks);
            wheel.end_hold();
            assert_eq!((wheel.get(), wheel.is_held(), wheel.is_plain()), (steering, false, plain));
        }
    }
}
