// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Delivery by other lanes than a port's rings: the part of stage 5 that ports with a VF need, and ports without a guest.
//!
//! As with rings, frames are put here and sent later, when their sender has its chains back.

use std::sync::Arc;

use wire::VnetHeader;

use crate::bits::Bits;
use crate::burst::{Burst, Frame, Verdict};
use crate::deliver::{Delivery, Sender, police};
use crate::drops::DropReason;
use crate::lanes::{Errand, Held, Outlet};
use crate::offload::{self, Destination, Scratch};
use crate::payload::Payload;
use crate::port::Port;
use crate::stats::Delta;
use crate::steer;
use crate::targets::Target;

impl Destination for Held {
    fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        Held::put(self, header, payload)
    }
}

impl Delivery {
    /// Delivers frames by the lanes that steering names, to a port that has more than its rings or none.
    #[cold]
    pub(crate) fn deliver_by_lane(&mut self, port: &Arc<Port>, target: Target, burst: &Burst, sender: Sender) {
        let (mut delta, mut wanted) = (Delta::default(), target.frames);
        police(port, &mut wanted, burst.frames(), sender.now, &mut delta);
        if port.lanes().wheel.is_held()
            && let Some(pairs) = port.hold_back(wanted, burst, sender, &mut delta)
        {
            self.touch_all(port, pairs, sender);
            self.news |= delta.drops.get(DropReason::HoldFull) > 0;
            return port.counters.add_rx(&delta);
        }
        let [mut rings, both, mut alone] = split(port, wanted, burst.frames());
        self.put(port, both, (Errand::Copy, burst), &mut delta);
        alone = self.put(port, alone, (Errand::Sole, burst), &mut delta);
        // Those for which there was no sink.
        rings.add(alone);
        if rings == Bits::NONE {
            port.counters.add_rx(&delta);
        } else {
            self.deliver_to_rings(port, Target { frames: rings, ..target }, burst, sender, delta);
        }
    }

    /// Lets what the guest sends to one address leave by its other lane, if that is there.
    #[cold]
    pub(crate) fn let_out(&mut self, port: &Arc<Port>, burst: &mut Burst, delta: &mut Delta) {
        let mut wanted = Bits::NONE;
        for (number, frame) in burst.frames().iter().enumerate() {
            wanted.set(number, frame.verdict == Verdict::Undecided && !frame.dst().is_multicast());
        }
        let left = self.put(port, wanted, (Errand::Outward, burst), delta);
        wanted.retain(|number| !left.has(number));
        wanted.iter().for_each(|number| burst.frames_mut()[number].verdict = Verdict::Elsewhere);
    }

    /// Puts frames into the sinks of a port, each flow into one. Returns those for which there was none.
    fn put(&mut self, port: &Arc<Port>, wanted: Bits, (errand, burst): (Errand, &Burst), delta: &mut Delta) -> Bits {
        let queues = port.lanes().queues();
        let mut left = if queues == 0 { wanted } else { Bits::NONE };
        for queue in 0..queues {
            let mut mine = wanted;
            mine.retain(|number| queues == 1 || queue_of(burst.frame(number), queues) == queue);
            if mine == Bits::NONE {
                continue;
            }
            let outlet = port.lanes().outlet(queue);
            match outlet.lock().as_mut() {
                None => left.add(mine),
                Some(held) => {
                    outlet.begin(held, errand, delta);
                    fill((outlet, held), port.mtu(), mine, burst, (&mut self.scratch, delta));
                    self.by_lane.push((Arc::clone(port), queue));
                }
            }
        }
        left
    }

    /// Sends all that was put. Control is to look at once at lanes whose far ends have gone.
    pub(crate) fn flush_lanes(&mut self) {
        for (port, queue) in self.by_lane.drain(..) {
            let mut delta = Delta::default();
            let outlet = port.lanes().outlet(queue);
            if let Some(held) = outlet.lock().as_mut() {
                outlet.flush(held, &mut delta);
                self.news |= held.has_parted();
            }
            port.counters.add_rx(&delta);
        }
    }
}

/// Frames for the rings, frames for the other lane as well, and frames for the other lane alone. The first include the second.
fn split(port: &Port, wanted: Bits, frames: &[Frame]) -> [Bits; 3] {
    let steering = port.lanes().wheel.get();
    let mut split = [Bits::NONE; 3];
    for number in wanted.iter() {
        let lanes = steering.of(frames[number].dst().is_multicast());
        split[0].set(number, lanes.synthetic || !lanes.vf);
        split[1].set(number, lanes.synthetic && lanes.vf);
        split[2].set(number, lanes.vf && !lanes.synthetic);
    }
    split
}

fn queue_of(frame: &Frame, queues: u16) -> u16 {
    (steer::flow(frame.head(), &frame.ether()) % u32::from(queues)) as u16
}

/// Puts frames into one sink.
fn fill(
    (outlet, held): (&Outlet, &mut Held),
    mtu: u16,
    wanted: Bits,
    burst: &Burst,
    (scratch, delta): (&mut Scratch, &mut Delta),
) {
    for number in wanted.iter() {
        let frame = burst.frame(number);
        if let Err(reason) = put(held, mtu, (burst, frame), scratch, delta) {
            outlet.refuse(held, reason, delta);
        }
    }
}

/// Puts one frame, as it is where the sink can take it so.
fn put(
    held: &mut Held,
    mtu: u16,
    (burst, frame): (&Burst, &Frame),
    scratch: &mut Scratch,
    delta: &mut Delta,
) -> Result<(), DropReason> {
    if !frame.fits(mtu) {
        return Err(DropReason::TooBig);
    }
    let payload = burst.payload(frame);
    if frame.vnet.is_plain() || held.sink().negotiated().can_receive(&frame.vnet) {
        return held.put(&frame.vnet.forwarded(1), &payload);
    }
    // What goes out is counted when it does.
    let mut made = Delta::default();
    let finished = offload::finish(held, &frame.vnet, &payload, scratch, &mut made);
    delta.checksums += made.checksums;
    delta.segments += made.segments;
    finished
}
