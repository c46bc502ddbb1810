// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames that another lane carries as well, into a lane whose other end may not take them in yet.
//!
//! While a guest gets both lanes it takes what comes from exactly one. A NIC that its driver has not opened yet (e1000e, igb)
//! takes nothing in: QEMU keeps the first frame, and the rest waits in the socket. When the driver opens it, half a second
//! later, those are old, and the guest has had them already by its other lane. So nothing goes there before two *probes*, which
//! no guest listens to, were taken in: one more than QEMU keeps for a closed NIC. An open NIC takes them at once.

use std::os::fd::AsFd;

use dataplane::Payload;

use super::outlet::Shared;
use super::queue::Queue;

/// What no guest listens to: to the address of nobody, with the EtherType for local experiments (IEEE 802, 0x88b5).
const PROBE: [u8; 60] = {
    let mut frame = [0; 60];
    ([frame[0], frame[6]], [frame[12], frame[13]]) = ([2, 2], [0x88, 0xb5]);
    frame
};
const PROBES: usize = 2;

/// Bursts in a row before which something waited: the other end has stopped to take in.
const STALLS: u32 = 64;

/// Whether frames that are spare may go into a lane.
pub(super) struct Spare {
    /// Another lane carries what comes.
    on: bool,
    /// The probes are out.
    asked: bool,
    /// The other end takes in what comes.
    flows: bool,
    stalls: u32,
    probes: Queue,
    /// What stands before a probe.
    prefix: Vec<u8>,
}

impl Spare {
    /// For a lane that has `prefix` before a frame of as many bytes as it is given.
    pub(super) fn new(prefix: impl Fn(usize) -> Vec<u8>) -> Self {
        let prefix = prefix(PROBE.len());
        let probes = Queue::new(PROBES, 1, prefix.len());
        Self { on: false, asked: false, flows: false, stalls: 0, probes, prefix }
    }

    /// Whether what comes from now on is spare.
    pub(super) fn set<S: AsFd>(&mut self, on: bool, shared: &Shared<S>) {
        self.on = on;
        self.begin();
        shared.set_sparing(on);
    }

    /// The other end is another one.
    pub(super) fn begin(&mut self) {
        (self.asked, self.flows, self.stalls) = (false, false, 0);
    }

    /// Whether a burst may go. If not, it is better lost.
    pub(super) fn admits<S: AsFd>(&mut self, shared: &Shared<S>) -> bool {
        if !self.on {
            return true;
        }
        let drained = shared.is_drained();
        if !self.asked {
            self.asked = drained && self.ask(shared);
        } else if drained {
            (self.flows, self.stalls) = (true, 0);
        } else if self.flows {
            self.stalls += 1;
            self.flows = self.stalls < STALLS;
            if !self.flows {
                shared.give_up();
            }
        }
        self.flows
    }

    fn ask<S: AsFd>(&mut self, shared: &Shared<S>) -> bool {
        for _ in 0..PROBES {
            self.probes.push(&self.prefix, &Payload::held(&PROBE, &[]));
        }
        let went = shared.flush(&mut self.probes);
        self.probes.clear();
        // They are no frames.
        self.probes.outcome();
        went
    }
}
