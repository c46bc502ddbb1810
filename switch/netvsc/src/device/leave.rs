// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a VF is taken from the guest: completion of a pending switch, the synthetic lane, the association withdrawn, the
//! device unplugged, the lane closed. In this order, and in bounded time whatever the guest does.

use super::{Device, Link, NOTHING_WANTED, Plug, Vf, Vmm, Want};
use crate::clock::Due;
use crate::timing::PARKED_DEAF;
use crate::{Action, GuestModel, Lane, Refused, State, Told, Trouble};
use std::time::Duration;

impl Device {
    /// Begins it. When it is `parked`, the VMM does it by itself.
    pub(super) fn leave(&mut self, now: Duration) {
        self.finish_asked(self.want.asked == Some(Lane::Synthetic));
        self.clock.cancel_all();
        self.vf.lingers = self.may_linger();
        if self.goes_deaf() {
            let deaf = if self.vf.parked { PARKED_DEAF } else { self.timing.deaf };
            self.clock.set(Due::Deaf, now.saturating_add(deaf));
        }
        self.want = Want { active: self.want.active, ..NOTHING_WANTED };
        self.enter(State::Leaving, now);
        if self.is_nobody_to_wait_for() {
            self.vf.plug = Plug::No;
        }
        if !self.vf.lingers {
            self.fall(now);
            self.withdraw();
        }
        self.clock.set(Due::Unplug, now.saturating_add(self.timing.unplug_wait));
        if self.vf.plug != Plug::No && !self.vf.parked && self.around.vmm == Vmm::Up {
            self.unplug();
        }
    }

    /// A bonding guest hears the lane that it sends on, until it loses the device.
    fn may_linger(&self) -> bool {
        let unplugs = self.around.vmm == Vmm::Up || self.vf.parked;
        let on_vf = self.want.active == Lane::Vf && self.vf.plug != Plug::No;
        self.rules() == GuestModel::Bond && on_vf && unplugs && self.is_lane_usable()
    }

    /// A guest with net_failover that hears the VF hears nothing from when its driver lets the device go until its
    /// standby is let through, and the VMM says when that is over.
    fn goes_deaf(&self) -> bool {
        let on_vf = self.want.active == Lane::Vf && self.vf.plug != Plug::No;
        self.rules() == GuestModel::Standby && on_vf && self.around.vmm == Vmm::Up
    }

    /// Frames wait for the guest.
    pub(super) fn is_deaf(&self) -> bool {
        self.vf.state == State::Leaving && self.clock.at(Due::Deaf).is_some() && self.around.guest
    }

    /// Nothing more can wait: what there is goes by both lanes, and the guest takes what it hears.
    pub(super) fn overflowed(&mut self) -> Result<(), Refused> {
        if !self.is_deaf() {
            return Err(Refused::Unexpected);
        }
        self.clock.cancel(Due::Deaf);
        Ok(())
    }

    /// Without a VMM, only a guest with net_failover is given the time to lose its device by other hands: meanwhile it
    /// gets both lanes.
    fn is_nobody_to_wait_for(&self) -> bool {
        let by_hand = self.rules() == GuestModel::Standby && self.around.link != Link::Closed;
        self.is_host_lane() || (self.around.vmm == Vmm::None && !self.vf.parked && !by_hand)
    }

    fn withdraw(&mut self) {
        if let Some(serial) = self.vf.serial.filter(|_| std::mem::take(&mut self.vf.told)) {
            self.tell(Told::Withdrawn(serial));
        }
    }

    /// Goes on with it, and ends it once the device is out and the frame path has left the lane.
    pub(super) fn end(&mut self, now: Duration) {
        if self.vf.state != State::Leaving {
            return;
        }
        self.vf.lingers &= self.is_lane_usable();
        if !self.vf.lingers {
            self.fall(now);
            self.withdraw();
        }
        if self.vf.plug == Plug::No && self.path.does(self.steering()) {
            self.finish(now);
        }
    }

    fn finish(&mut self, now: Duration) {
        self.vf.lingers = false;
        self.fall(now);
        self.withdraw();
        self.clock.cancel_all();
        if self.vf.parked && self.around.link != Link::Closed && self.park(now) {
            return;
        }
        if self.around.link != Link::Closed {
            self.around.link = Link::Closed;
            self.act(Action::CloseLane);
        }
        self.around.recovering = false;
        self.enter(State::Absent, now);
        self.vf = Vf::absent(self.vf.next);
    }

    /// The VMM took the device out by itself and may put it back: a migration that fails. The offer stands.
    fn park(&mut self, now: Duration) -> bool {
        if self.next_serial().is_err() {
            return false;
        }
        self.enter(State::Offered, now);
        self.vf.parked = true;
        self.associate(now);
        true
    }

    /// The device was to be taken out and stays after all. Where the guest never left it, nothing has happened.
    pub(super) fn stay(&mut self, now: Duration) {
        if std::mem::take(&mut self.vf.lingers) {
            self.clock.cancel_all();
            (self.vf.plug, self.vf.parked) = (Plug::Yes, false);
            (self.want.lane, self.want.seen) = (Lane::Vf, Some(Lane::Vf));
            return self.enter(State::OnVf, now);
        }
        if self.next_serial().is_err() {
            self.vf.parked = false;
            return self.unplug_again();
        }
        self.clock.cancel_all();
        self.settle_in(Plug::Yes, now);
        self.associate(now);
    }

    /// Nobody may delay this for longer.
    pub(super) fn unplug_overdue(&mut self, now: Duration) {
        if self.vf.state != State::Leaving {
            return;
        }
        if self.vf.parked && self.vf.plug != Plug::No {
            return self.stay(now);
        }
        if self.vf.plug != Plug::No {
            self.vf.plug = Plug::No;
            self.trouble(Trouble::StillPlugged);
        }
        self.finish(now);
    }

    pub(super) fn unplug_again(&mut self) {
        if self.vf.state == State::Leaving && self.around.vmm == Vmm::Up {
            self.unplug();
        }
    }
}
