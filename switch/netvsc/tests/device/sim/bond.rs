// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that bonds its two NICs (active-backup): it hears and sends on the active one only, and takes the VF while
//! that is there and has a link.

use super::{Guest, Notice};
use netvsc::{Event, Lane};

/// Milliseconds until a NIC that was plugged is active.
const JOIN: u32 = 40;

/// The guest.
#[derive(Default)]
pub(crate) struct Bond {
    plugged: Option<u32>,
}

impl Guest for Bond {
    fn standby(&self) -> bool {
        false
    }

    fn notice(&mut self, what: Notice) {
        match what {
            Notice::Plugged => self.plugged = Some(0),
            Notice::UnplugAsked => self.plugged = None,
            Notice::Told(_) => {}
        }
    }

    fn tick(&mut self) -> Vec<Event> {
        self.plugged = self.plugged.map(|age| age + 1);
        Vec::new()
    }

    fn hears(&self, lane: Lane) -> bool {
        lane == self.sends_on()
    }

    fn sends_on(&self) -> Lane {
        if self.plugged.is_some_and(|age| age >= JOIN) { Lane::Vf } else { Lane::Synthetic }
    }
}
