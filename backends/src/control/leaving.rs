// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a weftd that is told to end leaves to the one that systemd starts next. See [`crate::upgrade`].
//!
//! Nobody tells it whether another follows: to systemd a restart is a stop and a start. So it leaves all each time; where no other
//! is started, systemd closes what nobody has taken, and guests see the end of their sessions then.

use super::Running;
use crate::upgrade::{Channel, Estate, STORED, Word, to_text};
use sd_notify::NotifyState;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long it may take until nothing stands in the way of others going on, before an end that is told to be now.
const QUIET_MAX: Duration = Duration::from_secs(1);

impl Running {
    /// Leaves all to the weftd that systemd starts next, if it keeps descriptors for that; when none is started it lets go of them.
    /// True: this process has nothing left.
    pub(super) fn leave_to_systemd(&mut self) -> bool {
        // Set since systemd 254, to how many it keeps.
        if std::env::var_os("FDSTORE").is_none_or(|most| most == "0") {
            return false;
        }
        match self.try_leave() {
            Ok(()) => true,
            Err(why) => {
                tracing::warn!(why, "nothing is left to the next weftd: guests have to come to it");
                self.daemon.go_on(&mut self.events);
                false
            }
        }
    }

    /// The estate of a process that ends: sessions in the middle of a message have a moment to come to its end.
    fn last_estate(&mut self) -> Result<Estate, String> {
        let until = Instant::now() + QUIET_MAX;
        while Instant::now() < until && self.daemon.legacies(false).is_err() {
            self.events.run_with_timeout(1).map_err(|why| why.to_string())?;
            self.daemon.speak(&mut self.events);
            self.daemon.take_notices(&mut self.events);
        }
        self.daemon.let_go(&mut self.events, true);
        self.daemon.stop_all();
        self.daemon.hear_all();
        let socket = self.server.borrow().share();
        self.daemon.estate(socket, true)
    }

    fn try_leave(&mut self) -> Result<(), String> {
        let estate = self.last_estate()?;
        let told = estate.learnt.clone();
        let (text, fds) = to_text(estate).map_err(|why| why.to_string())?;
        let lent: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        let (channel, theirs) = Channel::pair().map_err(|why| why.to_string())?;
        // Nobody reads it yet: what does not fit into the socket is too much.
        let left = channel.say(&Word::Estate, Duration::ZERO).and_then(|()| channel.give(&text, &lent, Duration::ZERO));
        left.map_err(|why| why.to_string())?;
        // The next goes on without it: guests are more than what was counted.
        if let Err(why) = self.daemon.leave_rest(&channel, &told, Duration::ZERO) {
            tracing::warn!(why, "the next weftd is not told what was counted and learnt last");
        } else if let Err(why) = self.daemon.leave_lanes(&channel, Duration::ZERO) {
            tracing::warn!(why, "the next weftd has to open lanes anew");
        }
        let kept = [NotifyState::FdStore, NotifyState::FdName(STORED), NotifyState::Custom("FDPOLL=0")];
        sd_notify::notify_with_fds(&kept, &[theirs.as_fd()]).map_err(|why| why.to_string())
    }
}
