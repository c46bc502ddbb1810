// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The destinations of a burst, and which frames each of them gets, in the order in which they came.

use crate::burst::{Frame, Verdict};
use crate::drops::DropReason;
use crate::limits::{BURST, PORTS};
use crate::namespace::PortSet;
use crate::port::PortSlot;
use crate::stats::Delta;

/// No frame, no destination.
const NONE: u16 = u16::MAX;

/// One destination, and the ends of the list of its frames.
#[derive(Clone, Copy)]
struct Target {
    slot: PortSlot,
    first: u8,
    last: u8,
}

/// See the module. Allocated once a worker.
pub(crate) struct Targets {
    /// Where each destination of this burst stands in `list`, by slot.
    index: Vec<u16>,
    list: Vec<Target>,
    /// The next frame for the same destination, by frame; itself at the end of the list.
    next: [u8; BURST],
    /// A frame of the burst goes to every port: the lists do not hold then.
    flooded: bool,
}

impl Targets {
    pub(crate) fn new() -> Self {
        Self { index: vec![NONE; PORTS], list: Vec::with_capacity(PORTS), next: [0; BURST], flooded: false }
    }

    /// How many destinations there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Lists the destinations, and counts the frames that have none.
    pub(crate) fn collect(&mut self, frames: &[Frame], ports: &PortSet, from: PortSlot, delta: &mut Delta) {
        self.clear();
        for (number, frame) in frames.iter().enumerate() {
            match frame.verdict {
                Verdict::Port(slot) if self.append(slot, number as u8, ports) => (),
                Verdict::Flood if ports.members().iter().any(|port| port.slot() != from) => self.flooded = true,
                Verdict::Port(_) | Verdict::Flood | Verdict::Undecided => delta.drops.add(DropReason::NoReceiver),
                Verdict::Drop(reason) => delta.drops.add(reason),
                Verdict::Elsewhere => (),
            }
        }
        if self.flooded {
            let others = ports.members().iter().map(|port| port.slot()).filter(|&slot| slot != from);
            for slot in others {
                self.append(slot, 0, ports);
            }
        }
    }

    fn clear(&mut self) {
        for target in self.list.drain(..) {
            self.index[usize::from(target.slot.0)] = NONE;
        }
        self.flooded = false;
    }

    /// Appends a frame to the list of a destination. False: there is no such port.
    #[inline]
    fn append(&mut self, slot: PortSlot, frame: u8, ports: &PortSet) -> bool {
        self.next[usize::from(frame)] = frame;
        let index = &mut self.index[usize::from(slot.0)];
        if let Some(target) = self.list.get_mut(usize::from(*index)) {
            self.next[usize::from(target.last)] = frame;
            target.last = frame;
            return true;
        }
        if ports.get(slot).is_none() {
            return false;
        }
        *index = self.list.len() as u16;
        self.list.push(Target { slot, first: frame, last: frame });
        true
    }

    /// Fills `picked` with the numbers of the frames for destination `at`, and says which port that is.
    #[inline]
    pub(crate) fn pick(&self, at: usize, frames: &[Frame], picked: &mut Vec<u8>) -> PortSlot {
        let Target { slot, first, .. } = self.list[at];
        picked.clear();
        if self.flooded {
            let mine = |frame: &Frame| matches!(frame.verdict, Verdict::Flood) || frame.verdict == Verdict::Port(slot);
            picked.extend((0..).zip(frames).filter(|(_, frame)| mine(frame)).map(|(number, _)| number));
            return slot;
        }
        let mut number = first;
        loop {
            picked.push(number);
            let next = self.next[usize::from(number)];
            if next == number {
                return slot;
            }
            number = next;
        }
    }
}
