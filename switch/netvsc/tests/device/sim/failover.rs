// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that behaves as Linux net_failover: once a primary is registered, everything on the standby is dropped,
//! whether the primary's link is up or not; it sends on the primary if that runs. Between its driver's farewell to the
//! primary and the unregistration it hears nothing.

use super::{Guest, Notice};
use netvsc::{Event, Lane};

/// Milliseconds from the plugging to the registration of the primary.
const REGISTRATION: u32 = 40;
/// Milliseconds until the driver hears nothing more, and until the guest has let the device go.
const FAREWELL: u32 = 20;
const RELEASE: u32 = 100;

/// How the primary's driver behaves around its registration.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Driver {
    /// As 8139cp: it receives when it is registered.
    Prompt,
    /// As e1000e: for so many milliseconds after its registration it receives nothing.
    Blind(u32),
}

/// The guest.
pub(crate) struct Failover {
    driver: Driver,
    /// Milliseconds that the device has been plugged.
    plugged: Option<u32>,
    /// Milliseconds that it has been asked to let the device go.
    leaving: Option<u32>,
}

impl Failover {
    pub(crate) fn new(driver: Driver) -> Failover {
        Failover { driver, plugged: None, leaving: None }
    }

    fn is_registered(&self) -> bool {
        self.plugged.is_some_and(|age| age >= REGISTRATION)
    }

    fn runs(&self) -> bool {
        let blind = match self.driver {
            Driver::Prompt => 0,
            Driver::Blind(time) => time,
        };
        let stays = self.leaving.is_none_or(|age| age < FAREWELL);
        stays && self.plugged.is_some_and(|age| age >= REGISTRATION + blind)
    }
}

impl Guest for Failover {
    fn standby(&self) -> bool {
        true
    }

    fn notice(&mut self, what: Notice) {
        match what {
            Notice::Plugged => self.plugged = Some(0),
            Notice::UnplugAsked => self.leaving = Some(0),
            // There is no channel.
            Notice::Told(_) => {}
        }
    }

    fn tick(&mut self) -> Vec<Event> {
        self.plugged = self.plugged.map(|age| age + 1);
        self.leaving = self.leaving.map(|age| age + 1);
        if self.leaving == Some(RELEASE) {
            (self.plugged, self.leaving) = (None, None);
        }
        Vec::new()
    }

    fn hears(&self, lane: Lane) -> bool {
        match lane {
            Lane::Synthetic => !self.is_registered(),
            Lane::Vf => self.is_registered() && self.runs(),
        }
    }

    fn sends_on(&self) -> Lane {
        if self.runs() { Lane::Vf } else { Lane::Synthetic }
    }
}
