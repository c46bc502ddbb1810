// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One port's rings, as its session drives them: receive rings go to the port, transmit rings to a worker.
//!
//! A ring that begins where it has been in use is that of a guest that *lands*: it was running at another host, or here before
//! weftd was started, and may neither ask for routers nor say where it is. So weft does both for it, once a session, and not
//! without end over all sessions ([`Namespace::announcements`]). Rings that all begin at their beginning are those of a driver that
//! has just set the device up: whatever was known of a guest before is forgotten (`forgetting.rs`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataplane::{Busy, Emission, Learned, Namespace, Negotiated, Port, Source};
use sys::{Doorbell, Ring, RingLog};
use wire::MacAddr;

use super::clock;
use super::forgetting::Forgetting;
use super::pool::{Place, Pool};
use crate::vhost_user::RingHost;

/// See the module.
pub(super) struct Attachment {
    pool: Arc<Pool>,
    namespace: Arc<Namespace>,
    port: Arc<Port>,
    /// Where the transmit rings are, by queue.
    sources: Mutex<BTreeMap<u16, Place>>,
    has_landed: AtomicBool,
    forgetting: Mutex<Forgetting>,
}

impl Attachment {
    pub(super) fn new(pool: Arc<Pool>, namespace: Arc<Namespace>, port: Arc<Port>) -> Self {
        let (sources, has_landed, forgetting) = (Mutex::default(), AtomicBool::new(false), Mutex::default());
        Self { pool, namespace, port, sources, has_landed, forgetting }
    }

    /// A receive ring runs.
    fn arrive(&self, was_in_use: bool, more: bool) {
        self.namespace.take_home(&self.port);
        if self.port.settle(more, clock()) {
            self.pool.release(&self.port);
            self.pool.tell_departure();
        }
        if was_in_use && !self.has_landed.swap(true, Ordering::Relaxed) {
            self.say_where(self.port.mac());
            self.pool.tell_landed(self.port.tag());
        }
    }

    /// Tells everybody behind the namespace's uplinks that `mac` is here now, and if it is the port's own, which addresses its guest
    /// has. Those of the namespace itself know it.
    fn say_where(&self, mac: MacAddr) {
        let now = clock();
        let frames = if mac == self.port.mac() {
            self.namespace.announcements(&self.port, now)
        } else {
            self.port.announcement(mac, now).into_iter().collect()
        };
        let uplinks = self.namespace.uplinks();
        let over = |frame: &Vec<u8>, port: &Arc<Port>| Emission { port: Arc::clone(port), frame: frame.clone() };
        self.pool.emit(frames.iter().flat_map(|frame| uplinks.iter().map(|port| over(frame, port))).collect());
    }

    /// A ring is about to start: whether what was known of the port's guest holds for this one.
    fn judge(&self, was_in_use: bool) {
        let is_first = !self.port.is_running() && self.sources().is_empty();
        let mut forgetting = self.forgetting.lock().unwrap_or_else(PoisonError::into_inner);
        forgetting.judge(&self.port, is_first, was_in_use, clock());
    }

    /// A worker that is in the middle of a burst needs microseconds to finish it.
    fn stop_receiver(&self, pair: u16) -> Option<Ring> {
        if self.port.pause(pair, clock()) {
            self.pool.tell_departure();
        }
        loop {
            match self.port.detach_receiver(pair) {
                Ok(ring) => return ring,
                Err(Busy) => std::thread::yield_now(),
            }
        }
    }

    fn sources(&self) -> MutexGuard<'_, BTreeMap<u16, Place>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Even queues are for receiving (virtio 1.2 section 5.1.2).
fn is_receive(queue: u16) -> bool {
    queue.is_multiple_of(2)
}

impl RingHost for Attachment {
    fn negotiated(&self, features: u64) {
        if features == 0 {
            // The next session is another landing, however soon it comes.
            self.has_landed.store(false, Ordering::Relaxed);
        }
        self.port.set_negotiated(Negotiated(features));
    }

    fn start(&self, queue: u16, ring: Ring, more: bool) {
        let was_in_use = ring.next_avail() != 0;
        self.judge(was_in_use);
        if is_receive(queue) {
            if was_in_use && !self.has_landed.load(Ordering::Relaxed) {
                self.port.land(clock());
            }
            self.port.attach_receiver(queue / 2, ring);
            if !self.port.turns_away() {
                self.arrive(was_in_use, more);
            }
            return;
        }
        self.stop(queue);
        let place = self.pool.attach(Source::new(&self.namespace, &self.port, ring));
        self.sources().insert(queue, place);
    }

    fn stop(&self, queue: u16) -> Option<Ring> {
        if is_receive(queue) {
            return self.stop_receiver(queue / 2);
        }
        let place = self.sources().remove(&queue)?;
        self.pool.detach(place)?.into_ring()
    }

    fn relog(&self, queue: u16, log: Option<RingLog>) {
        if is_receive(queue) {
            return self.port.relog_receiver(queue / 2, log);
        }
        // Frames wait in the ring for the moment.
        let mut sources = self.sources();
        let source = sources.remove(&queue).and_then(|place| self.pool.detach(place));
        if let Some(mut source) = source {
            source.set_log(log);
            sources.insert(queue, self.pool.attach(*source));
        }
    }

    fn set_call(&self, queue: u16, call: Option<Doorbell>) {
        drop(self.port.replace_call(queue / 2, call));
    }

    fn announce(&self, mac: MacAddr) {
        // The address may be pinned to another port; then the table rightly keeps what it has.
        let learn = || self.namespace.fdb().learn(mac, self.port.slot(), clock());
        if self.port.may_use(mac) && learn() != Learned::Pinned {
            self.say_where(mac);
        }
    }
}
