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
//! hears of it, to do something else. While a guest is asked what it has taken (`confirm.rs`), copies of what is in its ring are here as well.
//!
//! *Its end.* A guest that has just landed, or changed its lane, may take nothing for a while, though it runs: an emulated one on a
//! busy machine first has all of its code translated. What fits into its ring goes there at once, and what comes meanwhile goes by
//! the hold until the guest gives new buffers; where it was at work all the time, until it has so many that nothing is about to be
//! lost. But no longer than [`PATIENCE`]: one that is slower than its senders would never be through, and all that it gets would come late.

mod follow;
mod room;

use room::Ending;
pub(crate) use room::{Room, Waiting};

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wire::{EtherHeader, VnetHeader};

use crate::bits::Bits;
use crate::burst::Burst;
use crate::deliver::{Sender, lock_in_use, publish};
use crate::drops::DropReason;
use crate::emit::CONTROL;
use crate::features::Negotiated;
use crate::lanes::{Errand, Held, Lanes};
use crate::offload::{self, Destination, Scratch};
use crate::payload::Payload;
use crate::port::{Port, SourceId};
use crate::receiver::Receiver;
use crate::stats::Delta;
use crate::steer;
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

/// A frame that was not delivered.
pub(crate) struct Refused {
    pub(crate) reason: DropReason,
    /// Nothing of it was: it may be tried again.
    pub(crate) whole: bool,
}

impl From<DropReason> for Refused {
    fn from(reason: DropReason) -> Self {
        Self { reason, whole: true }
    }
}

impl Room {
    /// Delivers in order. False: the guest has still time, and a ring or the other lane is full or about to be.
    fn deliver(&mut self, port: &Port, now: Instant, delta: &mut Delta) -> bool {
        let begin = || Ending { until: now + PATIENCE, offered: port.offered() };
        let Ending { until, offered } = *self.ending.get_or_insert_with(begin);
        let sends_again = port.steering().sends_again();
        while let Some(waiting) = self.frames.front().copied() {
            let is_copy = self.sent > 0;
            if sends_again && now < until && !(port.is_lane_clear() && self.has_credit(port, now, delta)) {
                return false;
            }
            let given = if waiting.is_done || (is_copy && !self.is_answered()) {
                Ok(())
            } else if is_copy {
                port.deliver_again(&waiting.vnet, waiting.of(&self.bytes), &mut self.scratch, delta);
                Ok(())
            } else {
                port.deliver_held(&waiting.vnet, waiting.of(&self.bytes), &mut self.scratch, delta)
            };
            match given {
                Err(Refused { reason: DropReason::RingFull, whole: true }) if now < until => return false,
                Err(Refused { reason, .. }) => delta.drops.add(reason),
                Ok(()) => (),
            }
            self.pop();
        }
        now >= until || port.offered() != offered || port.has_room(self.fresh)
    }
}

impl Port {
    /// Lets frames wait, if they are to: their receiver is held, or asked what it has taken (`confirm.rs`). Returns into which rings some
    /// went all the same, as a bit for each. `None`: it is not held any more.
    #[cold]
    pub(crate) fn hold_back(&self, wanted: Bits, burst: &Burst, sender: Sender, delta: &mut Delta) -> Option<u32> {
        let mut hold = self.lanes().hold.lock();
        let room = hold.as_mut()?;
        let asks = self.lanes().wheel.is_asking();
        if asks && !self.confirms(room, sender.now) {
            return None;
        }
        for number in wanted.iter() {
            let frame = burst.frame(number);
            let fits = if frame.fits(self.mtu()) { Ok(()) } else { Err(DropReason::TooBig) };
            let taken = fits.and_then(|()| self.take(room, asks, (&frame.vnet, &burst.payload(frame))));
            taken.err().into_iter().for_each(|reason| delta.drops.add(reason));
        }
        if asks {
            return Some(self.hand_over(room, (sender.id, sender.now), delta));
        }
        if delta.drops.get(DropReason::HoldFull) > 0 {
            self.lanes().overflowed();
        }
        Some(0)
    }

    fn take(
        &self,
        room: &mut Room,
        asks: bool,
        (vnet, payload): (&VnetHeader, &Payload<'_>),
    ) -> Result<(), DropReason> {
        if asks { self.keep(room, vnet, payload) } else { room.take(vnet, payload) }
    }

    /// The same for a frame of control's. `None`: it does not wait.
    pub(crate) fn hold_emission(
        &self,
        frame: &[u8],
        now: Instant,
        delta: &mut Delta,
    ) -> Option<Result<(), DropReason>> {
        let mut hold = self.lanes().hold.lock();
        let room = hold.as_mut()?;
        let asks = self.lanes().wheel.is_asking();
        if asks && !self.confirms(room, now) {
            return None;
        }
        let taken = self.take(room, asks, (&VnetHeader::PLAIN, &Payload::held(frame, &[])));
        if asks {
            let touched = self.hand_over(room, (CONTROL, now), delta);
            self.publish_pairs(touched, CONTROL);
        }
        Some(taken)
    }

    /// Whether frames wait for the guest, or would if any came.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.lanes().wheel.is_held() && !self.is_asked()
    }

    /// Whether the guest is asked what it has taken, so that [`Port::release`] is to be called now and then (`confirm.rs`).
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.lanes().wheel.is_asking()
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
        let mut delta = Delta::default();
        if let Some(room) = hold.as_mut().filter(|_| self.is_asked()) {
            self.ask_again(room, now, &mut delta);
            drop(hold);
            self.counters.add_rx(&delta);
            return true;
        }
        if !self.wants_release() {
            return true;
        }
        if let Some(uplinks) = hold.as_mut().and_then(|room| room.back.take()).filter(|_| self.is_vacant()) {
            self.send_held_back(hold, &uplinks);
            return true;
        }
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
        delta.drops.add_many(DropReason::PortDown, room.waiting() as u64);
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
        if lanes.synthetic || !lanes.vf || self.lanes().queues() == 0 {
            self.deliver_held_to_ring(vnet, frame, CONTROL, (scratch, delta))?;
        }
        if !lanes.vf {
            return Ok(());
        }
        let errand = if lanes.synthetic { Errand::Copy } else { Errand::Sole };
        deliver_held_to_sink(self.lanes(), errand, (vnet, frame), (scratch, delta));
        Ok(())
    }

    /// Delivers one by the other lane that a ring has already: it is received once.
    fn deliver_again(&self, vnet: &VnetHeader, frame: &[u8], scratch: &mut Scratch, delta: &mut Delta) {
        deliver_held_to_sink(self.lanes(), Errand::Again, (vnet, frame), (scratch, delta));
    }

    /// Whether its other lane has room for what comes next, so that nothing of it need be refused.
    fn is_lane_clear(&self) -> bool {
        self.lanes().queues() == 0 || self.lanes().outlet(0).lock().as_mut().is_none_or(Held::is_clear)
    }

    /// Puts one into a ring, and returns whose.
    pub(crate) fn deliver_held_to_ring(
        &self,
        vnet: &VnetHeader,
        frame: &[u8],
        owner: SourceId,
        (scratch, delta): (&mut Scratch, &mut Delta),
    ) -> Result<u16, Refused> {
        let flow = || steer::flow(frame, &EtherHeader::parse(frame).unwrap_or_default());
        let pair = self.only_pair().unwrap_or_else(|| self.steer(flow()));
        let (pair, mut held) = lock_in_use(self, pair);
        let receiver = held.as_mut().filter(|_| self.runs(pair)).ok_or(DropReason::PortDown)?;
        let (negotiated, mut made) = (receiver.negotiated(), Delta::default());
        receiver.begin(owner, 1);
        let put = put(receiver, negotiated, (vnet, &Payload::held(frame, &[])), scratch, &mut made);
        receiver.end();
        self.count(pair, made.traffic);
        delta.checksums += made.checksums;
        delta.segments += made.segments;
        // Pieces that are there must not come again.
        put.map(|()| pair).map_err(|reason| Refused { reason, whole: made.segments == 0 })
    }
}

/// Into the first queue of the other lane.
fn deliver_held_to_sink(
    lanes: &Lanes,
    errand: Errand,
    (vnet, frame): (&VnetHeader, &[u8]),
    (scratch, delta): (&mut Scratch, &mut Delta),
) {
    let outlet = lanes.outlet(0);
    let mut held = outlet.lock();
    let Some(held) = held.as_mut() else { return };
    outlet.begin(held, errand, delta);
    let (negotiated, mut made) = (held.sink().negotiated(), Delta::default());
    if let Err(reason) = put(held, negotiated, (vnet, &Payload::held(frame, &[])), scratch, &mut made) {
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
