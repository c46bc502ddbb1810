// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What follows from what is known: plugging, switching, steering. Called after every event and every time.

use super::{Device, Link, Plug, Vmm};
use crate::clock::Due;
use crate::limits::STEPS_MAX;
use crate::steering::Phase;
use crate::{Action, GuestModel, Lane, State, Told};
use std::time::Duration;

impl Device {
    pub(super) fn advance(&mut self, now: Duration) {
        for _ in 0..STEPS_MAX {
            let before = self.vf.state;
            self.bring(now);
            self.decide(now);
            self.steer(now);
            self.settle(now);
            self.end(now);
            if self.vf.state == before {
                break;
            }
        }
    }

    /// Puts the device where the guest finds it.
    fn bring(&mut self, now: Duration) {
        let waits = self.vf.parked || self.damper.is_held() || self.misfit().is_some() || self.has_given_up();
        if self.vf.state != State::Offered || waits || self.around.link != Link::Up || !self.has_guest() {
            return;
        }
        match self.around.vmm {
            _ if self.is_host_lane() => self.used(now),
            Vmm::None => self.settle_in(Plug::Maybe, now),
            Vmm::Up if self.clock.at(Due::Plug).is_none() => self.plug(now),
            Vmm::Up | Vmm::Lost => {}
        }
    }

    /// The VF is in use, or nearly: what was waited for on the way there is not waited for any more.
    pub(super) fn used(&mut self, now: Duration) {
        self.clock.cancel(Due::Plug);
        self.clock.cancel(Due::Answer);
        self.clock.cancel(Due::Use);
        self.vf.parked = false;
        if self.vf.plug == Plug::No && !self.is_host_lane() {
            self.vf.plug = Plug::Maybe;
        }
        if self.is_host_lane() && !self.want.pinned {
            self.want.lane = Lane::Vf;
        }
        self.enter(State::Ready, now);
    }

    /// Begins a switch, in either direction.
    fn decide(&mut self, now: Duration) {
        match self.vf.state {
            State::Plugged | State::Ready if self.may_take_vf(now) => {
                self.clock.cancel(Due::Use);
                self.enter(State::ToVf, now);
            }
            State::ToVf if !self.may_stay() => self.enter(State::ToSynthetic, now),
            State::OnVf if !self.may_stay() && self.path.retry().is_none() => self.enter(State::ToSynthetic, now),
            _ => {}
        }
    }

    fn may_stay(&self) -> bool {
        self.want.lane == Lane::Vf && self.is_lane_usable() && self.has_guest()
    }

    /// The VF is wanted, can be had, and nothing says to wait.
    pub(super) fn may_take_vf(&self, now: Duration) -> bool {
        self.may_stay() && self.vf_from().is_none_or(|from| from <= now)
    }

    /// Before this the VF is not switched to.
    pub(super) fn vf_from(&self) -> Option<Duration> {
        self.clock.at(Due::Takeover).max(self.damper.until()).max(self.path.retry())
    }

    /// Tells the frame path, if it does something else.
    pub(super) fn steer(&mut self, now: Duration) {
        if let Some(steering) = self.path.tell(self.steering(), now) {
            self.act(Action::Steer(steering));
        }
    }

    /// Ends a switch that the frame path has confirmed.
    fn settle(&mut self, now: Duration) {
        if !self.path.does(self.steering()) {
            return;
        }
        match self.vf.state {
            State::ToVf => {
                self.enter(State::OnVf, now);
                self.finish_asked(true);
                self.report.trouble = None;
                self.activate(Lane::Vf);
            }
            State::ToSynthetic => {
                if self.want.active == Lane::Vf && !self.want.pinned {
                    self.flap(now);
                }
                self.enter(State::Ready, now);
                // Who asked for the VF meanwhile need not ask again.
                if self.want.asked != Some(Lane::Vf) || !self.may_take_vf(now) {
                    self.finish_asked(self.want.asked == Some(Lane::Synthetic));
                }
                self.activate(Lane::Synthetic);
            }
            _ => {}
        }
    }

    /// The data path was lost for a reason that was not the operator's.
    pub(super) fn flap(&mut self, now: Duration) {
        let counts = &mut self.report.counts;
        counts.flaps = counts.flaps.saturating_add(1);
        if self.damper.flap(&self.timing.damping, now) {
            counts.damped = counts.damped.saturating_add(1);
        }
    }

    pub(super) fn activate(&mut self, lane: Lane) {
        if self.want.active == lane {
            return;
        }
        self.want.active = lane;
        self.report.counts.switches = self.report.counts.switches.saturating_add(1);
        self.tell(Told::Active(lane));
        if lane == Lane::Synthetic {
            self.act(Action::Announce);
        }
    }

    /// The synthetic lane without waiting for anybody.
    pub(super) fn fall(&mut self, now: Duration) {
        self.steer(now);
        self.activate(Lane::Synthetic);
    }

    pub(super) fn phase(&self) -> Phase {
        if self.vf.plug != Plug::No && self.is_deaf() {
            return Phase::Deaf;
        }
        if self.around.link == Link::Closed {
            return Phase::Synthetic;
        }
        match self.vf.state {
            State::Absent => Phase::Synthetic,
            State::Offered if self.vf.parked => Phase::Transition,
            // What went to a lane whose device is not there would come late.
            State::Offered => Phase::Synthetic,
            State::Plugging if self.vf.plug == Plug::Asked => Phase::Synthetic,
            State::Plugging | State::Plugged | State::Ready if self.is_crossing() => Phase::Crossing,
            State::Plugging | State::Plugged | State::ToSynthetic => Phase::Transition,
            State::Ready if self.damper.is_held() && self.want.lane == Lane::Vf => Phase::Held,
            State::Ready => Phase::Transition,
            State::ToVf | State::OnVf if self.is_unsure() => Phase::Transition,
            State::ToVf | State::OnVf => Phase::Vf,
            State::Leaving if self.vf.plug == Plug::No => Phase::Synthetic,
            State::Leaving if self.vf.lingers => Phase::Vf,
            State::Leaving => Phase::Transition,
        }
    }

    /// The VF is switched to as soon as the guest is known to use it. One that does not use it in time may do so all the same.
    fn is_crossing(&self) -> bool {
        let is_in_time = self.vf.state == State::Ready || self.clock.at(Due::Use).is_some();
        is_in_time && self.around.guest && self.is_lane_usable() && !self.want.pinned && !self.damper.is_held()
    }

    /// A guest with net_failover that was not seen on the VF last, or only just now, may hear either lane.
    fn is_unsure(&self) -> bool {
        let on_vf = self.want.seen == Some(Lane::Vf) && self.clock.at(Due::Tail).is_none();
        self.rules() == GuestModel::Standby && !on_vf
    }

    /// Whether the frame path has confirmed [`Device::steering`].
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.path.does(self.steering())
    }
}
