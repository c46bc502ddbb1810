// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the daemon does for lanes and VFs: whatever the switch asks, and whatever the host, VMMs and workers have to tell.

use super::daemon::Daemon;
use super::subscriber::Loop;
use crate::runtime::clock;
use netvsc::Told;
use switch::{LaneAsk, LaneNotice, PortPath};

impl Daemon {
    /// Does what the switch asks for.
    pub(super) fn lane(&mut self, events: &mut Loop, port: &PortPath, ask: LaneAsk) {
        let now = clock();
        match ask {
            LaneAsk::Open(asked) => {
                let notice = self.lanes.open(self.endpoints.workers(), &self.netdevs, port, &asked);
                match &notice {
                    LaneNotice::Gone { reason } if self.logging.lanes.is_news(port, reason) => {
                        tracing::warn!(%port, lane = %asked.lane, why = ?reason, "the lane cannot be opened");
                    }
                    LaneNotice::Gone { .. } => {}
                    _ => self.logging.lanes.is_over(port),
                }
                self.control.handle_lane(port, notice, now);
                self.netdevs.set_own(self.lanes.netdevs());
                if self.lanes.is_netdev(port) {
                    self.netdevs.watch(events, port);
                }
            }
            LaneAsk::Close => {
                self.lanes.close(port);
                self.netdevs.set_own(self.lanes.netdevs());
            }
            LaneAsk::Plug(vf) => {
                if let Ok(spec) = self.control.desired().port(port) {
                    self.vmms.plug(port, (spec, &vf), &self.netdevs, now.since_origin());
                }
            }
            LaneAsk::Unplug => self.vmms.unplug(port, now.since_origin()),
            LaneAsk::Tell(told) => log(port, &told),
        }
    }

    /// The VF of a port has come, changed or gone.
    pub(super) fn follow_vf(&mut self, events: &mut Loop, port: &PortPath) {
        let number = self.control.operator().port_at(port).map_or(0, |view| view.number);
        let spec = self.control.desired().port(port).ok();
        self.netdevs.follow(events, port, spec);
        self.vmms.follow(port, number, spec);
    }

    /// Takes note of what has happened to lanes. True: there is more, for another turn.
    pub(super) fn take_lanes(&mut self, events: &mut Loop) -> bool {
        let now = clock();
        let (found, more) = self.netdevs.turn(events);
        for (port, notice) in found {
            self.control.handle_lane(&port, notice, now);
        }
        // Lanes are closed and opened before it is looked how they fare.
        self.act(events);
        for (port, notice) in self.lanes.look(&self.netdevs) {
            let gone = matches!(notice, LaneNotice::Gone { .. });
            if gone && self.control.device_opening(&port).is_some() {
                self.lanes.try_again(&port);
            }
            self.control.handle_lane(&port, notice, now);
        }
        self.count_lane_losses();
        for (port, notice) in self.vmms.turn(now.since_origin()) {
            self.control.handle_vmm(&port, notice, now);
        }
        self.act(events);
        more
    }

    /// Takes note of what lanes have lost.
    pub(super) fn count_lane_losses(&mut self) {
        for (port, losses) in self.lanes.take_losses() {
            self.control.count_losses(&port, losses);
        }
    }

    /// Opens once more what could not be opened, or has gone.
    pub(super) fn retry_lanes(&mut self, events: &mut Loop, now: std::time::Instant) {
        for port in self.lanes.due(now) {
            match self.control.device_opening(&port) {
                Some(asked) => self.lane(events, &port, LaneAsk::Open(Box::new(asked))),
                None => self.lanes.close(&port),
            }
        }
    }
}

/// Reasons may quote a VMM, so they are written in quotes, escaped.
fn log(port: &PortPath, told: &Told) {
    match told {
        Told::Associated(serial) => tracing::info!(%port, serial = serial.0, "a VF is offered to the guest"),
        Told::Withdrawn(serial) => tracing::info!(%port, serial = serial.0, "the VF is withdrawn"),
        Told::Completed { lane, done } => tracing::info!(%port, lane = lane.word(), done, "the guest asked for a lane"),
        Told::Active(lane) => tracing::info!(%port, lane = lane.word(), "frames take another lane"),
        Told::Trouble(why) => tracing::warn!(%port, why = ?why.to_string(), "the VF"),
    }
}
