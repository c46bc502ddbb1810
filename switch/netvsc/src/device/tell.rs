// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is told of a device: to an operator, and to the device of a daemon that starts anew.

use super::{Device, Link, NOTHING_WANTED, Plug, Vf, Vmm, Want};
use crate::clock::{Clock, Due};
use crate::damper::{Damper, SavedDamper};
use crate::model::{Evidence, Model};
use crate::path::Path;
use crate::{Action, Choice, Counts, Lane, State, Status, Timing, Waits};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What of a device outlives a restart: plain data without times. What was pending is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    vf: Vf,
    want: Want,
    evidence: Evidence,
    damper: SavedDamper,
    counts: Counts,
    has_vmm: bool,
    has_lane: bool,
}

impl Saved {
    /// Of a guest that comes from another host, where its VF has stayed: no VF is there, and the next is offered by number `next`,
    /// which the guest has not heard yet.
    #[must_use]
    pub fn landed(next: u32) -> Saved {
        Saved {
            vf: Vf::absent(next.max(1)),
            want: NOTHING_WANTED,
            evidence: Evidence::default(),
            damper: SavedDamper::default(),
            counts: Counts::default(),
            has_vmm: false,
            has_lane: false,
        }
    }

    /// A number by which the guest has heard of no VF.
    #[must_use]
    pub fn next(&self) -> u32 {
        self.vf.next.max(self.vf.serial.map_or(1, |serial| serial.0.saturating_add(1)))
    }

    /// Whether a VF is offered, and not about to go.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        !matches!(self.vf.state, State::Absent | State::Leaving)
    }
}

impl Device {
    /// What is to be kept for [`Device::restore`].
    #[must_use]
    pub fn save(&self) -> Saved {
        Saved {
            vf: self.vf,
            want: self.want,
            evidence: self.model.evidence,
            damper: self.damper.save(),
            counts: self.report.counts,
            has_vmm: self.around.vmm != Vmm::None,
            has_lane: self.around.link != Link::Closed,
        }
    }

    /// The device of a daemon that starts anew. It has no guest, no lane and no VMM yet, asks for the lane by itself,
    /// and goes on with what was pending as they come. What was saved and makes no sense is no VF.
    #[must_use]
    pub fn restore(saved: &Saved, choice: impl Into<Choice>, timing: Timing, now: Duration) -> Device {
        let mut device = Device::new(choice, timing);
        device.model = Model { choice: device.model.choice, evidence: saved.evidence };
        device.path = Path::unknown();
        device.damper = Damper::restore(saved.damper, &timing.damping, now);
        device.report.counts = saved.counts;
        device.report.since = now;
        device.around.vmm = if saved.has_vmm { Vmm::Lost } else { Vmm::None };
        device.vf = Vf::absent(saved.next());
        if saved.vf.state != State::Absent && saved.vf.serial.is_some() {
            device.resume(saved, now);
        }
        device.advance(now);
        device
    }

    fn resume(&mut self, saved: &Saved, now: Duration) {
        self.vf = Vf { next: self.vf.next, lingers: false, ..saved.vf };
        self.want = Want { active: Lane::Synthetic, ..saved.want };
        // Back on the VF as soon as its lane is open.
        match saved.vf.state {
            State::ToVf | State::OnVf => self.vf.state = State::Ready,
            // As when the VMM is lost: it may be there already.
            State::Plugging => (self.vf.state, self.vf.plug) = (State::Plugged, Plug::Maybe),
            State::Leaving => self.want = NOTHING_WANTED,
            _ => {}
        }
        if saved.has_lane {
            self.around.link = Link::Opening;
            self.act(Action::OpenLane);
        } else if self.vf.state != State::Leaving {
            self.vf = Vf::absent(self.vf.next);
        }
        self.clock = self.times_anew(now);
    }

    /// Every wait begins anew.
    fn times_anew(&self, now: Duration) -> Clock {
        let mut clock = Clock::default();
        let (due, wait) = match self.vf.state {
            State::Plugged | State::Ready => (Due::Use, self.timing.acknowledge),
            State::Leaving => (Due::Unplug, self.timing.unplug_wait),
            _ => return clock,
        };
        clock.set(due, now.saturating_add(wait));
        clock
    }

    /// The device at a glance.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            state: self.vf.state,
            since: self.report.since,
            active: self.want.active,
            serial: self.vf.serial,
            model: self.model.named(),
            misfit: self.misfit(),
            waits: self.waits(),
            trouble: self.report.trouble.clone(),
            counts: self.report.counts,
        }
    }

    fn waits(&self) -> Option<Waits> {
        match self.vf.state {
            State::Absent => None,
            State::Offered => self.waits_offered(),
            State::Plugging => Some(Waits::VmmAnswer),
            State::Plugged if !self.has_guest() => Some(Waits::Guest),
            State::Plugged => Some(self.waits_for_lane().unwrap_or(Waits::Use)),
            State::Ready => Some(self.waits_ready()),
            State::ToVf | State::ToSynthetic => Some(Waits::FramePath),
            State::OnVf => None,
            State::Leaving if self.vf.plug == Plug::No => Some(Waits::FramePath),
            State::Leaving => Some(Waits::Unplug(self.clock.at(Due::Unplug))),
        }
    }

    fn waits_for_lane(&self) -> Option<Waits> {
        match self.around.link {
            Link::Closed | Link::Opening => Some(Waits::LaneOpen),
            Link::Down => Some(Waits::Link),
            Link::Up => self.around.recovering.then_some(Waits::Recovery),
        }
    }

    fn waits_offered(&self) -> Option<Waits> {
        let agreement = self.misfit().map(Waits::Agreement);
        let parked = self.vf.parked.then_some(Waits::Migration);
        let given_up = self.has_given_up().then_some(Waits::Operator);
        let guest = (!self.has_guest()).then_some(Waits::Guest);
        let vmm = (self.around.vmm == Vmm::Lost).then_some(Waits::Vmm);
        let hold = self.damper.until().map(Waits::Hold);
        let plug = self.clock.at(Due::Plug).map(Waits::Time);
        agreement.or(parked).or(given_up).or(guest).or(self.waits_for_lane()).or(vmm).or(hold).or(plug)
    }

    fn waits_ready(&self) -> Waits {
        let pinned = self.want.pinned.then_some(Waits::Pinned);
        let guest = (!self.has_guest()).then_some(Waits::Guest);
        let hold = self.damper.until().map(Waits::Hold);
        let used = (self.want.lane == Lane::Synthetic).then_some(Waits::Use);
        let time = self.vf_from().map(Waits::Time);
        pinned.or(guest).or(self.waits_for_lane()).or(hold).or(used).or(time).unwrap_or(Waits::FramePath)
    }
}
