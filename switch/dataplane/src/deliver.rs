// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 5: into the receivers' rings, grouped by destination, each ring locked once a burst.
//!
//! Frames are copied here and made visible later, by [`publish`], after the sender's chains were given back. A process
//! that is killed between the two loses frames; the other order would deliver them twice after a restart.

use std::sync::{Arc, MutexGuard};

use sys::MemoryMap;

use crate::burst::{Burst, Frame, Verdict};
use crate::drops::DropReason;
use crate::guard::fits;
use crate::limits::{PORTS, QUEUE_PAIRS};
use crate::namespace::PortSet;
use crate::offload::{self, Scratch};
use crate::port::{Port, PortSlot, SourceId};
use crate::receiver::{Payload, Receiver};
use crate::stats::Delta;
use crate::steer;
use crate::time::Instant;

/// Whose burst is delivered.
#[derive(Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub(crate) id: SourceId,
    pub(crate) slot: PortSlot,
    pub(crate) memory: &'a MemoryMap,
    pub(crate) now: Instant,
}

/// One destination of a burst.
#[derive(Clone, Copy)]
struct Target {
    slot: PortSlot,
    /// Frames that are for it.
    frames: usize,
}

/// The destinations of one burst, and what was done to each. Allocated once a worker.
pub(crate) struct Delivery {
    /// Where each destination of this burst stands in `targets`, by slot; `u16::MAX`: not a destination.
    index: Vec<u16>,
    targets: Vec<Target>,
    /// Receive rings with unpublished frames.
    touched: Vec<(Arc<Port>, u16)>,
    scratch: Scratch,
}

impl Delivery {
    pub(crate) fn new() -> Self {
        Self {
            index: vec![u16::MAX; PORTS],
            targets: Vec::with_capacity(PORTS),
            touched: Vec::with_capacity(PORTS * usize::from(QUEUE_PAIRS)),
            scratch: Scratch::new(),
        }
    }

    /// Delivers every frame of the burst that is to be delivered; `delta` gets the drops that are the sender's.
    pub(crate) fn deliver(&mut self, burst: &Burst, sender: Sender<'_>, ports: &PortSet, delta: &mut Delta) {
        self.collect_targets(burst, ports, sender.slot, delta);
        for at in 0..self.targets.len() {
            let Target { slot, frames } = self.targets[at];
            if let Some(port) = ports.get(slot) {
                self.deliver_to((port, frames), burst, sender);
            }
        }
    }

    /// Lists the destinations, and counts the frames that have none.
    fn collect_targets(&mut self, burst: &Burst, ports: &PortSet, from: PortSlot, delta: &mut Delta) {
        for target in self.targets.drain(..) {
            self.index[usize::from(target.slot.0)] = u16::MAX;
        }
        for frame in burst.frames() {
            match frame.verdict {
                Verdict::Port(slot) if ports.get(slot).is_some() => self.add_target(slot),
                Verdict::Flood if ports.members().iter().any(|port| port.slot() != from) => {
                    let others = ports.members().iter().map(|port| port.slot()).filter(|&slot| slot != from);
                    others.for_each(|slot| self.add_target(slot));
                }
                Verdict::Port(_) | Verdict::Flood | Verdict::Undecided => delta.drops.add(DropReason::NoReceiver),
                Verdict::Drop(reason) => delta.drops.add(reason),
            }
        }
    }

    fn add_target(&mut self, slot: PortSlot) {
        let index = &mut self.index[usize::from(slot.0)];
        if *index == u16::MAX {
            *index = self.targets.len() as u16;
            self.targets.push(Target { slot, frames: 0 });
        }
        self.targets[usize::from(*index)].frames += 1;
    }

    fn deliver_to(&mut self, (port, frames): (&Arc<Port>, usize), burst: &Burst, sender: Sender<'_>) {
        let mut delta = Delta::default();
        let mut locked: Option<(u16, MutexGuard<'_, Option<Receiver>>)> = None;
        let slot = port.slot();
        let policers = port.policers();
        let mut meter = policers.as_ref().and_then(|policers| policers.receive(burst, slot, sender.now));
        for frame in burst.frames() {
            if frame.verdict != Verdict::Port(slot) && frame.verdict != Verdict::Flood {
                continue;
            }
            if meter.as_mut().is_some_and(|meter| !meter.admit(frame.len)) {
                delta.drops.add(DropReason::RxPoliced);
                continue;
            }
            let pair = port.steer(|| steer::flow(frame.head(), &frame.ether));
            let receiver = pair.and_then(|pair| self.receiver(port, pair, &mut locked, (sender.id, frames)));
            let payload =
                Payload { head: burst.bytes(frame), more: &[], body: burst.body(frame), memory: sender.memory };
            let outcome = match receiver {
                Some(receiver) => put(receiver, port, frame, &payload, (&mut self.scratch, &mut delta)),
                None => Err(DropReason::PortDown),
            };
            if let Err(reason) = outcome {
                delta.drops.add(reason);
            }
        }
        drop(locked);
        port.counters.add_rx(&delta);
    }

    /// The receiver of a queue pair, locked until another pair is asked for.
    fn receiver<'a, 'p>(
        &mut self,
        port: &'p Arc<Port>,
        pair: u16,
        locked: &'a mut Option<(u16, MutexGuard<'p, Option<Receiver>>)>,
        (owner, frames): (SourceId, usize),
    ) -> Option<&'a mut Receiver> {
        if locked.as_ref().is_none_or(|(held, _)| *held != pair) {
            // Never two at a time: another worker may want them in the other order.
            *locked = None;
            let (pair, mut guard) = lock_in_use(port, pair);
            self.touch(port, pair);
            if let Some(receiver) = guard.as_mut() {
                receiver.begin(owner, frames);
            }
            *locked = Some((pair, guard));
        }
        locked.as_mut()?.1.as_mut()
    }

    fn touch(&mut self, port: &Arc<Port>, pair: u16) {
        // Entries of one port stand together, and are as many as its queue pairs at most.
        let mine = self.touched.iter().rev().take_while(|(other, _)| Arc::ptr_eq(other, port));
        if mine.into_iter().all(|(_, other)| *other != pair) {
            self.touched.push((Arc::clone(port), pair));
        }
    }

    /// Makes all that was delivered for `owner` visible, and rings the bells.
    pub(crate) fn publish(&mut self, owner: SourceId) {
        for (port, pair) in self.touched.drain(..) {
            if let Some(receiver) = port.lock(pair).as_mut()
                && let Err(fault) = receiver.publish(owner)
            {
                port.set_fault(fault);
            }
        }
    }
}

/// Locks a pair that the guest has filled: the one that was chosen, else the first.
fn lock_in_use(port: &Port, pair: u16) -> (u16, MutexGuard<'_, Option<Receiver>>) {
    let guard = port.lock(pair);
    if pair == 0 || guard.as_ref().is_none_or(Receiver::in_use) {
        return (pair, guard);
    }
    drop(guard);
    (0, port.lock(0))
}

/// Delivers one frame, as it is where the receiver can take it so.
fn put(
    receiver: &mut Receiver,
    port: &Port,
    frame: &Frame,
    payload: &Payload<'_>,
    (scratch, delta): (&mut Scratch, &mut Delta),
) -> Result<(), DropReason> {
    if !fits(frame, port.mtu()) {
        return Err(DropReason::TooBig);
    }
    if !frame.vnet.is_plain() && !receiver.negotiated().can_receive(&frame.vnet) {
        return offload::finish(receiver, &frame.vnet, payload, scratch, delta);
    }
    receiver.put(&frame.vnet, payload)?;
    delta.traffic.add(frame.len);
    Ok(())
}
