// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What control does with the lanes of a port.

use crate::hold::Room;
use crate::lane::LaneSink;
use crate::lanes::{Lane, LaneNews};
use crate::port::Port;
use crate::stats::{Delta, LaneStats};
use crate::steering::Steering;

impl Port {
    /// Sets which lanes get what, from the next burst on; a new port's rings get everything. Frames that have waited
    /// ([`Steering::HELD`]) go there too, and others behind them, once a worker was told to ([`Port::release`]). While they wait for
    /// a guest on its way (`pause.rs`), that is when they need not any more.
    pub fn steer_lanes(&self, steering: Steering) {
        let mut hold = self.lanes().hold.lock();
        if let Some(room) = hold.as_mut().filter(|_| self.is_paused()) {
            room.after = steering;
            // Those that leave again, since the guest does not come, are not stopped.
            if self.steering() == Steering::HELD || steering == Steering::HELD {
                return;
            }
        }
        self.turn(&mut hold, steering);
    }

    /// Turns the wheel. `hold` is the port's.
    pub(crate) fn turn(&self, hold: &mut Option<Room>, steering: Steering) {
        if steering == Steering::HELD {
            hold.get_or_insert_with(Room::new).shut_in();
        } else if steering.asks {
            hold.get_or_insert_with(Room::new);
        }
        match hold.as_mut() {
            Some(room) if steering.asks => room.begin_asking(self),
            Some(room) if steering != Steering::HELD && !steering.sends_again() => room.forget_sent(),
            _ => (),
        }
        self.lanes().wheel.set(steering, hold.is_some());
    }

    /// How control wants frames steered that wait in `room`, once they need not wait for a guest on its way.
    pub(crate) fn wanted(&self, room: &Room) -> Steering {
        let steering = self.steering();
        if steering == Steering::HELD { room.after } else { steering }
    }

    /// Which lanes get what.
    #[must_use]
    pub fn steering(&self) -> Steering {
        self.lanes().wheel.get()
    }

    /// Gives the port's other lane these sinks, one a queue, and returns those that it had; no worker touches them any more. A
    /// port has as many queues as it has queue pairs; sinks beyond that are returned as well.
    pub fn replace_sinks(&self, sinks: Vec<Box<dyn LaneSink>>) -> Vec<Box<dyn LaneSink>> {
        let mut delta = Delta::default();
        let before = self.lanes().replace(sinks, &mut delta);
        self.counters.add_rx(&delta);
        before
    }

    /// Says whether what comes over the other lane is for the port's own guest and not from it (`host-lane`). To be said while
    /// no source of that lane is attached.
    pub fn set_inward(&self, inward: bool) {
        self.lanes().set_inward(inward);
    }

    /// Says of which lane control wants to hear when a frame with the port's own address comes over it.
    pub fn watch_lane(&self, lane: Option<Lane>) {
        self.lanes().watch(lane);
    }

    /// What workers noticed of the lanes since the last call.
    pub fn take_lane_news(&self) -> LaneNews {
        self.lanes().take_news()
    }

    /// Goes on counting from what went through the other lane in a process whose place this one takes.
    pub fn add_lane_stats(&self, earlier: &LaneStats) {
        self.lanes().add_stats(earlier);
    }

    /// What went through the other lane since the port is there.
    #[must_use]
    pub fn lane_stats(&self) -> LaneStats {
        self.lanes().stats()
    }
}
