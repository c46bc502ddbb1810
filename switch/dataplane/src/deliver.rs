// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 5: into the receivers' rings, grouped by destination, each ring locked once a burst.
//!
//! Frames are copied here and made visible later, by [`Delivery::publish`], after the sender's chains were given back. A
//! process that is killed between the two loses frames; the other order would deliver them twice after a restart.

use std::sync::{Arc, MutexGuard};

use sys::Access;
use wire::VnetHeader;

use crate::bits::Bits;
use crate::burst::{Burst, Frame, Verdict};
use crate::drops::DropReason;
use crate::limits::{CROSSINGS, PORTS, QUEUE_PAIRS};
use crate::namespace::PortSet;
use crate::offload::{self, Scratch};
use crate::patch::Crossing;
use crate::port::{Port, PortSlot, SourceId};
use crate::receiver::Receiver;
use crate::stats::{Delta, Traffic};
use crate::targets::{Target, Targets};
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
    /// Receive rings with unpublished frames: of the sender's namespace, and of those behind links.
    near: Vec<(PortSlot, u16)>,
    far: Vec<(Arc<Port>, u16)>,
    /// What goes on in other namespaces.
    crossings: Vec<Crossing>,
    /// Control is to look at a port that frames were delivered to.
    pub(crate) news: bool,
    /// Sinks of lanes that were given frames.
    pub(crate) by_lane: Vec<(Arc<Port>, u16)>,
    /// Frames of the burst that came for a guest just when it was waited for no more.
    strays: Bits,
    pub(crate) scratch: Scratch,
}

impl Delivery {
    pub(crate) fn new() -> Self {
        Self {
            targets: Targets::new(),
            near: Vec::with_capacity(PORTS * usize::from(QUEUE_PAIRS)),
            far: Vec::with_capacity(PORTS * usize::from(QUEUE_PAIRS)),
            crossings: Vec::with_capacity(CROSSINGS),
            news: false,
            by_lane: Vec::with_capacity(PORTS * usize::from(QUEUE_PAIRS)),
            strays: Bits::NONE,
            scratch: Scratch::new(),
        }
    }

    /// Delivers every frame of the burst that is to be delivered; `delta` gets the drops that are the sender's.
    pub(crate) fn deliver(&mut self, burst: &Burst, sender: Sender, ports: &PortSet, delta: &mut Delta) {
        self.targets.collect(burst.frames(), ports, sender.slot, delta);
        self.deliver_collected(burst, sender, ports, delta);
    }

    #[inline]
    fn deliver_collected(&mut self, burst: &Burst, sender: Sender, ports: &PortSet, delta: &mut Delta) {
        self.deliver_to_targets(burst, sender, ports);
        if self.strays != Bits::NONE {
            let strays = std::mem::replace(&mut self.strays, Bits::NONE);
            self.targets.redirect(strays, burst.frames(), (ports, sender.slot), delta);
            self.deliver_to_targets(burst, sender, ports);
        }
    }

    fn deliver_to_targets(&mut self, burst: &Burst, sender: Sender, ports: &PortSet) {
        let mut at = 0;
        while let Some(target) = self.targets.get(at) {
            match ports.get(target.slot) {
                Some(port) if port.patch().is_on() => self.send_across(port, target.frames, burst.frames(), sender),
                Some(port) if port.lanes().wheel.is_plain() => self.deliver_to(port, target, burst, sender),
                Some(port) if port.declines(ports.get(sender.slot)) => port.lose(target.frames),
                Some(port) => self.deliver_by_lane(port, target, burst, sender),
                None => (),
            }
            at += 1;
        }
    }

    /// Notes that frames go into the link that `port` is an end of.
    #[cold]
    fn send_across(&mut self, port: &Arc<Port>, mut wanted: Bits, frames: &[Frame], sender: Sender) {
        let mut delta = Delta::default();
        police(port, &mut wanted, frames, sender.now, &mut delta);
        let all = wanted.len();
        wanted.retain(|number| frames[number].fits(port.mtu()));
        delta.drops.add_many(DropReason::TooBig, (all - wanted.len()) as u64);
        if self.crossings.len() < CROSSINGS && Crossing::may_go_on(sender.hops) {
            wanted.iter().for_each(|number| delta.traffic.count(frames[number].len));
            self.crossings.push(Crossing { port: Arc::clone(port), frames: wanted, hops: sender.hops + 1 });
        } else {
            delta.drops.add_many(DropReason::LinkLoop, wanted.len() as u64);
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

    /// Delivers frames to a queue pair of `port`, as many as its limits allow.
    fn deliver_to(&mut self, port: &Arc<Port>, mut target: Target, burst: &Burst, sender: Sender) {
        let mut delta = Delta::default();
        police(port, &mut target.frames, burst.frames(), sender.now, &mut delta);
        self.deliver_to_rings(port, target, burst, sender, delta);
    }

    /// Delivers frames to a queue pair of `port`, which has counted `delta` already.
    pub(crate) fn deliver_to_rings(
        &mut self,
        port: &Arc<Port>,
        target: Target,
        burst: &Burst,
        sender: Sender,
        mut delta: Delta,
    ) {
        let wanted = target.frames;
        let (pair, mut held) = lock_in_use(port, target.pair);
        if let Some(receiver) = held.as_mut().filter(|_| port.runs(pair)) {
            receiver.begin(sender.id, wanted.len() as u16);
            let fill = if receiver.is_logged() { fill::<true> } else { fill::<false> };
            fill(receiver, port.mtu(), wanted, burst, (&mut self.scratch, &mut delta));
            receiver.end();
            port.count(pair, std::mem::take(&mut delta.traffic));
            self.touch(port, pair, sender);
            drop(held);
        } else {
            drop(held);
            let strays = self.miss(port, wanted, burst, sender, &mut delta);
            self.strays.add(strays);
        }
        port.counters.add_rx(&delta);
    }

    /// Remembers that a receive ring has frames to be published. Whoever is named twice is asked twice, to no harm.
    fn touch(&mut self, port: &Arc<Port>, pair: u16, sender: Sender) {
        if sender.hops == 0 {
            self.near.push((port.slot(), pair));
        } else {
            self.far.push((Arc::clone(port), pair));
        }
    }

    /// The ring does not run: it may have stopped just now, since the guest moves, and then the frames wait. Returns those that are to
    /// leave by the uplinks: the wait for a guest that is elsewhere has ended since it was decided that they are for it alone.
    #[cold]
    fn miss(&mut self, port: &Arc<Port>, wanted: Bits, burst: &Burst, sender: Sender, delta: &mut Delta) -> Bits {
        if port.lanes().wheel.is_held()
            && let Some(pairs) = port.hold_back(wanted, burst, sender, delta)
        {
            self.touch_all(port, pairs, sender);
            return Bits::NONE;
        }
        let (mut strays, is_elsewhere) = (wanted, port.is_elsewhere() && !port.is_uplink());
        strays.retain(|number| is_elsewhere && burst.frame(number).verdict == Verdict::Port(port.slot()));
        delta.drops.add_many(DropReason::PortDown, (wanted.len() - strays.len()) as u64);
        strays
    }

    /// The same of several, a bit for each pair.
    pub(crate) fn touch_all(&mut self, port: &Arc<Port>, pairs: u32, sender: Sender) {
        (0..QUEUE_PAIRS).filter(|pair| pairs >> pair & 1 != 0).for_each(|pair| self.touch(port, pair, sender));
    }

    /// Makes all that was delivered for `owner` visible, and rings the bells. `ports` are those that [`Delivery::deliver`]
    /// was given for the sender's own namespace.
    pub(crate) fn publish(&mut self, owner: SourceId, ports: &PortSet) {
        for (slot, pair) in self.near.drain(..) {
            ports.get(slot).into_iter().for_each(|port| publish(port, pair, owner));
        }
        self.far.drain(..).for_each(|(port, pair)| publish(&port, pair, owner));
        if !self.by_lane.is_empty() {
            self.flush_lanes();
        }
    }
}

pub(crate) fn publish(port: &Port, pair: u16, owner: SourceId) {
    if let Some(receiver) = port.lock(pair).as_mut()
        && let Err(fault) = receiver.publish(owner)
    {
        port.set_fault(fault);
    }
}

/// Leaves out what is beyond the port's limits. A port of several queue pairs is asked once for each: its limits are exact,
/// and who comes first in the burst is served first.
#[inline]
pub(crate) fn police(port: &Port, wanted: &mut Bits, frames: &[Frame], now: Instant, delta: &mut Delta) {
    let Some(policers) = port.policers() else { return };
    let lens = wanted.iter().map(|number| frames[number].len);
    let Some(mut meter) = policers.receive(lens, now) else { return };
    let before = wanted.len();
    wanted.retain(|number| meter.admit(frames[number].len));
    delta.drops.add_many(DropReason::RxPoliced, (before - wanted.len()) as u64);
}

/// Locks a pair that the guest has filled: the one that was chosen, else the first.
pub(crate) fn lock_in_use(port: &Port, pair: u16) -> (u16, MutexGuard<'_, Option<Receiver>>) {
    let guard = port.lock(pair);
    if pair == 0 || guard.as_ref().is_none_or(Receiver::in_use) {
        return (pair, guard);
    }
    drop(guard);
    (0, port.lock(0))
}

/// Puts frames into a receive ring, which is `LOGGED` or not.
#[inline(never)]
fn fill<const LOGGED: bool>(
    receiver: &mut Receiver,
    mtu: u16,
    wanted: Bits,
    burst: &Burst,
    (scratch, delta): (&mut Scratch, &mut Delta),
) {
    const PLAIN: [u8; VnetHeader::LEN] = VnetHeader::PLAIN.to_bytes();
    let mut traffic = Traffic::default();
    let mut numbers = wanted.iter();
    while let Some(number) = numbers.next() {
        let (frame, body) = (burst.frame(number), burst.body(burst.frame(number)));
        if !body.is_empty() {
            prefetch(receiver, burst, numbers.peek());
        }
        let ordinary = frame.fits(mtu) && !burst.is_odd(number);
        if ordinary && receiver.put_single::<LOGGED>(&PLAIN, frame.len, frame.head(), body) {
            traffic.count(frame.len);
        } else if let Err(reason) = put::<LOGGED>(receiver, mtu, (burst, frame), scratch, delta) {
            delta.drops.add(reason);
        }
    }
    delta.traffic.frames += traffic.frames;
    delta.traffic.bytes += traffic.bytes;
}

/// Bytes of a long copy that are asked for ahead of time. Once under way, a copy is followed by the processor itself.
const START: usize = 2048;

/// Asks for both sides of the copy after this one. A burst that has one long frame has more of them.
#[inline(never)]
fn prefetch(receiver: &Receiver, burst: &Burst, next: Option<usize>) {
    let Some(frame) = next.map(|next| burst.frame(next)) else { return };
    if let Some(body) = burst.body(frame).first() {
        body.prefetch(START, Access::Read);
        receiver.ask_after_next((frame.len as usize).min(START));
    }
}

/// Delivers one frame of any kind, as it is where the receiver can take it so.
#[inline(never)]
fn put<const LOGGED: bool>(
    receiver: &mut Receiver,
    mtu: u16,
    (burst, frame): (&Burst, &Frame),
    scratch: &mut Scratch,
    delta: &mut Delta,
) -> Result<(), DropReason> {
    if !frame.fits(mtu) {
        return Err(DropReason::TooBig);
    }
    let payload = burst.payload(frame);
    if !frame.vnet.is_plain() && !receiver.negotiated().can_receive(&frame.vnet) {
        return offload::finish(receiver, &frame.vnet, &payload, scratch, delta);
    }
    let header = frame.vnet.forwarded(1).to_bytes();
    if !receiver.put_single::<LOGGED>(&header, frame.len, payload.head, payload.body) {
        receiver.put(&frame.vnet, &payload)?;
    }
    delta.traffic.count(frame.len);
    Ok(())
}

#[cfg(test)]
mod tests;
