// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The destinations of a burst: receive rings, and which frames each of them gets.

use crate::bits::Bits;
use crate::burst::{Frame, Verdict};
use crate::drops::DropReason;
use crate::limits::{PORTS, QUEUE_PAIRS};
use crate::namespace::PortSet;
use crate::port::{Port, PortSlot};
use crate::stats::Delta;
use crate::steer;

/// No destination.
const NONE: u16 = u16::MAX;

/// One destination: a queue pair of a port, and the frames that it gets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) slot: PortSlot,
    pub(crate) pair: u16,
    pub(crate) frames: Bits,
}

/// See the module. Allocated once a worker.
pub(crate) struct Targets {
    /// Where each destination of this burst stands in `list`, by [`place`].
    index: Vec<u16>,
    list: Vec<Target>,
}

impl Targets {
    pub(crate) fn new() -> Self {
        let places = PORTS * usize::from(QUEUE_PAIRS);
        Self { index: vec![NONE; places], list: Vec::with_capacity(places) }
    }

    /// Destination number `at`, in the order in which they were met.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<Target> {
        self.list.get(at).copied()
    }

    /// Lists the destinations, and counts the frames that have none. Neighbouring frames mostly go the same way, so runs
    /// of them are looked at and not each.
    pub(crate) fn collect(&mut self, frames: &[Frame], ports: &PortSet, from: PortSlot, delta: &mut Delta) {
        self.clear();
        let (mut run, mut verdict) = (Bits::NONE, Verdict::Elsewhere);
        for (number, frame) in frames.iter().enumerate() {
            if frame.verdict != verdict {
                self.add(verdict, run, frames, (ports, from), delta);
                (run, verdict) = (Bits::NONE, frame.verdict);
            }
            run.set(number, true);
        }
        self.add(verdict, run, frames, (ports, from), delta);
    }

    /// Lists where frames go instead whose guest turned out to be elsewhere when they were about to be delivered to it.
    #[cold]
    pub(crate) fn redirect(
        &mut self,
        strays: Bits,
        frames: &[Frame],
        (ports, from): (&PortSet, PortSlot),
        delta: &mut Delta,
    ) {
        self.clear();
        self.let_follow(strays, frames, (ports, from), delta);
    }

    fn clear(&mut self) {
        for target in self.list.drain(..) {
            self.index[place(target.slot, target.pair)] = NONE;
        }
    }

    /// Adds frames of one verdict.
    fn add(
        &mut self,
        verdict: Verdict,
        run: Bits,
        frames: &[Frame],
        (ports, from): (&PortSet, PortSlot),
        delta: &mut Delta,
    ) {
        let mut anybody = false;
        match verdict {
            Verdict::Drop(reason) => return delta.drops.add_many(reason, run.len() as u64),
            Verdict::Elsewhere => return,
            Verdict::Undecided => (),
            Verdict::Port(slot) => match ports.get(slot) {
                Some(port) if port.is_elsewhere() && !port.awaits_guest(ports.get(from)) => {
                    return self.let_follow(run, frames, (ports, from), delta);
                }
                port => anybody = port.map(|port| self.steer(port, run, frames)).is_some(),
            },
            Verdict::Flood => {
                for port in ports.members().iter().filter(|port| port.slot() != from) {
                    self.steer(port, run, frames);
                    anybody = true;
                }
            }
        }
        if !anybody {
            delta.drops.add_many(DropReason::NoReceiver, run.len() as u64);
        }
    }

    /// Adds frames for a guest that is elsewhere: they leave by all uplinks, but for the one that they came from.
    #[cold]
    fn let_follow(&mut self, run: Bits, frames: &[Frame], (ports, from): (&PortSet, PortSlot), delta: &mut Delta) {
        let mut anybody = false;
        for uplink in ports.members().iter().filter(|port| port.slot() != from && port.is_uplink()) {
            self.steer(uplink, run, frames);
            anybody = true;
        }
        if !anybody {
            delta.drops.add_many(DropReason::GuestAway, run.len() as u64);
        }
    }

    /// Adds frames for a port to its queue pairs, each flow to one.
    #[inline]
    fn steer(&mut self, port: &Port, run: Bits, frames: &[Frame]) {
        if let Some(pair) = port.only_pair() {
            return self.append(port.slot(), pair, run);
        }
        for number in run.iter() {
            let flow = steer::flow(frames[number].head(), &frames[number].ether());
            self.append(port.slot(), port.steer(flow), Bits::one(number));
        }
    }

    #[inline]
    fn append(&mut self, slot: PortSlot, pair: u16, frames: Bits) {
        let index = &mut self.index[place(slot, pair)];
        if let Some(target) = self.list.get_mut(usize::from(*index)) {
            return target.frames.add(frames);
        }
        *index = self.list.len() as u16;
        self.list.push(Target { slot, pair, frames });
    }
}

/// The number of a queue pair among all those of a namespace.
#[inline]
fn place(slot: PortSlot, pair: u16) -> usize {
    usize::from(slot.0) * usize::from(QUEUE_PAIRS) + usize::from(pair % QUEUE_PAIRS)
}
