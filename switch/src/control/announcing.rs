// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests whose addresses are announced a second time, two seconds after the first (RFC 5227 section 2.3: `ANNOUNCE_NUM`, `ANNOUNCE_INTERVAL`):
//! a frame may get lost, and who hears none goes on sending to where the guest was.
//!
//! The first is said by the session's own thread when the guest lands, or by control when its lane has changed. By the second the port may be
//! gone, or its guest, or another may have claimed an address: then nothing is said of it. It is one more within what a port may have
//! ([`dataplane::Namespace::announcements`]), and a guest that lands again meanwhile begins anew.

use super::Control;
use crate::arena::Handle;
use crate::port::PortRecord;
use crate::reference::PortPath;
use dataplane::{Emission, Instant, PortTag, Role};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// From the first announcement to the second (RFC 5227 section 1.1: `ANNOUNCE_INTERVAL`).
const AGAIN: Duration = Duration::from_secs(2);

/// When each is to be announced again. One a port.
#[derive(Debug, Default)]
pub(crate) struct Again(BTreeMap<PortPath, Duration>);

impl Again {
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.0.values().min().copied()
    }

    /// Takes out those that are due.
    fn due(&mut self, now: Duration) -> Vec<PortPath> {
        let due: Vec<_> = self.0.iter().filter(|(_, due)| **due <= now).map(|(port, _)| port.clone()).collect();
        self.0.retain(|_, due| *due > now);
        due
    }
}

impl Control {
    /// The guest of the port of that tag has landed: it was running before its session began, at another host or here, and has just been
    /// announced. It is told at once what routers have said, since it does not ask.
    pub fn landed(&mut self, tag: PortTag, now: Instant) {
        self.plant.landed(tag, now.since_origin());
        let port = self.plant.port_at(Handle::from_bits(tag.0)).map(PortRecord::path);
        port.into_iter().for_each(|port| self.announce_again(port, now.since_origin()));
    }

    /// A guest has just been announced: once more in a while.
    pub(crate) fn announce_again(&mut self, port: PortPath, now: Duration) {
        self.again.0.insert(port, now + AGAIN);
    }

    /// What is due by now.
    pub(crate) fn say_again(&mut self, now: Instant) {
        for port in self.again.due(now.since_origin()) {
            if self.plant.port(&port).is_some_and(|record| record.device.is_running()) {
                self.announce(&port, now);
            }
        }
    }

    /// Says on the uplinks of a port's namespace where its guest and its addresses are now, as VMMs do after a migration.
    pub(super) fn announce(&mut self, port: &PortPath, now: Instant) {
        let (Some(record), Ok(home)) = (self.plant.port(port), self.plant.set_of(&port.namespace)) else { return };
        let frames = home.plane().announcements(&record.device, now);
        let uplinks = self.plant.ports().filter(|(path, other)| {
            path.namespace == port.namespace && other.spec.role == Role::Uplink && *path != port
        });
        for (_, uplink) in uplinks {
            let emission = |frame: &Vec<u8>| Emission { port: Arc::clone(&uplink.device), frame: frame.clone() };
            self.emissions.extend(frames.iter().map(emission));
        }
    }
}
