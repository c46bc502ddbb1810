// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The VF lane, as the host sees it.

use super::{Device, Link, Plug, Vmm};
use crate::clock::Due;
use crate::timing::LINK_WAIT;
use crate::{Action, GuestModel, Lane, Refused, State, Trouble};
use std::time::Duration;

impl Device {
    pub(super) fn lane_up(&mut self, now: Duration) -> Result<(), Refused> {
        self.needs_lane()?;
        let was = std::mem::replace(&mut self.around.link, Link::Up);
        self.clock.cancel(Due::Link);
        if was == Link::Up {
            return Ok(());
        }
        let lost = self.around.lost.map(|lost| lost.saturating_add(self.timing.link_hold));
        if let Some(hold) = lost.filter(|hold| now < *hold) {
            self.clock.no_earlier(Due::Takeover, hold);
        }
        if self.is_host_lane() {
            self.clock.no_earlier(Due::Takeover, now.saturating_add(self.timing.takeover));
        }
        Ok(())
    }

    /// A guest with net_failover hears nothing while its primary is there without a link: it gets both lanes, and when
    /// the link stays down, the device is taken from it.
    pub(super) fn lane_down(&mut self, now: Duration) -> Result<(), Refused> {
        self.needs_lane()?;
        if self.around.link != Link::Down {
            self.around.link = Link::Down;
            self.around.lost = Some(now);
            self.clock.set(Due::Link, now.saturating_add(LINK_WAIT));
        }
        Ok(())
    }

    pub(super) fn link_stays_down(&mut self, now: Duration) {
        let deaf = self.rules() == GuestModel::Standby && self.around.vmm == Vmm::Up && self.vf.plug != Plug::No;
        if self.around.link == Link::Down && deaf && self.vf.state != State::Leaving {
            self.trouble(Trouble::LinkDown);
            self.flap(now);
            self.leave(now);
        }
    }

    pub(super) fn lane_recovering(&mut self) -> Result<(), Refused> {
        self.needs_lane()?;
        self.around.recovering = true;
        Ok(())
    }

    pub(super) fn lane_recovered(&mut self) -> Result<(), Refused> {
        self.needs_lane()?;
        if !std::mem::take(&mut self.around.recovering) {
            return Err(Refused::Unexpected);
        }
        Ok(())
    }

    /// Surprise removal: the synthetic lane at once. The device may still be in the guest's machine, and must leave it
    /// before a guest with net_failover hears the synthetic lane.
    pub(super) fn lane_gone(&mut self, now: Duration) -> Result<(), Refused> {
        self.needs_lane()?;
        (self.around.link, self.around.recovering) = (Link::Closed, false);
        match self.vf.state {
            State::Leaving => {
                self.vf.lingers = false;
                // There is nothing to come back for.
                let parked = std::mem::take(&mut self.vf.parked);
                if self.around.vmm == Vmm::None {
                    self.vf.plug = Plug::No;
                } else if parked {
                    self.unplug_again();
                }
            }
            _ => self.lose(now),
        }
        self.steer(now);
        self.act(Action::CloseLane);
        Ok(())
    }

    fn lose(&mut self, now: Duration) {
        if self.want.active == Lane::Vf {
            self.flap(now);
        }
        let deaf = self.rules() == GuestModel::Standby && self.vf.plug != Plug::No && self.around.vmm == Vmm::None;
        self.trouble(if deaf { Trouble::StillPlugged } else { Trouble::LaneGone });
        self.vf.parked = false;
        self.leave(now);
    }

    /// What a lane says makes sense while there is one.
    fn needs_lane(&self) -> Result<(), Refused> {
        let is_open = self.vf.state != State::Absent && self.around.link != Link::Closed;
        if is_open { Ok(()) } else { Err(Refused::Unexpected) }
    }
}
