// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A worker: the source queues that it owns, polled in turn, a burst each.

use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;
use sys::{Ring, RingFault};

use crate::bits::Bits;
use crate::burst::Burst;
use crate::deliver::{Delivery, Sender};
use crate::forward::{From, ask, forward};
use crate::guard::guard;
use crate::limits;
use crate::namespace::{Namespace, PortSet};
use crate::patch::cross;
use crate::policing::SendPolicers;
use crate::port::{Port, SourceId};
use crate::receive::receive;
use crate::snoop::{self, Snoops, Tap, snoop};
use crate::stats::Delta;
use crate::time::Instant;

/// A stage of the frame path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Chains are taken off the ring, and heads out of guest memory.
    Receive,
    /// Each frame is judged by its head.
    Guard,
    /// Sources are learned, destinations looked up.
    Forward,
    /// Frames are copied into the receivers' buffers.
    Deliver,
    /// Chains are given back, receivers told, counters moved.
    Finish,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Receive, Self::Guard, Self::Forward, Self::Deliver, Self::Finish];
}

/// A transmit ring of a port, and where its frames go: what a worker owns while it polls it.
pub struct Source {
    port: Arc<Port>,
    namespace: Arc<Namespace>,
    ports: Cache<Arc<ArcSwap<PortSet>>, Arc<PortSet>>,
    ring: Ring,
    fault: Option<RingFault>,
}

impl Source {
    /// A source over a ring that has just been started.
    #[must_use]
    pub fn new(namespace: &Arc<Namespace>, port: &Arc<Port>, mut ring: Ring) -> Self {
        port.clear_fault();
        ring.nudge();
        Self {
            port: Arc::clone(port),
            namespace: Arc::clone(namespace),
            ports: Cache::new(Arc::clone(&namespace.ports)),
            ring,
            fault: None,
        }
    }

    /// The ring, to ask it for its doorbell.
    #[must_use]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Gives the ring back, everything in it completed.
    #[must_use]
    pub fn into_ring(self) -> Ring {
        self.ring
    }

    /// Switches one burst. Returns how many chains were taken.
    fn poll(&mut self, id: SourceId, turn: &mut Turn, now: Instant, watch: &mut impl FnMut(Stage)) -> usize {
        if self.fault.is_some() {
            return 0;
        }
        let Turn { burst, delivery, tap } = turn;
        let policy = self.port.policy();
        let policers = SendPolicers::of(&self.port, &self.namespace);
        let mut delta = Delta::default();
        let received = receive(&mut self.ring, policy.negotiated.header_len(), burst, &mut delta);
        if !burst.chains().is_empty() {
            watch(Stage::Receive);
            let (slot, own) = (self.port.slot(), self.port.mac());
            ask(burst.frames(), self.namespace.fdb(), own);
            policers.transmit(burst, now);
            let heard = guard(burst, own, &policy);
            watch(Stage::Guard);
            forward(burst, self.namespace.fdb(), From { slot, own }, now);
            policers.flood(burst, now);
            if heard != Bits::NONE {
                snoop(burst, heard, (&self.port, &self.namespace), tap);
            }
            watch(Stage::Forward);
            let (sender, ports) = (Sender { id, slot, hops: 0, now }, self.ports.load());
            delivery.deliver(burst, sender, ports, &mut delta);
            if delivery.crosses() {
                cross(delivery, burst, tap, sender);
            }
            watch(Stage::Deliver);
            finish(&mut self.ring, burst);
            delivery.publish(id, ports);
            self.port.counters.add_tx(&delta);
            watch(Stage::Finish);
        }
        let taken = burst.chains().len();
        burst.clear();
        if let Err(fault) = received {
            self.break_ring(fault);
        } else if let Some(fault) = self.ring.late_fault() {
            self.break_ring(fault);
        }
        taken
    }

    fn break_ring(&mut self, fault: RingFault) {
        self.fault = Some(fault);
        self.port.set_fault(fault);
    }

    /// Asks the guest to kick. True: do not sleep, there is work.
    fn arm(&mut self) -> bool {
        // Who sleeps holds on to nothing that control has replaced.
        self.ports.load();
        if self.fault.is_some() {
            return false;
        }
        match self.ring.arm() {
            Ok(work) => work,
            Err(fault) => {
                self.break_ring(fault);
                false
            }
        }
    }
}

/// Gives the sender's chains back, before the receivers see the frames.
fn finish(ring: &mut Ring, burst: &Burst) {
    for &head in burst.chains() {
        ring.complete(head, 0);
    }
    ring.publish();
    ring.signal();
}

/// What each burst needs and the next one uses again.
struct Turn {
    burst: Burst,
    delivery: Delivery,
    tap: Tap,
}

/// The frame path of one thread. It neither sleeps nor reads a clock: who runs it does.
pub struct Worker {
    sources: Vec<(SourceId, Source)>,
    turn: Turn,
    frames: u64,
    bursts: u64,
}

impl Default for Worker {
    fn default() -> Self {
        Self::new()
    }
}

impl Worker {
    /// A worker without sources, to which nobody listens; allocates all that the frame path needs.
    #[must_use]
    pub fn new() -> Self {
        let turn = Turn { burst: Burst::new(), delivery: Delivery::new(), tap: Tap::closed() };
        Self { sources: Vec::new(), turn, frames: 0, bursts: 0 }
    }

    /// Hands over from now on what control wants to hear of: copies of Router Advertisements and Solicitations.
    pub fn listen(&mut self) -> Snoops {
        let (tap, snoops) = snoop::tap(limits::SNOOP_SLOTS);
        self.turn.tap = tap;
        snoops
    }

    /// Whether something was handed over since the last call, so that who listens is to be woken.
    pub fn take_news(&mut self) -> bool {
        self.turn.tap.take_news()
    }

    /// Adds a source; it is polled from now on.
    pub fn attach(&mut self, id: SourceId, mut source: Source) {
        source.ring.disarm();
        self.sources.push((id, source));
    }

    /// Takes a source out. Nothing of its ring is in flight.
    pub fn detach(&mut self, id: SourceId) -> Option<Source> {
        let index = self.sources.iter().position(|(other, _)| *other == id)?;
        Some(self.sources.remove(index).1)
    }

    /// Polls every source once, a burst each, so that none can starve another. Returns the chains that were taken.
    pub fn poll(&mut self, now: Instant) -> usize {
        self.poll_watched(now, |_| ())
    }

    /// The same, for who wants to know how long the stages take: `watch` is called at the end of each stage of each burst
    /// that is not empty.
    pub fn poll_watched(&mut self, now: Instant, mut watch: impl FnMut(Stage)) -> usize {
        let mut taken = 0;
        for at in 0..self.sources.len() {
            if let Some((_, next)) = self.sources.get(at + 1) {
                next.ring.ask_index();
            }
            let (id, source) = &mut self.sources[at];
            let burst = source.poll(*id, &mut self.turn, now, &mut watch);
            self.bursts += u64::from(burst > 0);
            taken += burst;
        }
        self.frames += taken as u64;
        taken
    }

    /// Asks every guest to kick, before the caller sleeps. True: something arrived meanwhile, poll again instead.
    pub fn arm(&mut self) -> bool {
        self.sources.iter_mut().fold(false, |work, (_, source)| source.arm() | work)
    }

    /// Asks every guest not to kick, after the caller woke up.
    pub fn disarm(&mut self) {
        for (_, source) in &mut self.sources {
            source.ring.disarm();
        }
    }

    /// Clears the doorbell of a source that woke the caller.
    pub fn drain_kick(&mut self, id: SourceId) {
        if let Some((_, source)) = self.sources.iter_mut().find(|(other, _)| *other == id) {
            source.ring.drain_kick();
        }
    }

    /// Chains taken since the start.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bursts that were not empty since the start.
    #[must_use]
    pub fn bursts(&self) -> u64 {
        self.bursts
    }
}
