// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The VMM. What it says may be late, wrong, or never come: it is taken where it makes sense.

use super::{Device, Link, Plug, Vmm};
use crate::clock::Due;
use crate::limits::PLUG_TRIES;
use crate::trouble::bounded;
use crate::{Action, Lane, Refused, State, Trouble};
use std::time::Duration;

impl Device {
    /// What was asked for and not answered is asked again.
    pub(super) fn vmm_up(&mut self, now: Duration) -> Result<(), Refused> {
        let was = std::mem::replace(&mut self.around.vmm, Vmm::Up);
        if was == Vmm::Up {
            return Ok(());
        }
        if self.report.trouble == Some(Trouble::VmmLost) {
            self.report.trouble = None;
        }
        match (self.vf.state, self.vf.plug) {
            (State::Plugging | State::Plugged, plug) if plug.is_open() && was == Vmm::Lost => self.plug(now),
            (State::Leaving, plug) if plug != Plug::No && !self.vf.parked => self.unplug(),
            _ => {}
        }
        Ok(())
    }

    /// The device may have been plugged and nobody can say so.
    pub(super) fn vmm_lost(&mut self, now: Duration) -> Result<(), Refused> {
        let was = std::mem::replace(&mut self.around.vmm, Vmm::Lost);
        if was == Vmm::Up {
            self.trouble(Trouble::VmmLost);
        }
        // Nobody would say that the guest hears again.
        self.clock.cancel(Due::Deaf);
        if self.vf.state == State::Plugging {
            self.settle_in(Plug::Maybe, now);
        }
        Ok(())
    }

    pub(super) fn plug(&mut self, now: Duration) {
        let Some(serial) = self.vf.serial else { return };
        if self.vf.plug == Plug::No {
            self.vf.plug = Plug::Asked;
        }
        self.enter(State::Plugging, now);
        self.steer(now);
        self.act(Action::Plug(serial));
        self.clock.set(Due::Answer, now.saturating_add(self.timing.plug_wait));
    }

    pub(super) fn unplug(&mut self) {
        if let Some(serial) = self.vf.serial {
            self.act(Action::Unplug(serial));
        }
    }

    /// The device is in the guest's machine, or may be.
    pub(super) fn settle_in(&mut self, plug: Plug, now: Duration) {
        self.vf.plug = plug;
        self.vf.parked = false;
        self.clock.cancel(Due::Answer);
        self.clock.cancel(Due::Plug);
        self.clock.set(Due::Use, now.saturating_add(self.timing.acknowledge));
        self.enter(State::Plugged, now);
    }

    pub(super) fn plugged(&mut self, now: Duration) -> Result<(), Refused> {
        let late = self.vf.plug.is_open();
        match self.vf.state {
            _ if self.is_host_lane() => return Err(Refused::Unexpected),
            State::Plugging => self.settle_in(Plug::Yes, now),
            State::Offered if self.around.link != Link::Closed => self.settle_in(Plug::Yes, now),
            State::Leaving if self.vf.parked => self.stay(now),
            State::Absent | State::Offered => return Err(Refused::Unexpected),
            _ if late => self.vf.plug = Plug::Yes,
            _ => return Err(Refused::Unexpected),
        }
        if matches!(self.report.trouble, Some(Trouble::PlugFailed(_) | Trouble::PlugUnanswered)) {
            self.report.trouble = None;
        }
        Ok(())
    }

    pub(super) fn plug_failed(&mut self, reason: String, now: Duration) -> Result<(), Refused> {
        let late = self.vf.plug.is_open();
        match self.vf.state {
            State::Plugging => self.plug_refused(now),
            State::Leaving if late => self.vf.plug = Plug::No,
            _ => return Err(Refused::Unexpected),
        }
        self.trouble(Trouble::PlugFailed(bounded(reason)));
        Ok(())
    }

    fn plug_refused(&mut self, now: Duration) {
        self.vf.plug = Plug::No;
        self.vf.tries = self.vf.tries.saturating_add(1);
        self.clock.cancel(Due::Answer);
        self.clock.set(Due::Plug, now.saturating_add(self.timing.plug_retry));
        self.enter(State::Offered, now);
    }

    pub(super) fn plug_unanswered(&mut self, now: Duration) {
        if self.vf.state == State::Plugging {
            self.settle_in(Plug::Maybe, now);
            self.trouble(Trouble::PlugUnanswered);
        }
    }

    pub(super) fn has_given_up(&self) -> bool {
        self.vf.state == State::Offered && self.vf.tries >= PLUG_TRIES
    }

    /// What the driver itself has negotiated is known better.
    pub(super) fn negotiated(&mut self) -> Result<(), Refused> {
        if self.around.guest && self.model.evidence.standby == Some(false) {
            return Err(Refused::Unexpected);
        }
        self.model.evidence.standby = Some(true);
        Ok(())
    }

    pub(super) fn unplug_asked(&mut self, now: Duration) -> Result<(), Refused> {
        match self.vf.state {
            State::Absent | State::Offered => return Err(Refused::Unexpected),
            State::Leaving => return Ok(()),
            _ if self.is_host_lane() => return Err(Refused::Unexpected),
            _ => {}
        }
        self.vf.parked = true;
        self.leave(now);
        Ok(())
    }

    pub(super) fn unplugged(&mut self, now: Duration) -> Result<(), Refused> {
        match self.vf.state {
            State::Absent if self.report.trouble == Some(Trouble::StillPlugged) => self.report.trouble = None,
            State::Absent => return Err(Refused::Unexpected),
            State::Offered if self.vf.parked => {}
            State::Offered | State::Plugging => return Err(Refused::Unexpected),
            State::Leaving => (self.vf.plug, self.vf.lingers) = (Plug::No, false),
            _ if self.is_host_lane() => return Err(Refused::Unexpected),
            _ => self.removed(now),
        }
        Ok(())
    }

    fn removed(&mut self, now: Duration) {
        self.vf.plug = Plug::No;
        self.trouble(Trouble::Removed);
        if self.want.active == Lane::Vf {
            self.flap(now);
        }
        self.leave(now);
    }

    pub(super) fn unplug_failed(&mut self, reason: String, now: Duration) -> Result<(), Refused> {
        if self.vf.state != State::Leaving || self.vf.plug == Plug::No {
            return Err(Refused::Unexpected);
        }
        self.trouble(Trouble::UnplugFailed(bounded(reason)));
        // It hears what it keeps.
        self.clock.cancel(Due::Deaf);
        if self.vf.parked {
            self.stay(now);
        } else {
            self.clock.set(Due::UnplugAgain, now.saturating_add(self.timing.plug_retry));
        }
        Ok(())
    }
}
