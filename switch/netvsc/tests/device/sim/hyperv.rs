// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that speaks NetVSC's order, as Linux hv_netvsc does: it waits for the association before it takes a device
//! for its VF, says that it found it, asks for the data path after the takeover delay, sends on the VF only when that
//! is completed, and always hears the synthetic lane.

use super::{Guest, Notice};
use netvsc::{Event, Lane, Serial, Told};

/// Milliseconds from the registration of the VF to the request (hv_netvsc, `VF_TAKEOVER_INT`).
const TAKEOVER: u32 = 100;
/// Milliseconds until the guest has let the device go.
const RELEASE: u32 = 100;

/// The guest.
#[derive(Default)]
pub(crate) struct Hyperv {
    pub(crate) associated: Option<Serial>,
    /// Every serial that was ever told, in order.
    pub(crate) serials: Vec<Serial>,
    has_device: bool,
    /// Milliseconds since the device was found, association included.
    found: Option<u32>,
    leaving: Option<u32>,
    asked: Option<Lane>,
    /// The completion of the switch to the VF was received.
    on_vf: bool,
}

impl Hyperv {
    fn told(&mut self, told: &Told) {
        match told {
            Told::Associated(serial) => {
                self.associated = Some(*serial);
                if self.serials.last() != Some(serial) {
                    self.serials.push(*serial);
                }
            }
            Told::Withdrawn(serial) => {
                assert_eq!(self.associated.take(), Some(*serial), "what was advertised is withdrawn");
                (self.found, self.on_vf) = (None, false);
            }
            Told::Completed { lane, done } => {
                assert_eq!(self.asked.take(), Some(*lane), "what was asked for is completed");
                self.on_vf = if *done { *lane == Lane::Vf } else { self.on_vf };
            }
            Told::Active(lane) => self.on_vf = *lane == Lane::Vf,
            Told::Trouble(_) => {}
        }
    }

    fn ask(&mut self, lane: Lane) -> Event {
        self.asked = Some(lane);
        // What is sent is stopped before the request to leave is made.
        self.on_vf &= lane == Lane::Vf;
        Event::GuestAsked(lane)
    }

    /// Leaves the VF, and lets the device go later.
    fn let_go(&mut self) -> Option<Event> {
        self.leaving = self.leaving.map(|age| age + 1);
        match self.leaving {
            Some(1) if self.on_vf => Some(self.ask(Lane::Synthetic)),
            Some(RELEASE) => {
                (self.has_device, self.found, self.leaving) = (false, None, None);
                None
            }
            _ => None,
        }
    }
}

impl Guest for Hyperv {
    fn standby(&self) -> bool {
        false
    }

    fn notice(&mut self, what: Notice) {
        match what {
            Notice::Plugged => self.has_device = true,
            Notice::UnplugAsked => self.leaving = Some(0),
            Notice::Told(told) => self.told(&told),
        }
    }

    fn tick(&mut self) -> Vec<Event> {
        let mut said = Vec::new();
        if self.leaving.is_some() {
            said.extend(self.let_go());
        } else if self.has_device && self.associated.is_some() {
            let age = self.found.map_or(0, |age| age + 1);
            self.found = Some(age);
            said.extend((age == 0).then_some(Event::Found));
            if age == TAKEOVER {
                said.push(self.ask(Lane::Vf));
            }
        }
        said
    }

    fn hears(&self, lane: Lane) -> bool {
        lane == Lane::Synthetic || self.found.is_some() && self.has_device
    }

    fn sends_on(&self) -> Lane {
        if self.on_vf { Lane::Vf } else { Lane::Synthetic }
    }
}
