// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! VFs that are found on the host, for ports whose lane is `auto`.

use super::super::subscriber::{Loop, Subscriber};
use crate::netdev::{Change, Finder, Found, Monitor, Outcome, Wish};
use event_manager::{SubscriberId, SubscriberOps};
use std::collections::BTreeSet;
use std::os::fd::AsRawFd;
use switch::{LaneNotice, LaneSpec, PortPath, PortSpec};

/// The host's netdevs, watched as soon as a port wants one of them.
#[derive(Default)]
pub(in crate::control) struct Netdevs {
    monitor: Option<(Monitor, SubscriberId)>,
    finder: Finder<PortPath>,
    /// Something is to be looked at without waiting for the kernel.
    stirred: bool,
    notices: Vec<(PortPath, LaneNotice)>,
}

impl Netdevs {
    /// Looks for the VF of a port from now on, or no more.
    pub(in crate::control) fn follow(&mut self, events: &mut Loop, port: &PortPath, spec: Option<&PortSpec>) {
        let auto = spec.and_then(|spec| Some((spec, spec.vf.as_ref()?)));
        let Some((spec, LaneSpec::Auto(auto))) = auto.map(|(spec, vf)| (spec, &vf.lane)) else {
            // Another may have waited for what this had.
            self.stirred |= self.finder.forget(port).is_some();
            return;
        };
        let wish = Wish::of(auto, spec.mac);
        self.finder.wish(port.clone(), wish);
        self.stirred = true;
        self.watch(events, port);
    }

    /// Follows the host's netdevs from now on, for a port that has to do with one.
    pub(in crate::control) fn watch(&mut self, events: &mut Loop, port: &PortPath) {
        if self.monitor.is_none() {
            self.begin(events, port);
        }
    }

    /// Whether frames can go through a netdev; `None`: that is not known.
    pub(super) fn has_carrier(&self, index: u32) -> Option<bool> {
        let (monitor, _) = self.monitor.as_ref()?;
        Some(monitor.table().get(index)?.is_running())
    }

    /// Whether a netdev is set up; `None`: that is not known.
    pub(super) fn is_up(&self, index: u32) -> Option<bool> {
        let (monitor, _) = self.monitor.as_ref()?;
        Some(monitor.table().get(index)?.is_up())
    }

    /// The longest frame that a netdev takes, its Ethernet header not counted; `None`: that is not known.
    pub(super) fn mtu(&self, index: u32) -> Option<u16> {
        let (monitor, _) = self.monitor.as_ref()?;
        Some(u16::try_from(monitor.table().get(index)?.mtu).unwrap_or(u16::MAX))
    }

    fn begin(&mut self, events: &mut Loop, port: &PortPath) {
        match Monitor::open() {
            Ok(monitor) => {
                let id = events.add_subscriber(Subscriber::Wake(monitor.as_raw_fd()));
                self.monitor = Some((monitor, id));
            }
            Err(why) => self.notices.push((port.clone(), LaneNotice::Missing { reason: why.to_string() })),
        }
    }

    /// Begins anew after the kernel's news could not be read.
    fn reopen(&mut self, events: &mut Loop) {
        self.stirred = true;
        let first = self.finder.outcomes().next().map(|(port, _)| port.clone());
        first.into_iter().for_each(|port| self.begin(events, &port));
    }

    /// What was found for a port.
    pub(super) fn found(&self, port: &PortPath) -> Option<&Found> {
        match self.finder.outcome(port)? {
            Outcome::Found(found) => Some(found),
            Outcome::Unsettled | Outcome::Nothing(_) => None,
        }
    }

    /// The same in words.
    pub(super) fn label(&self, port: &PortPath) -> Option<String> {
        self.found(port).map(label)
    }

    /// Says which netdevs weft has in use otherwise, so that no port finds them.
    pub(in crate::control) fn set_own(&mut self, own: BTreeSet<u32>) {
        self.finder.set_own(own);
        self.stirred = true;
    }

    /// What has come and gone. True: there is more, for another turn.
    pub(in crate::control) fn turn(&mut self, events: &mut Loop) -> (Vec<(PortPath, LaneNotice)>, bool) {
        let mut notices = std::mem::take(&mut self.notices);
        let Some((monitor, id)) = &mut self.monitor else { return (notices, false) };
        let turn = monitor.turn();
        if let Some(why) = turn.trouble {
            tracing::warn!(%why, "the host's netdevs are listed anew");
            drop(events.remove_subscriber(*id));
            self.monitor = None;
            self.reopen(events);
            return (notices, true);
        }
        if std::mem::take(&mut self.stirred) || !turn.events.is_empty() {
            let changes = self.finder.settle(monitor.table());
            notices.extend(changes.into_iter().map(told));
        }
        (notices, turn.more)
    }
}

/// A netdev in words.
fn label(found: &Found) -> String {
    found.pci.map_or_else(|| found.name.clone(), |pci| format!("{} ({pci})", found.name))
}

fn told(change: Change<PortPath>) -> (PortPath, LaneNotice) {
    match change {
        Change::Found { port, .. } => (port, LaneNotice::Found),
        Change::Lost { port, why, .. } => (port, LaneNotice::Gone { reason: why.to_string() }),
        Change::Altered { port, found } => (port, LaneNotice::Renamed { found: label(&found) }),
        Change::Nothing { port, why } => (port, LaneNotice::Missing { reason: why.to_string() }),
    }
}
