// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames that wait for a guest which hears neither of its lanes just now.
//!
//! A guest with net_failover whose VF is taken from it is deaf for a while: its driver has let the device go already, and its
//! standby is let through only when the last reader of the old arrangement has gone. What came in that time by either lane, or
//! by both, would be lost. So control lets it wait here ([`Steering::HELD`]) until it knows that the guest hears again, steers
//! to the lane where it does, and has a worker deliver what waits ([`Port::release`]).
//!
//! *Order.* While anything waits, all that comes goes behind it, whoever delivers. The hold ends under its lock, when the last
//! frame is in a ring. It is used as well while a guest moves (`pause.rs`). *Bounds.* [`limits::HELD_FRAMES`] and [`limits::HELD_BYTES`]; what is beyond them is a drop, and control
//! hears of it, to do something else.
//!
//! *Its end.* A guest that has just landed, or changed its lane, may take nothing for a while, though it runs: an emulated one on a
//! busy machine first has all of its code translated. What fits into its ring goes there at once, and what comes meanwhile goes by
//! the hold until the guest gives new buffers; where it was at work all the time, until it has so many that nothing is about to be
//! lost. But no longer than [`PATIENCE`]: one that is slower than its senders would never be through, and all that it gets would come late.

mod follow;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wire::{EtherHeader, VnetHeader};

use crate::bits::Bits;
use crate::burst::Burst;
use crate::deliver::{lock_in_use, publish};
use crate::drops::DropReason;
use crate::emit::CONTROL;
use crate::features::Negotiated;
use crate::lanes::{Errand, Lanes};
use crate::limits::{HELD_BYTES, HELD_FRAMES};
use crate::offload::{self, Destination, Scratch};
use crate::payload::Payload;
use crate::port::Port;
use crate::receiver::Receiver;
use crate::stats::Delta;
use crate::steer;
use crate::steering::Steering;
use crate::time::Instant;

/// For so long what waits is let out, at most: for a guest that takes nothing, and for one that takes less than comes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where frames of a port wait, while they do.
#[derive(Default)]
pub(crate) struct Hold(Mutex<Option<Room>>);

impl Hold {
    /// Its lock, taken once a burst. Who holds it may lock a ring or a sink, never the other way round.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<Room>> {
        // A panic while it was held has been reported already.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The frames of one hold. All of it is allocated when the hold begins.
pub(crate) struct Room {
    /// A frame lies in one piece, those that came later behind it, or before all others.
    bytes: Vec<u8>,
    frames: VecDeque<Waiting>,
    scratch: Scratch,
    /// It is being let out.
    ending: Option<Ending>,
    /// The guest has only just come: it is not known to be at work until it gives buffers.
    pub(crate) fresh: bool,
    /// The guest does not come: what waits leaves by these uplinks.
    back: Option<Vec<Arc<Port>>>,
    /// How control wants frames steered that need not wait for a guest on its way.
    pub(crate) after: Steering,
}

/// How what waits is let out.
#[derive(Clone, Copy)]
struct Ending {
    /// When that is given up.
    until: Instant,
    /// How many buffers the guest had given when it began ([`Port::offered`]).
    offered: u16,
}

/// A frame that waits, and where it lies.
struct Waiting {
    vnet: VnetHeader,
    start: usize,
    len: usize,
}

/// A frame that was not delivered.
struct Refused {
    reason: DropReason,
    /// Nothing of it was: it may be tried again.
    whole: bool,
}

impl From<DropReason> for Refused {
    fn from(reason: DropReason) -> Self {
        Self { reason, whole: true }
    }
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; HELD_BYTES],
            frames: VecDeque::with_capacity(HELD_FRAMES),
            scratch: Scratch::new(),
            ending: None,
            fresh: false,
            back: None,
            after: Steering::default(),
        }
    }

    /// Puts a frame behind those that wait.
    pub(crate) fn take(&mut self, vnet: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        let start = self.place(payload.len()).filter(|_| self.frames.len() < HELD_FRAMES);
        let room = start.and_then(|start| Some((start, self.bytes.get_mut(start..start + payload.len())?)));
        let taken = room.and_then(|(start, room)| Some((start, payload.copy_to(room)?)));
        let (start, len) = taken.ok_or(DropReason::HoldFull)?;
        self.frames.push_back(Waiting { vnet: *vnet, start, len });
        Ok(())
    }

    /// Where a frame of this length has room in one piece: behind the last, or where others have waited that are gone.
    fn place(&self, len: usize) -> Option<usize> {
        let (Some(first), Some(last)) = (self.frames.front(), self.frames.back()) else { return Some(0) };
        let (first, end) = (first.start, last.start + last.len);
        if last.start < first {
            return (len <= first - end).then_some(end);
        }
        if len <= self.bytes.len() - end { Some(end) } else { (len <= first).then_some(0) }
    }

    /// What waits is not to be let out any more, if it was.
    pub(crate) fn shut_in(&mut self) {
        self.ending = None;
    }

    /// Delivers in order. False: the guest has still time, and a ring is full or about to be.
    fn deliver(&mut self, port: &Port, now: Instant, delta: &mut Delta) -> bool {
        let begin = || Ending { until: now + PATIENCE, offered: port.offered() };
        let Ending { until, offered } = *self.ending.get_or_insert_with(begin);
        while let Some(waiting) = self.frames.front() {
            let frame = &self.bytes[waiting.start..waiting.start + waiting.len];
            match port.deliver_held(&waiting.vnet, frame, &mut self.scratch, delta) {
                Err(Refused { reason: DropReason::RingFull, whole: true }) if now < until => return false,
                Err(Refused { reason, .. }) => delta.drops.add(reason),
                Ok(()) => (),
            }
            self.frames.pop_front();
        }
        now >= until || port.offered() != offered || port.has_room(self.fresh)
    }
}

impl Port {
    /// Lets frames wait, if they are to: their receiver is held. False: it is not any more.
    #[cold]
    pub(crate) fn hold_back(&self, wanted: Bits, burst: &Burst, delta: &mut Delta) -> bool {
        let mut hold = self.lanes().hold.lock();
        let Some(room) = hold.as_mut() else { return false };
        for number in wanted.iter() {
            let frame = burst.frame(number);
            let fits = if frame.fits(self.mtu()) { Ok(()) } else { Err(DropReason::TooBig) };
            let taken = fits.and_then(|()| room.take(&frame.vnet, &burst.payload(frame)));
            taken.err().into_iter().for_each(|reason| delta.drops.add(reason));
        }
        if delta.drops.get(DropReason::HoldFull) > 0 {
            self.lanes().overflowed();
        }
        true
    }

    /// The same for a frame of control's. `None`: it does not wait.
    pub(crate) fn hold_emission(&self, frame: &[u8]) -> Option<Result<(), DropReason>> {
        let mut hold = self.lanes().hold.lock();
        Some(hold.as_mut()?.take(&VnetHeader::PLAIN, &Payload::held(frame, &[])))
    }

    /// Whether frames wait, or would if any came.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.lanes().wheel.is_held()
    }

    /// Whether frames wait that are to be delivered: see [`Port::release`].
    #[must_use]
    pub fn wants_release(&self) -> bool {
        self.lanes().wheel.is_releasing()
    }

    /// Delivers what waited for the guest, in order, by the lanes that are steered to now; nothing if it still has to wait.
    /// False: the guest's ring is full, or about to be, or does not run yet, and this is to be called again. A bell may block, so this is for
    /// a worker's thread, between two bursts.
    pub fn release(&self, now: Instant) -> bool {
        if self.awaits_rings(now) {
            return false;
        }
        let mut hold = self.lanes().hold.lock();
        if !self.wants_release() {
            return true;
        }
        if let Some(uplinks) = hold.as_mut().and_then(|room| room.back.take()).filter(|_| self.is_vacant()) {
            self.send_held_back(hold, &uplinks);
            return true;
        }
        let mut delta = Delta::default();
        let done = hold.as_mut().is_none_or(|room| room.deliver(self, now, &mut delta));
        for pair in 0..self.queue_pairs() {
            publish(self, pair, CONTROL);
        }
        if done {
            *hold = None;
            self.lanes().wheel.end_hold();
        }
        drop(hold);
        self.counters.add_rx(&delta);
        done
    }

    /// Drops what waits, if anything does: whoever it was for is another process's guest.
    pub fn drop_held(&self) {
        let mut delta = Delta::default();
        self.abandon_hold(&mut delta);
        self.counters.add_rx(&delta);
    }

    /// Nothing waits any more; what did is lost.
    pub(crate) fn abandon_hold(&self, delta: &mut Delta) {
        let mut hold = self.lanes().hold.lock();
        let Some(room) = hold.take() else { return };
        self.turn(&mut hold, self.wanted(&room));
        delta.drops.add_many(DropReason::PortDown, room.frames.len() as u64);
    }

    /// How many buffers the guest has given its receive rings that run, modulo 2^16: another number, if it has given more.
    fn offered(&self) -> u16 {
        let offered = |pair| self.lock(pair).as_ref().map_or(0, Receiver::offered);
        (0..self.queue_pairs()).map(offered).fold(0, u16::wrapping_add)
    }

    /// Whether none of its rings that get frames is about to be full, as that of a `fresh` guest may always be.
    fn has_room(&self, fresh: bool) -> bool {
        let is_well = |receiver: &Receiver| if fresh { !receiver.in_use() } else { receiver.has_room() };
        let has_room = |pair| self.lock(pair).as_ref().is_none_or(is_well);
        !self.steering().unicast.synthetic || (0..self.queue_pairs()).all(has_room)
    }

    /// Delivers one frame by the lanes that it is for; it is not published yet.
    fn deliver_held(
        &self,
        vnet: &VnetHeader,
        frame: &[u8],
        scratch: &mut Scratch,
        delta: &mut Delta,
    ) -> Result<(), Refused> {
        let ether = EtherHeader::parse(frame).unwrap_or_default();
        let lanes = self.lanes().wheel.get().of(ether.dst.is_multicast());
        let payload = Payload::held(frame, &[]);
        if lanes.synthetic || !lanes.vf || self.lanes().queues() == 0 {
            self.deliver_held_to_ring(vnet, &payload, steer::flow(frame, &ether), (scratch, delta))?;
        }
        if lanes.vf {
            deliver_held_to_sink(self.lanes(), lanes.synthetic, (vnet, &payload), (scratch, delta));
        }
        Ok(())
    }

    fn deliver_held_to_ring(
        &self,
        vnet: &VnetHeader,
        payload: &Payload<'_>,
        flow: u32,
        (scratch, delta): (&mut Scratch, &mut Delta),
    ) -> Result<(), Refused> {
        let pair = self.only_pair().unwrap_or_else(|| self.steer(flow));
        let (pair, mut held) = lock_in_use(self, pair);
        let receiver = held.as_mut().filter(|_| self.runs(pair)).ok_or(DropReason::PortDown)?;
        let (negotiated, mut made) = (receiver.negotiated(), Delta::default());
        receiver.begin(CONTROL, 1);
        let put = put(receiver, negotiated, (vnet, payload), scratch, &mut made);
        receiver.end();
        self.count(pair, made.traffic);
        delta.checksums += made.checksums;
        delta.segments += made.segments;
        // Pieces that are there must not come again.
        put.map_err(|reason| Refused { reason, whole: made.segments == 0 })
    }
}

/// Into the first queue of the other lane.
fn deliver_held_to_sink(
    lanes: &Lanes,
    is_copy: bool,
    (vnet, payload): (&VnetHeader, &Payload<'_>),
    (scratch, delta): (&mut Scratch, &mut Delta),
) {
    let outlet = lanes.outlet(0);
    let mut held = outlet.lock();
    let Some(held) = held.as_mut() else { return };
    outlet.begin(held, if is_copy { Errand::Copy } else { Errand::Sole }, delta);
    let (negotiated, mut made) = (held.sink().negotiated(), Delta::default());
    if let Err(reason) = put(held, negotiated, (vnet, payload), scratch, &mut made) {
        outlet.refuse(held, reason, delta);
    }
    delta.checksums += made.checksums;
    delta.segments += made.segments;
    outlet.flush(held, delta);
}

/// Puts a frame, as it is where the receiver can take it so.
fn put(
    to: &mut impl Destination,
    negotiated: Negotiated,
    (vnet, payload): (&VnetHeader, &Payload<'_>),
    scratch: &mut Scratch,
    delta: &mut Delta,
) -> Result<(), DropReason> {
    if !vnet.is_plain() && !negotiated.can_receive(vnet) {
        return offload::finish(to, vnet, payload, scratch, delta);
    }
    to.put(&vnet.forwarded(1), payload)?;
    delta.traffic.count(payload.len() as u32);
    Ok(())
}
