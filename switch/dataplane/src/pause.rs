// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames wait ([`Steering::HELD`]) for a guest none of whose receive rings runs for the moment, or not all of them.
//!
//! *It goes.* What comes while a guest is on its way waits for it, from the moment when its first ring is about to stop: if control
//! has said that it is leaving, or its rings are marked in a dirty log, which is what a VMM wants of the rings of a guest that it
//! moves. It ends with a ring that runs here again, with a frame of the guest from an uplink (`elsewhere.rs`), or, where control
//! has said nothing, after [`AWAY_MAX`]. At the switch where it is to come frames can wait for it as well (`expected.rs`).
//!
//! *It comes.* A VMM starts receive rings one after the other. A flow of the second would go into the first until the second runs,
//! and what comes then would overtake it. So what comes for a guest that lands waits until all rings run that the VMM is known to
//! start, [`KNOWN_MAX`] at most. Some VMMs say nothing of the next ring before they have started one: where a port has room for
//! more rings, they are waited for all the same, but no longer than it takes to start one ([`UNKNOWN_MAX`]). When they run, the guest
//! may not be at work yet: so what comes goes by the hold until it gives buffers (`hold.rs`), also where the ring is the only one.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::hold::Room;
use crate::port::Port;
use crate::receiver::Receiver;
use crate::steering::{LaneSet, Steering};
use crate::time::Instant;

/// For so long frames wait for a guest of whose move control knows nothing, and where it is to come.
pub(crate) const AWAY_MAX: Duration = Duration::from_secs(2);
/// For so long they wait for a receive ring that is about to start.
const KNOWN_MAX: Duration = Duration::from_millis(100);
/// For so long for one of which nothing is known.
const UNKNOWN_MAX: Duration = Duration::from_millis(5);

/// Nobody waits.
const OFF: u8 = 0;
/// Frames wait for a guest that was here, or whose rings are about to start.
const ON: u8 = 1;
/// Frames wait for a guest that is about to come, and control has not seen it here.
const EXPECTED: u8 = 2;

/// See the module.
#[derive(Default)]
pub(crate) struct Pause {
    state: AtomicU8,
    /// How long it may last, in nanoseconds since the origin.
    until: AtomicU64,
}

impl Pause {
    fn extend(&self, until: Instant) {
        self.until.store(until.as_nanos(), Ordering::Relaxed);
    }

    fn is_over(&self, now: Instant) -> bool {
        now.as_nanos() >= self.until.load(Ordering::Relaxed)
    }

    /// The guest that was about to come was here: what waits, waits for one that may stop again and be heard elsewhere.
    pub(crate) fn has_been_here(&self) {
        // Whoever ends it meanwhile has ended it.
        let _ = self.state.compare_exchange(EXPECTED, ON, Ordering::Release, Ordering::Relaxed);
    }

    /// True: it was on.
    pub(crate) fn end(&self) -> bool {
        self.state.swap(OFF, Ordering::Relaxed) != OFF
    }
}

impl Port {
    /// A receive ring is about to stop. From then on frames for a guest that goes elsewhere wait; not those of one that does not
    /// hear its rings. True: control has said that it goes, and is to hear of this.
    pub fn pause(&self, pair: u16, now: Instant) -> bool {
        let is_logged = || pair < self.queue_pairs() && self.lock(pair).as_ref().is_some_and(Receiver::is_logged);
        if self.is_leaving() || is_logged() {
            self.begin_pause(now + AWAY_MAX, ON, false);
        }
        self.is_leaving()
    }

    /// The first receive ring of a guest that was at work elsewhere is about to start. Frames wait until all of them run, and until it
    /// takes what comes (`hold.rs`).
    pub fn land(&self, now: Instant) {
        if !self.is_running() {
            self.begin_pause(now + UNKNOWN_MAX, ON, true);
        }
    }

    /// A receive ring runs; `more`: others are about to. True: a worker is to deliver what waits ([`Port::release`]).
    #[must_use]
    pub fn settle(&self, more: bool, now: Instant) -> bool {
        if self.runs_all() {
            return self.resume();
        }
        self.pause.extend(now + if more { KNOWN_MAX } else { UNKNOWN_MAX });
        self.is_paused()
    }

    /// The guest is not waited for any more. True: a worker is to deliver what has waited ([`Port::release`]).
    #[must_use]
    pub fn resume(&self) -> bool {
        let mut hold = self.lanes().hold.lock();
        let waited = self.pause.end() && self.steering() == Steering::HELD;
        if let Some(after) = hold.as_ref().filter(|_| waited).map(|room| room.after) {
            self.turn(&mut hold, after);
        }
        waited
    }

    /// Some of the rings of a guest run, and frames wait for the others.
    pub(crate) fn awaits_rings(&self, now: Instant) -> bool {
        if !self.is_paused() || !self.is_running() {
            return false;
        }
        let over = self.pause.is_over(now);
        if over {
            _ = self.resume();
        }
        !over
    }

    /// Gives up a guest that was neither heard elsewhere nor came back. Control looks about once a second.
    pub(crate) fn lose_patience(&self, now: Instant) {
        let waits = self.is_paused() && !self.is_expected() && !self.is_running() && !self.is_leaving();
        if waits && self.is_overdue(now) && self.pause.end() {
            self.drop_held();
        }
    }

    /// The guest is about to come, and none of its rings runs yet.
    pub(crate) fn begin_waiting(&self, until: Instant) {
        self.begin_pause(until, EXPECTED, true);
    }

    fn begin_pause(&self, until: Instant, state: u8, fresh: bool) {
        let mut hold = self.lanes().hold.lock();
        let steering = self.steering();
        // Before a VMM moves a guest with a VF it takes that from it, and may put it back: until then frames go by both lanes.
        // What its rings have already goes with it.
        if steering == Steering::default() || steering == Steering::all(LaneSet::BOTH) || steering.asks {
            self.pause.extend(until);
            let room = hold.get_or_insert_with(Room::new);
            room.forget_sent();
            (room.after, room.fresh) = (steering, fresh);
            self.turn(&mut hold, Steering::HELD);
            // Who finds it expected finds that frames wait.
            self.pause.state.store(state, Ordering::Release);
        }
    }

    /// Whether frames wait for its guest, be it because it has stopped, or because it is about to start.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.pause.state.load(Ordering::Relaxed) != OFF
    }

    /// Whether its guest is about to come from elsewhere.
    pub(crate) fn is_expected(&self) -> bool {
        self.pause.state.load(Ordering::Acquire) == EXPECTED
    }

    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.pause.is_over(now)
    }
}
