// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames that control itself has to say, to the guest of one port and to nobody else.
//!
//! They come from no ring, so nothing has to be given back before they are made visible, and no table learns from them.

use std::sync::Arc;

use wire::{EtherHeader, VnetHeader};

use crate::drops::DropReason;
use crate::lanes::Errand;
use crate::payload::Payload;
use crate::port::{Port, SourceId};
use crate::receiver::Receiver;
use crate::stats::{Delta, Traffic};
use crate::time::Instant;

/// Whose bursts these are. Any number of them may be under way: each is finished as soon as it is delivered.
pub(crate) const CONTROL: SourceId = SourceId(u64::MAX);

/// A frame for the guest of one port.
pub struct Emission {
    /// The port.
    pub port: Arc<Port>,
    /// All of the frame, from its Ethernet header on, checksums complete.
    pub frame: Vec<u8>,
}

impl Port {
    /// Delivers a frame to the port's guest, by the lanes that get such a frame, and rings its bell. False: it is a drop, which
    /// the port counts. The port's limits hold for it as for what others send there. A bell may block, so this is for a worker's
    /// thread, between two bursts.
    pub fn emit(&self, frame: &[u8], now: Instant) -> bool {
        let mut delta = Delta::default();
        let emitted = self.may_emit(frame, now).and_then(|()| self.emit_by_lane(frame, now, &mut delta));
        emitted.err().into_iter().for_each(|reason| delta.drops.add(reason));
        self.counters.add_rx(&delta);
        emitted.is_ok()
    }

    /// Counts a frame for the port's guest that does not even come to a worker.
    pub fn lose_emission(&self) {
        let mut delta = Delta::default();
        delta.drops.add(DropReason::WorkerBusy);
        self.counters.add_rx(&delta);
    }

    /// Whether its limits and its MTU let it have a frame.
    pub(crate) fn may_emit(&self, frame: &[u8], now: Instant) -> Result<(), DropReason> {
        let policers = self.policers();
        let meter = policers.as_ref().and_then(|policers| policers.receive(std::iter::once(frame.len() as u32), now));
        if !meter.is_none_or(|mut meter| meter.admit(frame.len() as u32)) {
            return Err(DropReason::RxPoliced);
        }
        let packet = frame.len().saturating_sub(EtherHeader::parse(frame).map_or(0, |ether| ether.l3));
        if packet > usize::from(self.mtu()) { Err(DropReason::TooBig) } else { Ok(()) }
    }

    fn emit_by_lane(&self, frame: &[u8], now: Instant, delta: &mut Delta) -> Result<(), DropReason> {
        if self.lanes().wheel.is_held()
            && let Some(held) = self.hold_emission(frame, now, delta)
        {
            return held;
        }
        let multicast = EtherHeader::parse(frame).is_some_and(|ether| ether.dst.is_multicast());
        let lanes = self.lanes().wheel.get().of(multicast);
        let errand = if lanes.synthetic { Errand::Copy } else { Errand::Sole };
        let sent = lanes.vf && self.emit_to_sink(frame, errand, delta);
        if lanes.synthetic || !sent { self.emit_to_ring(frame) } else { Ok(()) }
    }

    /// Into the first queue of the other lane. False: it has none.
    fn emit_to_sink(&self, frame: &[u8], errand: Errand, delta: &mut Delta) -> bool {
        let outlet = self.lanes().outlet(0);
        let mut held = outlet.lock();
        let Some(held) = held.as_mut() else { return false };
        outlet.begin(held, errand, delta);
        if let Err(reason) = held.put(&VnetHeader::PLAIN, &Payload::held(frame, &[])) {
            outlet.refuse(held, reason, delta);
        }
        outlet.flush(held, delta);
        true
    }

    /// Into the first queue pair: it is the one that every driver uses.
    fn emit_to_ring(&self, frame: &[u8]) -> Result<(), DropReason> {
        let mut held = self.lock(0);
        let receiver = held.as_mut().filter(|_| self.runs(0)).ok_or(DropReason::PortDown)?;
        let delivered = deliver(receiver, frame);
        if let Err(fault) = receiver.publish(CONTROL) {
            self.set_fault(fault);
        }
        delivered?;
        let mut traffic = Traffic::default();
        traffic.count(frame.len() as u32);
        self.count(0, traffic);
        Ok(())
    }
}

fn deliver(receiver: &mut Receiver, frame: &[u8]) -> Result<(), DropReason> {
    receiver.begin(CONTROL, 1);
    let delivered = receiver.put(&VnetHeader::PLAIN, &Payload::held(frame, &[]));
    receiver.end();
    delivered
}
