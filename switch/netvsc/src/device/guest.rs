// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest's driver, and a guest that speaks NetVSC's order.

use super::{Device, Link, NOTHING_WANTED, Want};
use crate::clock::Due;
use crate::{Action, GuestModel, Lane, Refused, State, Told};
use std::time::Duration;

impl Device {
    /// A driver that is there already says nothing new, as after a reconnect; with other features it is another one.
    pub(super) fn guest_up(&mut self, standby: bool, now: Duration) -> Result<(), Refused> {
        if self.around.guest && self.model.evidence.standby == Some(standby) {
            return Ok(());
        }
        if self.around.guest {
            self.guest_down(now)?;
        }
        self.around.guest = true;
        self.model.evidence.standby = Some(standby);
        if self.vf.state != State::Leaving && !(self.vf.told && self.is_host_lane()) {
            self.associate(now);
        }
        if self.vf.state == State::Plugged {
            self.clock.set(Due::Use, now.saturating_add(self.timing.acknowledge));
        }
        Ok(())
    }

    /// The next driver knows of no VF: what was agreed is void, and a switch that was asked for has nobody waiting. The
    /// device stays in the guest's machine. A host lane has nothing to do with the driver.
    pub(super) fn guest_down(&mut self, now: Duration) -> Result<(), Refused> {
        self.around.guest = false;
        if self.is_host_lane() {
            return Ok(());
        }
        self.model.evidence.channel = false;
        self.want = Want { active: self.want.active, ..NOTHING_WANTED };
        match self.vf.state {
            State::Absent => {}
            State::Leaving => (self.vf.told, self.vf.lingers) = (false, false),
            State::Offered | State::Plugging => {
                self.clock.cancel(Due::Plug);
                self.vf.told = false;
                if std::mem::take(&mut self.vf.parked) {
                    self.reopen(now);
                }
            }
            State::Plugged | State::Ready | State::ToVf | State::OnVf | State::ToSynthetic => {
                self.vf.told = false;
                self.enter(State::Plugged, now);
                if self.want.active == Lane::Vf {
                    self.flap(now);
                }
                self.fall(now);
            }
        }
        Ok(())
    }

    /// The guest has moved away with its machine, whose end of the lane has gone or is about to. That shows as a link which is
    /// lost, and comes back only when a device is plugged in: the next machine gets a lane of its own.
    fn reopen(&mut self, now: Duration) {
        self.steer(now);
        (self.around.link, self.around.lost) = (Link::Opening, None);
        self.clock.cancel(Due::Link);
        self.act(Action::CloseLane);
        self.act(Action::OpenLane);
    }

    pub(super) fn found(&mut self, now: Duration) -> Result<(), Refused> {
        let is_there = self.around.guest && self.vf.told && !self.is_host_lane();
        match self.vf.state {
            State::Leaving => return Ok(()),
            _ if !is_there => return Err(Refused::Unexpected),
            State::Absent => return Err(Refused::Unexpected),
            State::Offered | State::Plugging | State::Plugged => self.used(now),
            State::Ready | State::ToVf | State::OnVf | State::ToSynthetic => {}
        }
        self.model.evidence.channel = true;
        Ok(())
    }

    pub(super) fn guest_asked(&mut self, lane: Lane, now: Duration) -> Result<(), Refused> {
        if self.is_host_lane() {
            return Err(Refused::Unexpected);
        }
        if !self.around.guest {
            return Err(Refused::NoGuest);
        }
        match (lane, self.vf.state) {
            (Lane::Vf, State::Absent) => return Err(Refused::NotOffered),
            (Lane::Vf, State::Offered | State::Plugging) => return Err(Refused::NotPlugged),
            (Lane::Vf, State::Leaving) => return Err(Refused::Leaving),
            (Lane::Synthetic, State::Absent | State::Offered | State::Plugging | State::Leaving) => {
                self.tell(Told::Completed { lane, done: true });
            }
            (_, State::Plugged | State::Ready | State::ToVf | State::OnVf | State::ToSynthetic) => {
                self.model.evidence.channel = true;
                self.ask(lane, now);
            }
        }
        Ok(())
    }

    /// The guest waits for the completion. Who cannot be served soon is told that it failed, and gets the lane later.
    fn ask(&mut self, lane: Lane, now: Duration) {
        if self.want.asked == Some(lane) {
            return;
        }
        self.finish_asked(false);
        self.want.asked = Some(lane);
        self.want.lane = if self.want.pinned { Lane::Synthetic } else { lane };
        let rests = matches!(self.vf.state, State::Plugged | State::Ready);
        let refused = rests && lane == Lane::Vf && !self.may_take_vf(now);
        let there = lane == self.want.active && self.want.lane == lane && !self.is_on_the_way();
        if refused || there {
            self.finish_asked(there);
        }
    }

    fn is_on_the_way(&self) -> bool {
        matches!(self.vf.state, State::ToVf | State::ToSynthetic)
    }

    /// Answers the guest that waits for a switch.
    pub(super) fn finish_asked(&mut self, done: bool) {
        if let Some(lane) = self.want.asked.take() {
            self.tell(Told::Completed { lane, done });
        }
    }

    /// The guest has a channel by which it asks: what it sends tells nothing then.
    pub(super) fn speaks(&self) -> bool {
        self.model.evidence.channel && self.rules() == GuestModel::Netvsc
    }
}
