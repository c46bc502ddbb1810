// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes that are no rings on their way from one weftd to the next, and back when that does not come up. See [`crate::upgrade`].
//!
//! A frame goes from a ring or a lane to a ring or a lane. So what guests send stops first, then the lanes do, then what guests get,
//! and all begins in the opposite order: nothing is ever on its way to where nobody takes it.

use super::daemon::Daemon;
use super::subscriber::Loop;
use crate::upgrade::{Channel, LanesLeft, Word, lanes_from_text, lanes_to_text};
use crate::vhost_user::Side;
use std::time::Duration;
use switch::{Action, LaneAsk, PortPath};

impl Daemon {
    /// Stops all rings, and all lanes that are open still, which leave what they have.
    pub(super) fn stop_all(&mut self) {
        self.endpoints.suspend(Side::Transmit);
        self.lanes.leave();
        self.endpoints.suspend(Side::Receive);
    }

    /// Has all run again that was stopped.
    pub(super) fn go_on(&mut self, events: &mut Loop) {
        self.endpoints.resume(Side::Receive);
        let left: Vec<PortPath> = self.lanes.left().keys().cloned().collect();
        left.iter().for_each(|port| self.reopen_lane(events, port));
        self.endpoints.resume(Side::Transmit);
    }

    /// Opens the lane of a port that was open before.
    pub(super) fn reopen_lane(&mut self, events: &mut Loop, port: &PortPath) {
        if let Some(asked) = self.control.device_opening(port).or_else(|| self.control.vf_opening(port)) {
            self.lane(events, port, LaneAsk::Open(Box::new(asked)));
        }
    }

    /// Tells the next weftd what lanes have left. It stays here as well, for as long as that one may fail.
    pub(super) fn leave_lanes(&mut self, channel: &Channel, patience: Duration) -> Result<(), String> {
        let (text, fds) = lanes_to_text(self.lanes.left()).map_err(|why| why.to_string())?;
        let left = channel.say(&Word::Lanes, patience).and_then(|()| channel.give(&text, &fds, patience));
        left.map_err(|why| why.to_string())
    }

    /// Opens lanes with what the weftd before has left of them. All others wait until this process is the one that acts.
    pub(super) fn adopt_lanes(&mut self, events: &mut Loop, left: LanesLeft) {
        *self.lanes.left() = left;
        let is_left = |daemon: &mut Daemon, action: &Action| match action {
            Action::Lane(port, LaneAsk::Open(_)) => daemon.lanes.left().contains_key(port),
            _ => false,
        };
        let mut later = Vec::new();
        for action in self.asleep.take().unwrap_or_default() {
            if is_left(self, &action) {
                // Only endpoints can fail to open.
                let _ = self.take(events, action);
            } else {
                later.push(action);
            }
        }
        self.asleep = Some(later);
    }
}

/// What the weftd before has left of its lanes.
pub(super) fn read_lanes(channel: &Channel, patience: Duration) -> Result<LanesLeft, String> {
    let came = channel.hear(patience).and_then(|word| match word {
        Word::Lanes => channel.take(patience),
        word => Err(std::io::Error::other(format!("{word:?}"))),
    });
    let (text, fds) = came.map_err(|why| why.to_string())?;
    lanes_from_text(&text, fds).map_err(|why| why.to_string())
}
