// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The simulated world: a device, a VMM, a guest, and a stream of numbered frames each way, a millisecond at a time.
//!
//! Each millisecond one unicast frame goes to the guest and one comes from it, and in every tenth a multicast frame, which
//! stands for a Router Advertisement. Each lane takes what the steering gives it; the guest says what it heard.

mod bond;
mod failover;
mod hyperv;
mod tests;
mod vmm;

use crate::rig::Rig;
use netvsc::{Action, Choice, Device, Event, GuestModel, Lane, Lanes, Steering, Timing, Told};
use std::time::Duration;
use vmm::Vmm;

pub(crate) const TICK: Duration = Duration::from_millis(1);
/// One frame in so many is a multicast one.
const MULTICAST_EVERY: u64 = 10;

/// A guest's NICs and what drives them.
pub(crate) trait Guest {
    /// Whether it negotiates STANDBY.
    fn standby(&self) -> bool;
    /// Something happens in its machine.
    fn notice(&mut self, what: Notice);
    /// A millisecond passes. What it says to the host, if it has a channel.
    fn tick(&mut self) -> Vec<Event>;
    /// Whether it takes in what comes on a lane.
    fn hears(&self, lane: Lane) -> bool;
    /// The lane that it sends on.
    fn sends_on(&self) -> Lane;
}

/// What a guest notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The VF was plugged into its machine.
    Plugged,
    /// It is asked to let it go.
    UnplugAsked,
    /// Something that is told over a channel.
    Told(Told),
}

/// What became of the frames of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
}

impl Tally {
    fn count(&mut self, arrived: usize) {
        self.sent += 1;
        self.lost += u64::from(arrived == 0);
        self.doubled += u64::from(arrived > 1);
    }

    /// Everything once.
    #[track_caller]
    pub(crate) fn assert_perfect(&self, what: &str) {
        assert!(self.sent > 0, "{what}: nothing was sent");
        assert_eq!((self.lost, self.doubled), (0, 0), "{what}: {self:?}");
    }
}

/// The streams.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) unicast: Tally,
    pub(crate) multicast: Tally,
    pub(crate) outward: Tally,
}

/// All of it together.
pub(crate) struct World {
    pub(crate) rig: Rig,
    pub(crate) guest: Box<dyn Guest>,
    pub(crate) vmm: Vmm,
    pub(crate) tallies: Tallies,
    /// The VF lane carries frames: it is open, and its other end lives.
    pub(crate) is_vf_alive: bool,
    ticks: u64,
    /// Frames that wait, unicast and multicast.
    waiting: [u64; 2],
}

impl World {
    /// A port with a guest that runs, and a VMM that is talked to.
    pub(crate) fn new(guest: Box<dyn Guest>, choice: impl Into<Choice>) -> World {
        let mut rig = Rig::of(Device::new(choice, Timing::default()));
        rig.all([Event::VmmUp, Event::GuestUp { standby: guest.standby() }]);
        let tallies = Tallies::default();
        World { rig, guest, vmm: Vmm::new(), tallies, is_vf_alive: false, ticks: 0, waiting: [0; 2] }
    }

    /// An event, and what it leads to.
    pub(crate) fn on(&mut self, event: Event) {
        self.rig.all([event]);
        self.carry_out();
    }

    /// As many milliseconds as it says.
    pub(crate) fn run(&mut self, time: Duration) -> Tallies {
        let before = std::mem::take(&mut self.tallies);
        for _ in 0..time.as_millis() {
            self.tick();
        }
        let during = std::mem::replace(&mut self.tallies, before);
        self.tallies.add(&during);
        during
    }

    /// Runs until `condition`, for at most a simulated minute.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, condition: impl Fn(&World) -> bool) {
        let ticks = (0..60_000).find(|_| {
            let met = condition(self);
            if !met {
                self.tick();
            }
            met
        });
        assert!(ticks.is_some(), "{what}: not within a minute; {:?}", self.rig.status());
    }

    fn tick(&mut self) {
        self.ticks += 1;
        self.rig.pass(TICK);
        self.carry_out();
        let vmm = self.vmm.tick(self.guest.as_mut());
        let said = self.guest.tick();
        for event in vmm.into_iter().chain(said) {
            // Nobody keeps a guest or a VMM from saying what makes no sense.
            let _ = self.rig.on(event);
            self.carry_out();
        }
        self.outward();
        self.inward();
    }

    fn carry_out(&mut self) {
        for action in self.rig.take() {
            match action {
                Action::OpenLane => {
                    self.is_vf_alive = true;
                    self.on(Event::LaneUp);
                }
                Action::CloseLane => self.is_vf_alive = false,
                Action::Tell(told) => self.guest.notice(Notice::Told(told)),
                Action::Plug(_) | Action::Unplug(_) => self.vmm.ask(&action),
                Action::Steer(_) | Action::Announce => {}
            }
        }
    }

    /// The guest's frame reaches the switch by the lane that it chose.
    fn outward(&mut self) {
        let lane = self.guest.sends_on();
        let arrives = lane == Lane::Synthetic || self.is_vf_alive;
        self.tallies.outward.count(usize::from(arrives));
        if arrives {
            let _ = self.rig.on(Event::Seen(lane));
            self.carry_out();
        }
    }

    fn inward(&mut self) {
        self.waiting[0] += 1;
        self.waiting[1] += u64::from(self.ticks.is_multiple_of(MULTICAST_EVERY));
        let steering = self.rig.frames;
        if steering == Steering::WAIT {
            return;
        }
        let [unicast, multicast] = std::mem::take(&mut self.waiting);
        (0..unicast).for_each(|_| self.tallies.unicast.count(self.heard(steering.unicast)));
        (0..multicast).for_each(|_| self.tallies.multicast.count(self.heard(steering.multicast)));
    }

    /// How often a frame that goes to `lanes` is heard.
    fn heard(&self, lanes: Lanes) -> usize {
        let synthetic = lanes.synthetic && self.guest.hears(Lane::Synthetic);
        let vf = lanes.vf && self.is_vf_alive && self.guest.hears(Lane::Vf);
        usize::from(synthetic) + usize::from(vf)
    }
}

impl Tallies {
    fn add(&mut self, more: &Tallies) {
        for (all, more) in [
            (&mut self.unicast, more.unicast),
            (&mut self.multicast, more.multicast),
            (&mut self.outward, more.outward),
        ] {
            all.sent += more.sent;
            all.lost += more.lost;
            all.doubled += more.doubled;
        }
    }

    #[track_caller]
    pub(crate) fn assert_perfect(&self, what: &str) {
        self.unicast.assert_perfect(&format!("{what}, unicast"));
        self.multicast.assert_perfect(&format!("{what}, multicast"));
        self.outward.assert_perfect(&format!("{what}, outward"));
    }
}

/// The models by which a guest can be driven wrongly.
pub(crate) const WRONG_FOR_STANDBY: [GuestModel; 2] = [GuestModel::Netvsc, GuestModel::Bond];
