// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the operator says, or the host's netdevs on his behalf.

use super::{Device, Link, Plug, Vf};
use crate::clock::Due;
use crate::{Action, By, Lane, Refused, Serial, State, Told};
use std::time::Duration;

impl Device {
    pub(super) fn offer(&mut self, by: By, now: Duration) -> Result<(), Refused> {
        match self.vf.state {
            State::Absent => self.associate_anew(by, now),
            State::Offered if self.has_given_up() => {
                self.vf.tries = 0;
                self.report.trouble = None;
                Ok(())
            }
            State::Leaving => Err(Refused::Leaving),
            _ => Err(self.vf.serial.map_or(Refused::Unexpected, Refused::Offered)),
        }
    }

    fn associate_anew(&mut self, by: By, now: Duration) -> Result<(), Refused> {
        if let Some(misfit) = self.misfit() {
            return Err(Refused::Misfit(misfit));
        }
        self.next_serial()?;
        if by == By::Operator {
            self.damper.pardon();
            self.around.lost = None;
        }
        self.report.trouble = None;
        self.around.link = Link::Opening;
        self.act(Action::OpenLane);
        self.enter(State::Offered, now);
        self.associate(now);
        Ok(())
    }

    /// Begins an association with a serial that was never used.
    pub(super) fn next_serial(&mut self) -> Result<(), Refused> {
        let serial = self.vf.next;
        let next = serial.checked_add(1).ok_or(Refused::NoSerial)?;
        self.vf = Vf { state: self.vf.state, serial: Some(Serial(serial)), ..Vf::absent(next) };
        Ok(())
    }

    /// Tells the guest of the association, if somebody is there to hear it.
    pub(super) fn associate(&mut self, now: Duration) {
        let Some(serial) = self.vf.serial.filter(|_| self.has_guest()) else { return };
        self.vf.told = true;
        self.tell(Told::Associated(serial));
        if self.vf.state == State::Offered {
            self.clock.set(Due::Plug, now.saturating_add(self.timing.offer_delay));
        }
    }

    pub(super) fn revoke(&mut self, by: By, now: Duration) -> Result<(), Refused> {
        match self.vf.state {
            State::Absent => return Err(Refused::NotOffered),
            State::Leaving if self.vf.parked => {
                self.vf.parked = false;
                self.unplug_again();
            }
            State::Leaving => return Err(Refused::Leaving),
            State::Offered => {
                self.vf.parked = false;
                self.vf.plug = Plug::No;
                self.leave(now);
            }
            _ => self.leave(now),
        }
        if by == By::Operator {
            self.report.trouble = None;
        }
        Ok(())
    }

    pub(super) fn switch_asked(&mut self, lane: Lane) -> Result<(), Refused> {
        match lane {
            Lane::Synthetic => self.synthetic_asked(),
            Lane::Vf => self.vf_asked(),
        }
    }

    fn synthetic_asked(&mut self) -> Result<(), Refused> {
        match self.vf.state {
            State::Absent => return Err(Refused::NotOffered),
            State::Leaving => self.vf.lingers = false,
            _ => (self.want.lane, self.want.pinned) = (Lane::Synthetic, true),
        }
        Ok(())
    }

    fn vf_asked(&mut self) -> Result<(), Refused> {
        match self.vf.state {
            State::Absent => return Err(Refused::NotOffered),
            State::Offered | State::Plugging => return Err(Refused::NotPlugged),
            State::Leaving => return Err(Refused::Leaving),
            _ if !self.is_lane_usable() => return Err(Refused::LaneNotUp),
            _ if !self.has_guest() => return Err(Refused::NoGuest),
            _ => (self.want.lane, self.want.pinned) = (Lane::Vf, false),
        }
        self.damper.pardon();
        self.clock.cancel(Due::Takeover);
        Ok(())
    }
}
