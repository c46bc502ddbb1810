// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports whose guests are on their way here: their source says that they have stopped there.
//!
//! Until that is said, frames for a guest that is to come leave by the uplinks, towards the source. While it stands still, the source
//! can do nothing with them but lose them: it cannot send them back by the uplink that they came from. So from then on what the
//! namespace's own ports have for the guest waits here, in the hold of its port (`hold.rs`), until its rings run (`pause.rs`). Then it
//! is delivered before all that comes later. What an uplink brings for it does not wait: there the source has it too.
//!
//! Whoever says it may be wrong, or the migration may fail. So this is nothing but a wait: it ends with a word of the source's, or
//! after [`AWAY_MAX`], and what has waited then leaves by the uplinks, in order, as if nothing had been said; so does, after it, what a
//! worker had decided to let wait and finds nothing to wait in any more (`deliver.rs`). Frames of the guest
//! that an uplink brings meanwhile are its last words from there, which were under way, and end nothing. Once control has seen a ring
//! of it run here it is as any guest that is here: should it stop again before all its rings run, what waits follows it to where it is
//! heard, or is given up (`pause.rs`).

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use crate::bits::Bits;
use crate::drops::DropReason;
use crate::namespace::Namespace;
use crate::pause::AWAY_MAX;
use crate::port::Port;
use crate::stats::Delta;
use crate::steering::Steering;
use crate::time::Instant;

impl Namespace {
    /// The guest of `port` is at another switch, as control knows ([`Port::set_away`]), and has stopped there to come here: what
    /// the namespace's own ports have for it waits. Said again it changes nothing. False: the port's guest is here, or it is
    /// steered by other rules.
    pub fn expect(&self, port: &Port, now: Instant) -> bool {
        if !port.is_elsewhere() {
            return false;
        }
        if !port.waits_on() {
            if port.steering() != Steering::default() {
                return false;
            }
            port.begin_waiting(now + AWAY_MAX);
        }
        self.take_home(port);
        // With that in Namespace::take_home, which comes between the start of a ring and a look at who waits: of the two one at
        // least sees the other.
        fence(Ordering::SeqCst);
        let vacant = port.is_vacant();
        if !vacant {
            port.has_come();
        }
        vacant
    }

    /// The guest of `port` is not about to come after all. True: a worker is to let go what has waited ([`Port::release`]).
    #[must_use]
    pub fn expect_no_more(&self, port: &Port) -> bool {
        port.is_expected() && port.is_elsewhere() && port.turn_back(self.uplinks())
    }

    /// Gives up a guest that does not come. Control, which looks about once a second, then finds what is to be released.
    pub(crate) fn give_up(&self, port: &Arc<Port>, now: Instant) {
        if port.is_expected() && port.is_overdue(now) {
            _ = self.expect_no_more(port);
        }
    }
}

impl Port {
    /// The guest has come while it was said to be about to. Control finds what is to be released.
    fn has_come(&self) {
        _ = self.resume();
    }

    /// Whether frames for its guest are to wait rather than to leave; asked of a port whose guest is elsewhere.
    pub(crate) fn awaits_guest(&self, from: Option<&Arc<Port>>) -> bool {
        self.is_expected() && from.is_some_and(|from| !from.is_uplink())
    }

    /// Whether frames for all do not wait for its guest, since its source has them too.
    #[cold]
    pub(crate) fn declines(&self, from: Option<&Arc<Port>>) -> bool {
        self.is_expected() && self.is_vacant() && from.is_some_and(|from| from.is_uplink())
    }

    /// Counts frames of which that is so.
    pub(crate) fn lose(&self, frames: Bits) {
        let mut delta = Delta::default();
        delta.drops.add_many(DropReason::PortDown, frames.len() as u64);
        self.counters.add_rx(&delta);
    }
}
