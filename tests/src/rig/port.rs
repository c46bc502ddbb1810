// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One port of a rig, with the guest behind it.

use std::sync::Arc;

use dataplane::{Namespace, Negotiated, Port, PortConfig, PortSlot, Source, SourceId};
use sys::{DirtyLog, Doorbells, MemoryMap, Ring, RingLayout, RingLog};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

use super::options::{PortOptions, feature};
use crate::driver::{self, QueueOptions, RxQueue, TxQueue};
use crate::memory::GuestMemory;

/// See the module.
pub struct RigPort {
    /// Transmit queues, one a pair.
    pub tx: Vec<TxQueue>,
    /// Receive queues, one a pair.
    pub rx: Vec<RxQueue>,
    port: Arc<Port>,
    namespace: Arc<Namespace>,
    features: u64,
    memory: GuestMemory,
    map: Arc<MemoryMap>,
    /// Where what is written for rings that start from now on is marked.
    log: Option<Arc<DirtyLog>>,
    /// Rung by the switch for every ring of this port.
    call: EventFd,
    sources: Vec<SourceId>,
}

impl RigPort {
    pub(super) fn new(number: usize, namespace: Arc<Namespace>, options: &PortOptions) -> RigPort {
        let PortOptions { role, macs, mtu, features, pairs, .. } = *options;
        let config = PortConfig { mac: super::mac(number), role, macs, mtu, queue_pairs: pairs };
        let mut memory = GuestMemory::new(&options.memory).expect("a memfd");
        let map = MemoryMap::new(&memory.to_vm_memory());
        let event_idx = features & feature::EVENT_IDX != 0;
        let queue = |kind: &str, pair| {
            let name = format!("{kind} queue {pair} of port {number}");
            QueueOptions { name, event_idx, ..options.queue.clone() }
        };
        let tx = (0..pairs).map(|pair| TxQueue::new(&mut memory, &queue("transmit", pair))).collect();
        let mergeable = features & feature::MRG_RXBUF != 0;
        let (shape, len) = &options.buffers;
        let mut rx: Vec<_> =
            (0..pairs).map(|pair| RxQueue::new(&mut memory, &queue("receive", pair), mergeable)).collect();
        for queue in rx.iter_mut().take(options.filled.into()) {
            queue.keep_filled(shape, *len);
        }
        let (port, sources) = (Port::new(PortSlot(number as u16), &config), Vec::new());
        let call = EventFd::new(EFD_NONBLOCK).expect("an eventfd");
        RigPort { tx, rx, port, namespace, features, memory, map, log: None, call, sources }
    }

    /// The port in the data plane.
    pub fn port(&self) -> &Arc<Port> {
        &self.port
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }

    /// The guest's memory.
    pub fn memory(&mut self) -> &mut GuestMemory {
        &mut self.memory
    }

    /// The switch's view of it.
    pub fn map(&self) -> &Arc<MemoryMap> {
        &self.map
    }

    /// Gives the port the memory of another guest: two NICs of one guest share theirs.
    pub fn adopt(&mut self, map: &Arc<MemoryMap>) {
        self.map = Arc::clone(map);
    }

    /// Marks what is written for rings that start from now on.
    pub fn set_log(&mut self, log: Option<Arc<DirtyLog>>) {
        self.log = log;
    }

    /// How often the switch has rung since the last look.
    pub fn take_calls(&self) -> u64 {
        self.call.read().unwrap_or(0)
    }

    /// A ring as a session would make it.
    fn ring(&self, ring: &driver::Ring) -> Ring {
        let (desc, avail, used) = (ring.desc().gpa(), ring.avail().gpa(), ring.used().gpa());
        let layout = RingLayout { size: ring.size(), desc, avail, used };
        let bells = Doorbells { kick: None, call: self.call.try_clone().ok() };
        let event_idx = self.features & feature::EVENT_IDX != 0;
        let mut made = Ring::new(Arc::clone(&self.map), layout, event_idx, bells).expect("a well-formed ring");
        made.set_log(self.log.clone().map(|log| RingLog { log, used }));
        made
    }

    pub(super) fn source(&mut self, ring: &driver::Ring, id: SourceId) -> Source {
        self.port.set_negotiated(Negotiated(self.features));
        self.sources.push(id);
        Source::new(&self.namespace, &self.port, self.ring(ring))
    }

    pub(super) fn take_sources(&mut self) -> Vec<SourceId> {
        std::mem::take(&mut self.sources)
    }

    pub(super) fn start_receive(&mut self) {
        self.port.set_negotiated(Negotiated(self.features));
        for (pair, queue) in self.rx.iter().enumerate() {
            drop(self.port.attach_receiver(pair as u16, self.ring(queue.queue().ring())));
        }
    }

    pub(super) fn stop_receive(&mut self) {
        (0..self.rx.len()).for_each(|pair| drop(self.port.detach_receiver(pair as u16)));
    }

    /// Ends the session over the receive ring of the first pair and begins one over `ring`.
    pub fn restart_receive(&mut self, ring: &driver::Ring) {
        drop(self.port.detach_receiver(0));
        drop(self.port.attach_receiver(0, self.ring(ring)));
    }
}
