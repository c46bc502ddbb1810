// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One port's rings, as its session drives them: receive rings go to the port, transmit rings to a worker.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataplane::{Busy, Namespace, Negotiated, Port, Source};
use sys::{Ring, RingLog};
use wire::MacAddr;

use super::clock;
use super::pool::{Place, Pool};
use crate::vhost_user::RingHost;

/// See the module.
pub(super) struct Attachment {
    pool: Arc<Pool>,
    namespace: Arc<Namespace>,
    port: Arc<Port>,
    /// Where the transmit rings are, by queue.
    sources: Mutex<BTreeMap<u16, Place>>,
}

impl Attachment {
    pub(super) fn new(pool: Arc<Pool>, namespace: Arc<Namespace>, port: Arc<Port>) -> Self {
        Self { pool, namespace, port, sources: Mutex::default() }
    }

    /// A worker that is in the middle of a burst needs microseconds to finish it.
    fn stop_receiver(&self, pair: u16) -> Option<Ring> {
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
        self.port.set_negotiated(Negotiated(features));
    }

    fn start(&self, queue: u16, ring: Ring) {
        if is_receive(queue) {
            self.port.attach_receiver(queue / 2, ring);
            self.namespace.take_home(&self.port);
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

    fn announce(&self, mac: MacAddr) {
        if self.port.may_use(mac) {
            // The address may be pinned to another port; then the table rightly keeps what it has.
            self.namespace.fdb().learn(mac, self.port.slot(), clock());
        }
    }
}
