// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 5: into the receivers' rings, grouped by destination, each ring locked once a burst.
//!
//! Frames are copied here and made visible later, by [`Delivery::publish`], after the sender's chains were given back. A
//! process that is killed between the two loses frames; the other order would deliver them twice after a restart.

use std::sync::{Arc, MutexGuard};

use sys::Access;

use crate::burst::{Burst, Frame};
use crate::drops::DropReason;
use crate::guard::fits;
use crate::limits::{BURST, CROSSINGS, PORTS, QUEUE_PAIRS};
use crate::namespace::PortSet;
use crate::offload::{self, Scratch};
use crate::patch::Crossing;
use crate::port::{Port, PortSlot, SourceId};
use crate::receiver::{Payload, Receiver};
use crate::stats::Delta;
use crate::steer;
use crate::targets::Targets;
use crate::time::Instant;

/// Whose burst is delivered.
#[derive(Clone, Copy)]
pub(crate) struct Sender {
    pub(crate) id: SourceId,
    pub(crate) slot: PortSlot,
    /// Links that it has crossed.
    pub(crate) hops: u8,
    /// The time of the burst.
    pub(crate) now: Instant,
}

/// Where the frames of a burst go, and what was done to each place. Allocated once a worker.
pub(crate) struct Delivery {
    targets: Targets,
    /// Frames of the destination that is being served, by number.
    picked: Vec<u8>,
    /// Receive rings with unpublished frames.
    touched: Vec<(Arc<Port>, u16)>,
    /// What goes on in other namespaces.
    crossings: Vec<Crossing>,
    scratch: Scratch,
}

impl Delivery {
    pub(crate) fn new() -> Self {
        Self {
            targets: Targets::new(),
            picked: Vec::with_capacity(BURST),
            touched: Vec::with_capacity(PORTS * usize::from(QUEUE_PAIRS)),
            crossings: Vec::with_capacity(CROSSINGS),
            scratch: Scratch::new(),
        }
    }

    /// Delivers every frame of the burst that is to be delivered; `delta` gets the drops that are the sender's.
    pub(crate) fn deliver(&mut self, burst: &Burst, sender: Sender, ports: &PortSet, delta: &mut Delta) {
        self.targets.collect(burst.frames(), ports, sender.slot, delta);
        for at in 0..self.targets.len() {
            let slot = self.targets.pick(at, burst.frames(), &mut self.picked);
            match ports.get(slot) {
                Some(port) if port.patch().is_on() => self.send_across(port, burst.frames(), sender),
                Some(port) => self.deliver_to(port, burst, sender),
                None => (),
            }
        }
    }

    /// Notes that the frames that were picked go into the link that `port` is an end of.
    #[cold]
    fn send_across(&mut self, port: &Arc<Port>, frames: &[Frame], sender: Sender) {
        let mut delta = Delta::default();
        self.police(port, frames, sender.now, &mut delta);
        let all = self.picked.len();
        self.picked.retain(|&number| fits(&frames[usize::from(number)], port.mtu()));
        delta.drops.add_many(DropReason::TooBig, (all - self.picked.len()) as u64);
        if self.crossings.len() < CROSSINGS && Crossing::may_go_on(sender.hops) {
            self.picked.iter().for_each(|&number| delta.traffic.add(frames[usize::from(number)].len));
            let frames = self.picked.iter().fold(0, |set, &number| set | 1 << number);
            self.crossings.push(Crossing { port: Arc::clone(port), frames, hops: sender.hops + 1 });
        } else {
            delta.drops.add_many(DropReason::LinkLoop, self.picked.len() as u64);
        }
        port.counters.add_rx(&delta);
    }

    /// Whether frames of the burst have gone into a link.
    #[inline]
    pub(crate) fn crosses(&self) -> bool {
        !self.crossings.is_empty()
    }

    pub(crate) fn crossing(&self, at: usize) -> Option<Crossing> {
        self.crossings.get(at).cloned()
    }

    pub(crate) fn end_crossings(&mut self) {
        self.crossings.clear();
    }

    /// Delivers the frames that were picked to `port`.
    fn deliver_to(&mut self, port: &Arc<Port>, burst: &Burst, sender: Sender) {
        let mut delta = Delta::default();
        self.police(port, burst.frames(), sender.now, &mut delta);
        let mut locked = Locked { port, owner: sender.id, frames: self.picked.len(), held: None };
        for at in 0..self.picked.len() {
            let frame = &burst.frames()[usize::from(self.picked[at])];
            let next = self.picked.get(at + 1).map(|&next| &burst.frames()[usize::from(next)]);
            let pair = port.steer(|| steer::flow(frame.head(), &frame.ether));
            let outcome = match pair.and_then(|pair| locked.receiver(pair, &mut self.touched)) {
                Some(receiver) => {
                    prefetch(receiver, burst, next);
                    let payload = Payload { head: burst.bytes(frame), more: &[], body: burst.body(frame) };
                    put(receiver, port, frame, &payload, (&mut self.scratch, &mut delta))
                }
                None => Err(DropReason::PortDown),
            };
            if let Err(reason) = outcome {
                delta.drops.add(reason);
            }
        }
        locked.release();
        port.counters.add_rx(&delta);
    }

    /// Picks out what is beyond the port's limits.
    #[inline]
    fn police(&mut self, port: &Port, frames: &[Frame], now: Instant, delta: &mut Delta) {
        let Some(policers) = port.policers() else { return };
        let len = |number: &u8| frames[usize::from(*number)].len;
        let Some(mut meter) = policers.receive(self.picked.iter().map(len), now) else { return };
        let before = self.picked.len();
        self.picked.retain(|number| meter.admit(len(number)));
        delta.drops.add_many(DropReason::RxPoliced, (before - self.picked.len()) as u64);
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

/// The receive rings of one destination, one of which is locked at a time.
struct Locked<'p> {
    port: &'p Arc<Port>,
    owner: SourceId,
    /// How many frames the destination gets, at most.
    frames: usize,
    held: Option<(u16, MutexGuard<'p, Option<Receiver>>)>,
}

impl Locked<'_> {
    /// The receiver of a queue pair, locked until another pair is asked for. `None`: it is not running.
    #[inline]
    fn receiver(&mut self, pair: u16, touched: &mut Vec<(Arc<Port>, u16)>) -> Option<&mut Receiver> {
        if self.held.as_ref().is_none_or(|(held, _)| *held != pair) {
            self.lock(pair, touched);
        }
        self.held.as_mut()?.1.as_mut()
    }

    /// Ends the delivery into the pair that is held, if one is, and unlocks it.
    fn release(&mut self) {
        if let Some((_, mut guard)) = self.held.take()
            && let Some(receiver) = guard.as_mut()
        {
            receiver.end();
        }
    }

    fn lock(&mut self, pair: u16, touched: &mut Vec<(Arc<Port>, u16)>) {
        // Never two at a time: another worker may want them in the other order.
        self.release();
        let (pair, mut guard) = lock_in_use(self.port, pair);
        // Entries of one port stand together, and are as many as its queue pairs at most.
        let mut mine = touched.iter().rev().take_while(|(other, _)| Arc::ptr_eq(other, self.port));
        if mine.all(|(_, other)| *other != pair) {
            touched.push((Arc::clone(self.port), pair));
        }
        if let Some(receiver) = guard.as_mut() {
            receiver.begin(self.owner, self.frames);
        }
        self.held = Some((pair, guard));
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

/// Asks for both sides of the copy after this one, if that is a long one.
#[inline]
fn prefetch(receiver: &Receiver, burst: &Burst, next: Option<&Frame>) {
    let Some(next) = next else { return };
    if let Some(body) = burst.body(next).first() {
        body.prefetch(AHEAD, Access::Read);
        receiver.prefetch_after_next(next.len.min(AHEAD as u32));
    }
}

/// Bytes of a long copy that are asked for ahead of time. Once under way, a copy is followed by the processor itself.
const AHEAD: usize = 2048;

/// Delivers one frame, as it is where the receiver can take it so.
#[inline]
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
