// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device: what it holds, and where events come in.
//!
//! | module | what |
//! |---|---|
//! | `operator` | offers, revocations, switches by hand |
//! | `lane` | the VF lane and its link |
//! | `guest` | the guest's driver, and NetVSC's order |
//! | `vmm` | the VMM's answers and events |
//! | `frames` | source MACs, and the frame path's answers |
//! | `advance` | what follows from all that: plugging, switching, steering |
//! | `leave` | how a VF is taken from the guest |
//! | `due` | what time does |
//! | `tell` | the status, and state that outlives a restart |

mod advance;
mod due;
mod frames;
mod guest;
mod lane;
mod leave;
mod operator;
mod tell;
mod vmm;

pub use tell::Saved;

use crate::clock::Clock;
use crate::damper::Damper;
use crate::model::{Evidence, Model};
use crate::path::{Answer, Path};
use crate::{
    Action, Choice, Counts, Event, GuestModel, Lane, Misfit, Refused, Serial, State, Steering, Timing, Told, Trouble,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// A port's device: which of its two lanes carries its frames, and how the VF comes and goes.
///
/// Every event is followed by draining [`Device::poll_action`]; the actions are carried out in their order. The port
/// acts on [`Action::Steer`]; [`Device::steering`] is the same thing to look at.
#[derive(Clone, Debug)]
pub struct Device {
    timing: Timing,
    model: Model,
    around: Around,
    vf: Vf,
    want: Want,
    path: Path,
    damper: Damper,
    clock: Clock,
    report: Report,
    actions: VecDeque<Action>,
}

/// What is around the device.
#[derive(Clone, Copy, Debug)]
struct Around {
    /// The guest's driver runs.
    guest: bool,
    vmm: Vmm,
    link: Link,
    /// When the link was lost last.
    lost: Option<Duration>,
    recovering: bool,
}

/// The channel to the VMM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Vmm {
    None,
    Up,
    Lost,
}

/// The VF lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Link {
    Closed,
    Opening,
    Up,
    Down,
}

/// The life of the VF that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Vf {
    state: State,
    serial: Option<Serial>,
    /// The number of the next association.
    next: u32,
    /// The guest was told of this association.
    told: bool,
    plug: Plug,
    /// How often the VMM refused.
    tries: u8,
    /// The VMM takes the device out by itself, or has done so, and may put it back.
    parked: bool,
    /// Leaving, and the VF stays active until the guest is seen to have left it.
    lingers: bool,
}

/// Whether the device is in the guest's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Plug {
    No,
    /// Asked for, and not answered.
    Asked,
    /// Asked for, or done by somebody else.
    Maybe,
    Yes,
}

impl Plug {
    /// Nobody has said whether it is there.
    fn is_open(self) -> bool {
        matches!(self, Plug::Asked | Plug::Maybe)
    }
}

/// Where the data path should be, and who waits for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Want {
    lane: Lane,
    /// The operator wants the synthetic lane, whatever the guest does.
    pinned: bool,
    /// The lane that the guest asked for, while it waits.
    asked: Option<Lane>,
    /// The lane that the guest was seen on last.
    seen: Option<Lane>,
    /// The lane that carries frames, as far as the frame path has confirmed it.
    active: Lane,
}

/// What is told of the device.
#[derive(Clone, Debug, Default)]
struct Report {
    since: Duration,
    trouble: Option<Trouble>,
    counts: Counts,
}

const NOTHING_WANTED: Want =
    Want { lane: Lane::Synthetic, pinned: false, asked: None, seen: None, active: Lane::Synthetic };

impl Vf {
    fn absent(next: u32) -> Vf {
        let (state, plug) = (State::Absent, Plug::No);
        Vf { state, serial: None, next, told: false, plug, tries: 0, parked: false, lingers: false }
    }
}

impl Device {
    /// A device without a VF. Of `choice`, the operator's model may be given alone: `None` infers it.
    #[must_use]
    pub fn new(choice: impl Into<Choice>, timing: Timing) -> Device {
        Device {
            timing,
            model: Model { choice: choice.into(), evidence: Evidence::default() },
            around: Around { guest: false, vmm: Vmm::None, link: Link::Closed, lost: None, recovering: false },
            vf: Vf::absent(1),
            want: NOTHING_WANTED,
            path: Path::new(),
            damper: Damper::default(),
            clock: Clock::default(),
            report: Report::default(),
            actions: VecDeque::new(),
        }
    }

    /// Takes an event in. What it leads to comes out of [`Device::poll_action`].
    ///
    /// # Errors
    /// The event makes no sense now, or is not allowed: nothing has changed, and the text says what to do.
    pub fn on(&mut self, event: Event, now: Duration) -> Result<(), Refused> {
        let taken = self.take(event, now);
        if taken == Err(Refused::Unexpected) {
            self.report.counts.strays = self.report.counts.strays.saturating_add(1);
        }
        self.advance(now);
        taken
    }

    fn take(&mut self, event: Event, now: Duration) -> Result<(), Refused> {
        match event {
            Event::Offer(by) => self.offer(by, now),
            Event::Revoke(by) => self.revoke(by, now),
            Event::SwitchAsked(lane) => self.switch_asked(lane),
            Event::LaneUp => self.lane_up(now),
            Event::LaneDown => self.lane_down(now),
            Event::LaneGone => self.lane_gone(now),
            Event::LaneRecovering => self.lane_recovering(),
            Event::LaneRecovered => self.lane_recovered(),
            Event::GuestUp { standby } => self.guest_up(standby, now),
            Event::GuestDown => self.guest_down(now),
            Event::Overflowed => self.overflowed(),
            Event::Found => self.found(now),
            Event::GuestAsked(lane) => self.guest_asked(lane, now),
            Event::VmmUp => self.vmm_up(now),
            Event::VmmLost => self.vmm_lost(now),
            Event::Plugged => self.plugged(now),
            Event::PlugFailed(reason) => self.plug_failed(reason, now),
            Event::Negotiated => self.negotiated(),
            Event::UnplugAsked => self.unplug_asked(now),
            Event::Unplugged => self.unplugged(now),
            Event::UnplugFailed(reason) => self.unplug_failed(reason, now),
            Event::Seen(Lane::Vf) => self.seen_on_vf(now),
            Event::Answered => self.answered_on_vf(now),
            Event::Seen(Lane::Synthetic) => self.seen_on_synthetic(now),
            Event::Switched => self.answered(Answer::Done, now),
            Event::SwitchFailed => self.answered(Answer::Failed, now),
        }
    }

    /// Changes what is known of the model: the operator said something else, or leads the lane elsewhere.
    ///
    /// # Errors
    /// A VF is offered, and the guest would have to know of it from now on, or know nothing of it any more.
    pub fn choose(&mut self, choice: impl Into<Choice>, now: Duration) -> Result<(), Refused> {
        let chosen = Model { choice: choice.into(), evidence: self.model.evidence };
        let moves = (chosen.named().0 == GuestModel::HostLane) != (self.model.named().0 == GuestModel::HostLane);
        if let Some(serial) = self.vf.serial.filter(|_| moves) {
            return Err(Refused::Offered(serial));
        }
        self.model = chosen;
        self.advance(now);
        Ok(())
    }

    /// Whether there is something to do.
    #[must_use]
    pub fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// The next thing to do, in order.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What is known of a guest that is down may have changed when it comes back.
    fn misfit(&self) -> Option<Misfit> {
        self.model.misfit().filter(|_| self.around.guest)
    }

    fn rules(&self) -> GuestModel {
        self.model.rules()
    }

    fn is_host_lane(&self) -> bool {
        self.rules() == GuestModel::HostLane
    }

    /// The guest's driver is there, if one is needed.
    fn has_guest(&self) -> bool {
        self.around.guest || self.is_host_lane()
    }

    /// The lane carries frames.
    fn is_lane_usable(&self) -> bool {
        self.around.link == Link::Up && !self.around.recovering
    }

    fn enter(&mut self, state: State, now: Duration) {
        if self.vf.state != state {
            self.vf.state = state;
            self.report.since = now;
        }
    }

    fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    fn tell(&mut self, told: Told) {
        self.act(Action::Tell(told));
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.tell(Told::Trouble(trouble.clone()));
        self.report.trouble = Some(trouble);
    }

    /// How frames for the guest, and the guest's own, are to go now.
    #[must_use]
    pub fn steering(&self) -> Steering {
        Steering::rule(self.rules(), self.phase())
    }
}
