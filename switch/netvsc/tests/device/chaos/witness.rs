// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who watches a device and objects: what must hold after every step.

use crate::rig::{Rig, Workers};
use netvsc::{Action, Event, GuestModel, Lane, Serial, State, Steering, Told, timing};
use std::collections::VecDeque;
use std::time::Duration;

/// What was seen of a device so far.
#[derive(Default)]
pub(super) struct Witness {
    /// The serial that the guest was told last, while it was not withdrawn.
    associated: Option<Serial>,
    /// The highest serial that was told.
    highest: Option<Serial>,
    is_lane_open: bool,
    on_vf: bool,
    /// Whether the guest's driver, if one is there, negotiated STANDBY.
    guest: Option<bool>,
    /// Requests of the guest that wait for a completion.
    asked: VecDeque<Lane>,
    /// Since when frames have waited.
    deaf: Option<Duration>,
}

impl Witness {
    /// What an event must have done at once.
    pub(super) fn accepted(&mut self, event: &Event, rig: &Rig) {
        let obeys = rig.workers == Workers::Obey && rig.device.is_settled();
        match event {
            Event::LaneGone => {
                assert!(!rig.device.steering().uses_vf(), "a lane that is gone gets nothing");
                assert_eq!(rig.active(), Lane::Synthetic, "at once, whatever the workers say");
            }
            Event::LaneDown | Event::LaneRecovering if obeys => assert_eq!(rig.active(), Lane::Synthetic, "{event:?}"),
            Event::GuestAsked(lane) => self.asked.push_back(*lane),
            Event::GuestDown => self.forgotten(None, rig),
            Event::GuestUp { standby } => self.forgotten(Some(*standby), rig),
            _ => {}
        }
    }

    /// Another driver, or none, knows of no VF and waits for nothing. One with the same features is the same.
    fn forgotten(&mut self, guest: Option<bool>, rig: &Rig) {
        let before = std::mem::replace(&mut self.guest, guest);
        let same = guest.is_some() && (before.is_none() || before == guest);
        if !same && rig.status().model.0 != GuestModel::HostLane {
            self.asked.clear();
            self.associated = None;
        }
    }

    /// A new daemon opens the lane again, and says on which lane it is.
    pub(super) fn restarted(&mut self) {
        (self.is_lane_open, self.on_vf, self.guest, self.deaf) = (false, false, None, None);
    }

    /// What was done since, and what holds now.
    pub(super) fn look(&mut self, rig: &mut Rig) {
        for action in rig.take() {
            self.action(&action, rig);
        }
        let status = rig.status();
        self.delivers(rig);
        assert!(self.is_lane_open || !rig.device.steering().uses_vf(), "a closed lane gets nothing: {status:?}");
        assert_eq!(self.is_lane_open, status.state != State::Absent && self.is_lane_open, "closed when absent");
        assert_eq!(self.on_vf, status.active == Lane::Vf, "every change of the active lane is told");
        assert!(self.associated.is_none() || self.associated == status.serial, "the serial that the guest knows");
        let longest = timing::HOLD_LONGEST.max(timing::UNPLUG_WAIT).max(timing::ACKNOWLEDGE);
        assert!(
            rig.device.next_due().is_none_or(|due| due > rig.now && due <= rig.now + longest),
            "bounded, and to come"
        );
        if rig.workers == Workers::Obey && rig.device.is_settled() {
            assert_eq!(rig.frames, rig.device.steering(), "what is wanted is done");
        }
    }

    /// Every frame has a lane, or waits for one for a short while.
    fn delivers(&mut self, rig: &Rig) {
        let steering = rig.device.steering();
        self.deaf = (steering == Steering::WAIT).then(|| self.deaf.unwrap_or(rig.now));
        let lanes = [steering.unicast, steering.multicast];
        assert!(self.deaf.is_some() || lanes.iter().all(|lanes| lanes.synthetic || lanes.vf), "{steering:?}");
        assert!(self.deaf.is_none_or(|since| rig.now < since + timing::DEAF), "frames wait for too long");
        assert!(self.deaf.is_none() || rig.state() == State::Leaving, "{:?}", rig.status());
    }

    fn action(&mut self, action: &Action, rig: &Rig) {
        match action {
            Action::OpenLane => assert!(!std::mem::replace(&mut self.is_lane_open, true), "opened once"),
            Action::CloseLane => assert!(std::mem::replace(&mut self.is_lane_open, false), "closed once"),
            Action::Plug(serial) => {
                assert!(self.highest >= Some(*serial), "the guest was told before: {:?}", rig.status());
            }
            Action::Tell(told) => self.told(told),
            Action::Unplug(_) | Action::Steer(_) | Action::Announce => {}
        }
    }

    fn told(&mut self, told: &Told) {
        match told {
            Told::Associated(serial) => {
                let again = self.associated == Some(*serial) || self.highest == Some(*serial);
                assert!(again || self.highest < Some(*serial), "no serial is used twice");
                (self.associated, self.highest) = (Some(*serial), Some(*serial));
            }
            Told::Withdrawn(serial) => assert_eq!(self.associated.take(), Some(*serial), "as it was advertised, once"),
            Told::Completed { lane, .. } => {
                assert!(self.asked.contains(lane), "somebody waits for that");
                self.asked.retain(|asked| asked != lane);
            }
            Told::Active(lane) => self.on_vf = *lane == Lane::Vf,
            Told::Trouble(_) => {}
        }
    }
}
