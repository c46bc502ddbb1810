// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How long the device waits for what, and where the numbers come from.

use std::time::Duration;

/// From the association to the plugging of the VF: the guest learns of the VF before the device appears, and does not
/// give it the name of its first NIC (OpenVMM, netvsp `VF_DEVICE_DELAY`).
pub const OFFER_DELAY: Duration = Duration::from_secs(1);
/// From the first sign of the VF to the switch: a driver that is seen to send may not receive yet (Linux hv_netvsc,
/// `VF_TAKEOVER_INT`).
pub const TAKEOVER: Duration = Duration::from_millis(100);
/// How long a lane's link must be away from its last loss before it is trusted again (OpenVMM, netvsp: guests are known
/// to miss link changes in quick succession).
pub const LINK_HOLD: Duration = Duration::from_secs(5);
/// How long the link of a VF may be away from a guest with net_failover, which hears nothing meanwhile, before the device is taken
/// from it. Of less such a guest would not hear itself: Linux tells of links that change once a second (`net/core/link_watch.c`).
pub const LINK_WAIT: Duration = Duration::from_secs(1);
/// How long a guest has for letting a device go (QEMU, migration's wait for the unplugging of a failover primary).
pub const UNPLUG_WAIT: Duration = Duration::from_secs(30);
/// How long frames wait for a guest that is letting its VF go: a few grace periods of a busy kernel. Who takes longer does
/// without: from then on frames go by both lanes.
pub const DEAF: Duration = Duration::from_secs(2);
/// The same where QEMU takes the VF from it to migrate: it looks every 250 ms whether it is gone (`migration.c`), and without its
/// migration capability `events` it does not say so.
pub const PARKED_DEAF: Duration = Duration::from_millis(300);
/// How long a guest has for taking a device into use before it is said that it does not. Nothing ends by it. As long as
/// QEMU gives for the reverse.
pub const ACKNOWLEDGE: Duration = Duration::from_secs(30);
/// How long a VMM has for an answer to a request to plug (OpenVMM's VF manager waits 10 s at most).
pub const PLUG_WAIT: Duration = Duration::from_secs(10);
/// From a refused request to a VMM to its repetition (DPDK fail-safe, plug-in upkeep `hotplug_poll`).
pub const PLUG_RETRY: Duration = Duration::from_secs(2);
/// From a failed switch to the next attempt, doubled each time (OpenVMM's VF manager, reconfiguration back-off) …
pub const RETRY_FIRST: Duration = Duration::from_millis(100);
/// … and no further than this.
pub const RETRY_LONGEST: Duration = Duration::from_secs(2);

/// The times a device goes by. The default is the constants of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// [`OFFER_DELAY`].
    pub offer_delay: Duration,
    /// [`TAKEOVER`].
    pub takeover: Duration,
    /// [`LINK_HOLD`].
    pub link_hold: Duration,
    /// [`UNPLUG_WAIT`].
    pub unplug_wait: Duration,
    /// [`DEAF`].
    pub deaf: Duration,
    /// [`ACKNOWLEDGE`].
    pub acknowledge: Duration,
    /// [`PLUG_WAIT`].
    pub plug_wait: Duration,
    /// [`PLUG_RETRY`].
    pub plug_retry: Duration,
    /// [`RETRY_FIRST`] and [`RETRY_LONGEST`].
    pub retry: Growing,
    /// When a data path that flaps is held, and for how long.
    pub damping: Damping,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            offer_delay: OFFER_DELAY,
            takeover: TAKEOVER,
            link_hold: LINK_HOLD,
            unplug_wait: UNPLUG_WAIT,
            deaf: DEAF,
            acknowledge: ACKNOWLEDGE,
            plug_wait: PLUG_WAIT,
            plug_retry: PLUG_RETRY,
            retry: Growing { first: RETRY_FIRST, longest: RETRY_LONGEST },
            damping: Damping::default(),
        }
    }
}

/// A time that doubles with each use, and has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growing {
    /// The first time.
    pub first: Duration,
    /// The longest time.
    pub longest: Duration,
}

impl Growing {
    /// The time of the `nth` use, counted from 0.
    #[must_use]
    pub fn nth(self, nth: u32) -> Duration {
        let factor = 1u32.checked_shl(nth.min(31)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

/// Flaps that are let pass before the data path is held. A NIC that is replaced a few times in a row is no flapping one.
pub const FLAPS_FREE: u32 = 6;
/// One flap is forgotten in this time: six a minute stay a matter of minutes, the 900 an hour that customers of a cloud
/// have complained of do not pass.
pub const FLAP_FORGOTTEN: Duration = Duration::from_secs(60);
/// The first hold: as long as a link must be up …
pub const HOLD_FIRST: Duration = LINK_HOLD;
/// … and the longest, by which some 60 round trips an hour are possible at most.
pub const HOLD_LONGEST: Duration = Duration::from_secs(60);

/// Damping of flaps: how often the VF may be lost for reasons that are not the operator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damping {
    /// [`FLAPS_FREE`].
    pub free: u32,
    /// [`FLAP_FORGOTTEN`].
    pub forgotten: Duration,
    /// [`HOLD_FIRST`] and [`HOLD_LONGEST`].
    pub hold: Growing,
}

impl Default for Damping {
    fn default() -> Damping {
        let hold = Growing { first: HOLD_FIRST, longest: HOLD_LONGEST };
        Damping { free: FLAPS_FREE, forgotten: FLAP_FORGOTTEN, hold }
    }
}
